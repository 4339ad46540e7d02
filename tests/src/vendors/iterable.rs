//! A fake Iterable.
//!
//! <https://api.iterable.com/api/docs>: an unknown user is a 400 with the code `BadParams`; forgetting takes up to
//! ten minutes, after which the user is in the list of the forgotten, hashed
//! (<https://support.iterable.com/hc/en-us/articles/360029174171>). Here it takes until the list is asked for once.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Iterable.
pub const ITERABLE: Vendor = Vendor {
    name: "iterable",
    destination,
    key: ("api-key", "key"),
    open: None,
    unauthorized: || error(401, "BadApiKey", "Invalid API key"),
    rate: (100, Duration::from_secs(1)),
    limited: retry_after,
    answer: users,
};

/// An Iterable at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Iterable",
        "vendor": "iterable",
        "settings": { "region": url, "mode": "forget" },
        "secrets": { "apiKey": "key" },
    })
}

fn users(world: &mut World, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (&call.method, &path[..]) {
        (&Method::GET, ["api", "channels"]) => answer(200, json!({ "channels": [] })),
        (&Method::DELETE, ["api", "users", "byUserId", id] | ["api", "users", id]) => {
            match world.delete(id) {
                true => error(200, "Success", ""),
                false => error(400, "BadParams", "User does not exist"),
            }
        }
        (&Method::POST, ["api", "users", "forget"]) => {
            let body = call.json();
            let Some(id) = body["userId"].as_str() else {
                return error(400, "BadParams", "No user is named");
            };
            if !world.delete(id) {
                return error(400, "BadParams", "User does not exist");
            }
            let hash = Sha256::digest(id.split_whitespace().collect::<String>().to_lowercase());
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut coming = world.state["coming"].as_array().cloned().unwrap_or_default();
            coming.push(hash.into());
            world.state["coming"] = coming.into();
            error(200, "Success", "")
        }
        (&Method::GET, ["api", "users", "forgottenUserIds"]) => {
            let mut forgotten = world.state["forgotten"].as_array().cloned().unwrap_or_default();
            let now = answer(200, json!({ "hashedUserIds": forgotten.clone() }));
            forgotten.extend(world.state["coming"].as_array().cloned().unwrap_or_default());
            world.state = json!({ "forgotten": forgotten, "coming": [] });
            now
        }
        _ => error(404, "NotFound", "There is no such path"),
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    answer(status, json!({ "code": code, "msg": message }))
}
