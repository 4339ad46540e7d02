//! Protocols of the cloud destinations: pure, without I/O.
//!
//! A protocol is asked for its next [`Step`] about a batch of subjects, with what it noted and the replies since
//! then. The engine owns everything else: TLS, timeouts, rate limits, secrets, waits, evidence. To add a vendor:
//! one file here, one line in [`VENDORS`], one fixture in `fixtures/` from the vendor's documentation.

mod call;

pub mod amplitude;
pub mod appsflyer;
pub mod braze;
pub mod clevertap;
pub mod customerio;
pub mod google_analytics;
pub mod hubspot;
pub mod intercom;
pub mod iterable;
pub mod klaviyo;
pub mod manual;
pub mod mixpanel;
pub mod salesforce;
mod ticket;
pub mod webhook;
pub mod zendesk;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use call::{Call, Reply, encode};

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::description::region;
pub(crate) use crate::description::{Description, Field, Form};
pub(crate) use model::destination::{DestinationKind, Secrets};
use model::failure::{Failure, Result};
use model::status::TaskStatus;
use model::subject::{Subject, SubjectType};

/// Every cloud destination.
pub const VENDORS: &[&dyn Vendor] = &[
    &amplitude::Amplitude,
    &appsflyer::AppsFlyer,
    &braze::Braze,
    &clevertap::CleverTap,
    &customerio::CustomerIo,
    &google_analytics::GoogleAnalytics,
    &hubspot::HubSpot,
    &intercom::Intercom,
    &iterable::Iterable,
    &klaviyo::Klaviyo,
    &manual::Manual,
    &mixpanel::Mixpanel,
    &salesforce::Salesforce,
    &webhook::Webhook,
    &zendesk::Zendesk,
];

/// The protocol of a vendor.
///
/// # Errors
/// `Invalid`, if there is no such vendor.
pub fn vendor(name: &str) -> Result<&'static dyn Vendor> {
    let found = VENDORS.iter().find(|v| v.description().vendor == name);
    found.copied().ok_or_else(|| Failure::invalid("there is no such vendor").field("vendor"))
}

/// A vendor's deletion protocol.
pub trait Vendor: Sync {
    /// What the catalogue says of it.
    fn description(&self) -> &'static Description;

    /// How many subjects, and how many calls, it takes.
    fn limits(&self, settings: &Map<String, Value>) -> Limits;

    /// Checks what its secrets lead to.
    ///
    /// # Errors
    /// `Invalid`, naming `secrets`, if they lead to another place than the vendor's.
    fn check_secrets(&self, _: &Secrets) -> Result<()> {
        Ok(())
    }

    /// The next step for a batch of subjects. The engine itself handles replies 401, 403, 429 and 5xx. The same question
    /// always gets the same answer.
    ///
    /// # Errors
    /// `Permanent`, if the vendor refused; `Transient`, if its answer makes no sense. A refused batch is halved until
    /// each refused subject is alone.
    fn next(&self, ask: &Ask<'_>) -> Result<Step>;

    /// The next step of a harmless call that proves region and credentials and concerns no subject. It ends as `Done`, if
    /// the connection is good.
    ///
    /// # Errors
    /// As [`Vendor::next`].
    fn check(&self, ask: &Ask<'_>) -> Result<Step>;

    /// Whether it finds people by this kind of identifier. The others end as [`Outcome::NotSupported`].
    fn finds_by(&self, kind: SubjectType) -> bool {
        kind == SubjectType::UserId
    }

    /// What to tell people about subjects that ended as [`Outcome::NotSupported`].
    fn advice(&self, _settings: &Map<String, Value>) -> String {
        format!(
            "{} finds people by their user id only: ask it to delete by another way, or send their user ids",
            self.description().vendor
        )
    }
}

/// How much a vendor takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most subjects in one batch.
    pub batch: usize,
    /// The number of calls it takes within `per`.
    pub calls: u32,
    /// The time span of `calls`, which all users of a credential share.
    pub per: Duration,
    /// The most batches under way at once.
    pub at_once: usize,
}

/// What a protocol is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The batch.
    pub subjects: &'a [Subject],
    /// The destination's settings, checked when it was connected.
    pub settings: &'a Map<String, Value>,
    /// Its secrets.
    pub secrets: &'a Secrets,
    /// The protocol's own note about this batch; null at first.
    pub note: &'a Value,
    /// The replies since that note, in the order of the calls.
    pub replies: &'a [Arc<Reply>],
    /// When this turn began: the same for all its batches.
    pub now: Timestamp,
    /// The UUID of this batch, the same each time it is sent.
    pub key: &'a str,
}

impl Ask<'_> {
    /// A URL at the host that a setting stands for.
    pub fn url(&self, host: &Field, path: &str) -> String {
        format!("{}{path}", host.base_url(self.settings))
    }

    /// A setting; empty, if it is left out.
    pub fn setting(&self, name: &str) -> &str {
        self.settings.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A secret.
    ///
    /// # Errors
    /// `Permanent`, if it is not there.
    pub fn secret(&self, name: &str) -> Result<&str> {
        self.secrets.get(name)
    }

    /// The identifier of a batch of one.
    pub fn id(&self) -> &str {
        self.subjects.first().map_or("", |subject| &subject.id)
    }

    /// The identifiers of the batch.
    pub fn ids(&self) -> Vec<&str> {
        self.subjects.iter().map(|subject| subject.id.as_str()).collect()
    }

    /// The same outcome for the whole batch.
    pub fn all(&self, outcome: Outcome) -> Step {
        Step::Done(vec![outcome; self.subjects.len()])
    }

    /// A check of one call, which is good when the vendor answers with success.
    ///
    /// # Errors
    /// What the answer means otherwise.
    pub fn check_with(&self, vendor: &str, call: impl FnOnce() -> Result<Call>) -> Result<Step> {
        match self.replies {
            [] => Ok(Step::Send(call()?)),
            [.., reply] if reply.is_success() => Ok(Step::Done(Vec::new())),
            [.., reply] => Err(reply.unexpected(vendor)),
        }
    }
}

/// What a protocol wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and come back with the reply.
    Send(Call),
    /// Save this note, so that it survives a crash, and come back at once.
    Keep(Value),
    /// Save this note and come back later: the vendor is at work. The engine's waits grow with the batch's age.
    Wait(Value),
    /// The vendor gave up what it had begun without saying which subject is the cause: the batch is split and sent again. A
    /// subject that is alone is refused with this failure.
    Apart(Failure),
    /// The outcomes of the subjects, in their order.
    Done(Vec<Outcome>),
}

/// The outcome of one subject. The first one in this order that occurs decides the task's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The vendor refused it.
    Refused,
    /// The vendor took the request and reports nothing further.
    Accepted,
    /// The vendor says that the subject is gone.
    Confirmed,
    /// The vendor does not know the subject.
    NoDataFound,
    /// The vendor has no way to delete it.
    NotSupported,
}

impl Outcome {
    /// The name in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
            Self::NoDataFound => "noDataFound",
            Self::NotSupported => "notSupported",
        }
    }

    /// The status of a task that is decided by this outcome.
    pub fn status(self) -> TaskStatus {
        match self {
            Self::Refused => TaskStatus::Failed,
            Self::Accepted => TaskStatus::Accepted,
            Self::Confirmed => TaskStatus::Confirmed,
            Self::NoDataFound => TaskStatus::NoDataFound,
            Self::NotSupported => TaskStatus::NotSupported,
        }
    }
}
