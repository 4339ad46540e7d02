//! Environment variables, read once at cold start.

use std::env;

use jiff::SignedDuration;

use model::failure::{Failure, Result};

/// A variable that must be set.
///
/// # Errors
/// `Permanent`, naming the variable.
pub fn required(name: &str) -> Result<String> {
    env::var(name).map_err(|_| Failure::permanent(format!("the environment variable {name} is not set")))
}

/// A variable that holds a number of seconds.
///
/// # Errors
/// `Permanent`, naming the variable.
pub fn seconds(name: &str) -> Result<SignedDuration> {
    let number = required(name)?.parse();
    number.map(SignedDuration::from_secs).map_err(|_| {
        Failure::permanent(format!("the environment variable {name} is not a number of seconds"))
    })
}

/// A variable that holds a number of hours.
///
/// # Errors
/// `Permanent`, naming the variable.
pub fn hours(name: &str) -> Result<u32> {
    let hours = required(name)?.parse();
    hours.map_err(|_| Failure::permanent(format!("the environment variable {name} is not a number of hours")))
}

/// Whether destinations may have any endpoint, as on test stacks, or only their vendors' and other machines
/// (`DESTINATION_ENDPOINTS`).
///
/// # Errors
/// `Permanent`, if the variable is not set.
pub fn any_endpoint() -> Result<bool> {
    Ok(required("DESTINATION_ENDPOINTS")? == "any")
}

/// A variable that holds a count.
///
/// # Errors
/// `Permanent`, naming the variable.
pub fn count(name: &str) -> Result<usize> {
    let number = required(name)?.parse();
    number.map_err(|_| Failure::permanent(format!("the environment variable {name} is not a count")))
}
