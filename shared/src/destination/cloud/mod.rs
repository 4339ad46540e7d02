//! Protocols of the cloud destinations: pure, without I/O.
//!
//! A protocol is asked for its next [`Step`] with the replies it got so far and answers a call to send, a time
//! to wait, or the outcome of each subject. The engine owns everything else: TLS, timeouts, rate limits,
//! secrets, evidence. To add a vendor: one file here, one line in [`VENDORS`], one in the catalogue.

pub mod braze;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Description, Secrets};
use crate::failure::{Failure, Result};
use crate::status::TaskStatus;
use crate::subject::Subject;

/// Every cloud destination.
pub const VENDORS: &[&dyn Vendor] = &[&braze::Braze];

/// The protocol of a vendor.
///
/// # Errors
/// `Invalid`, if there is no such vendor.
pub fn vendor(name: &str) -> Result<&'static dyn Vendor> {
    let found = VENDORS.iter().find(|v| v.description().vendor == name);
    found.copied().ok_or_else(|| Failure::invalid(format!("there is no vendor {name}")).field("vendor"))
}

/// A vendor's deletion protocol.
pub trait Vendor: Sync {
    /// What the catalogue says of it.
    fn description(&self) -> &'static Description;

    /// How many subjects one call may name.
    fn batch(&self) -> usize;

    /// Checks settings beyond their presence. `any_endpoint` permits hosts that are not the vendor's.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    fn check(&self, settings: &Map<String, Value>, any_endpoint: bool) -> Result<()>;

    /// What to do next about a batch of subjects, after the replies so far. Replies 401, 403, 429 and 5xx never
    /// come here: the engine deals with them.
    ///
    /// # Errors
    /// `Permanent`, if the vendor refused; `Transient`, if its answer makes no sense.
    fn next(&self, batch: &[Subject], connection: &Connection<'_>, replies: &[Reply]) -> Result<Step>;
}

/// The settings and secrets of one destination.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The settings, checked when the destination was connected.
    pub settings: &'a Map<String, Value>,
    /// The secrets.
    pub secrets: &'a Secrets,
}

impl Connection<'_> {
    /// The base URL that a setting names as a host (`https` then) or, on test stacks, as a whole URL.
    pub fn base_url(&self, setting: &str) -> String {
        let host = self.settings.get(setting).and_then(Value::as_str).unwrap_or_default();
        if host.contains("://") { host.trim_end_matches('/').to_owned() } else { format!("https://{host}") }
    }
}

/// What a protocol wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and come back with the reply.
    Send(Call),
    /// Come back after this many seconds.
    Later(u32),
    /// This became of the subjects, in their order.
    Done(Vec<Outcome>),
}

/// A request to a vendor. `Debug` shows neither headers nor body: they hold secrets and identifiers.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL.
    pub url: String,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body, as JSON.
    pub body: Option<Value>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({} redacted)", self.method)
    }
}

/// A vendor's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; null if it is not JSON.
    pub body: Value,
}

/// What became of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The vendor took the request and will tell nothing further.
    Accepted,
    /// The vendor says that it is gone.
    Confirmed,
    /// The vendor does not know the subject.
    NoDataFound,
}

impl Outcome {
    /// The name in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
            Self::NoDataFound => "noDataFound",
        }
    }

    /// The status of a task whose least certain outcome is this.
    pub fn status(self) -> TaskStatus {
        match self {
            Self::Accepted => TaskStatus::Accepted,
            Self::Confirmed => TaskStatus::Confirmed,
            Self::NoDataFound => TaskStatus::NoDataFound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::CATALOG;

    #[test]
    fn every_vendor_is_in_the_catalogue_once() {
        for vendor in VENDORS {
            let name = vendor.description().vendor;
            assert_eq!(CATALOG.iter().filter(|d| d.vendor == name).count(), 1, "{name}");
            assert!(vendor.batch() > 0, "{name}");
        }
    }
}
