//! Protocols of the cloud destinations: pure, without I/O.
//!
//! A protocol is asked for its next [`Step`] about a batch of people, with what it noted and the replies since
//! then. The engine owns everything else: TLS, timeouts, rate limits, secrets, waits, evidence. To add a vendor:
//! one file here, one line in [`VENDORS`], one fixture in `fixtures/` from the vendor's documentation.

mod call;
mod hashes;

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
pub mod mailchimp;
pub mod manual;
pub mod mixpanel;
pub mod onesignal;
pub mod posthog;
pub mod salesforce;
pub mod sendgrid;
mod ticket;
pub mod webhook;
pub mod zendesk;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use call::{Call, Reply, encode};
pub use hashes::{HashReader, Hashes};

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::description::region;
pub(crate) use crate::description::{Description, Field, Form};
pub(crate) use model::destination::{DestinationKind, Secrets};
use model::failure::{Failure, Result};
use model::normal;
use model::status::TaskStatus;
use model::subject::Subject;
pub(crate) use model::subject::SubjectType;

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
    &mailchimp::Mailchimp,
    &manual::Manual,
    &mixpanel::Mixpanel,
    &onesignal::OneSignal,
    &posthog::PostHog,
    &salesforce::Salesforce,
    &sendgrid::SendGrid,
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
    /// Its entry in the catalogue.
    fn description(&self) -> &'static Description;

    /// The day on which the vendor's pages were last read; none, if there are none.
    fn read_on(&self) -> Option<&'static str> {
        None
    }

    /// How many subjects, and how many calls, it takes.
    fn limits(&self, settings: &Map<String, Value>) -> Limits;

    /// Checks what the forms of its settings leave open.
    ///
    /// # Errors
    /// `Invalid`, naming `settings`.
    fn check_settings(&self, _: &Map<String, Value>) -> Result<()> {
        Ok(())
    }

    /// Checks what its secrets lead to, and that none is missing.
    ///
    /// # Errors
    /// `Invalid`, naming `secrets`, if they lead to another place than the vendor's, or do not suffice.
    fn check_secrets(&self, _: &Secrets) -> Result<()> {
        Ok(())
    }

    /// The next step for a batch of subjects. The engine itself handles replies 401, 403, 429 and 5xx. The same
    /// question always gets the same answer.
    ///
    /// # Errors
    /// `Permanent`, if the vendor refused; `Transient`, if its answer makes no sense. A refused batch is halved until
    /// each refused subject is alone.
    fn next(&self, ask: &Ask<'_>) -> Result<Step>;

    /// The next step of a harmless call that proves region and credentials and concerns no subject. It ends as `Done`,
    /// if the connection is good.
    ///
    /// # Errors
    /// As [`Vendor::next`].
    fn check(&self, ask: &Ask<'_>) -> Result<Step>;

    /// The kinds of identifier that it finds people by, the best first; if it names none, it takes every kind.
    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType>;

    /// What else user ids are there, if a setting says so: the first kind counts whose form the user id has.
    fn user_ids_are(&self, _settings: &Map<String, Value>) -> Vec<SubjectType> {
        Vec::new()
    }

    /// The identifiers of a person that it takes, the best first. Somebody without any ends as
    /// [`Outcome::NoIdentifier`].
    fn identifiers(&self, person: &[Subject], settings: &Map<String, Value>) -> Vec<Subject> {
        let kinds = self.kinds(settings);
        if kinds.is_empty() {
            return person.to_vec();
        }
        let meant = self.user_ids_are(settings);
        let users = person.iter().filter(|subject| subject.kind == SubjectType::UserId);
        let read_as = users.filter_map(|user| {
            let kind = *meant.iter().find(|kind| normal::form(**kind, &user.id).is_ok())?;
            Some(Subject { kind, id: user.id.clone() })
        });
        let all: Vec<_> = person.iter().cloned().chain(read_as).collect();
        kinds.into_iter().flat_map(|kind| all.iter().filter(move |one| one.kind == kind).cloned()).collect()
    }

    /// What to tell people about those who ended as [`Outcome::NoIdentifier`].
    fn missing(&self, missing: usize, all: usize, settings: &Map<String, Value>) -> String {
        let kinds: Vec<_> = self.kinds(settings).iter().map(ToString::to_string).collect();
        let (vendor, kinds) = (self.description().vendor, kinds.join(", "));
        format!(
            "{missing} of {all} people are given by no identifier that {vendor} finds people by ({kinds}): they were \
             not asked for; send one"
        )
    }

    /// What a check tells people about credentials that will end, if there is anything to do about it by `now`.
    fn warning(&self, _settings: &Map<String, Value>, _secrets: &Secrets, _now: Timestamp) -> Option<String> {
        None
    }

    /// The last day on which its credentials are taken, as far as its settings tell.
    fn ends(&self, _settings: &Map<String, Value>) -> Option<Date> {
        None
    }

    /// What else to tell people when the vendor refuses the key, if there is a reason that all its customers share.
    fn refused_key(&self) -> Option<&'static str> {
        None
    }

    /// What to tell people about subjects that ended as [`Outcome::NotSupported`].
    fn advice(&self, _settings: &Map<String, Value>) -> String {
        format!("{} has no way to delete them", self.description().vendor)
    }
}

/// The kind of a vendor's own ids, by the name that the vendor gives them.
fn own(name: &str) -> SubjectType {
    SubjectType::custom(name).unwrap_or(SubjectType::UserId)
}

/// The limits of a vendor.
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

/// What a protocol decides on: a batch and all that is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The people of the batch: of each, the identifiers that the vendor takes, the best first. The first ones are all of
    /// the same kind.
    pub people: &'a [Vec<Subject>],
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
    /// A URL at the host that a setting names.
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
    /// `Permanent`, if it is missing.
    pub fn secret(&self, name: &str) -> Result<&str> {
        self.secrets.get(name)
    }

    /// The kind of the identifiers of the batch.
    pub fn kind(&self) -> SubjectType {
        self.people.iter().flatten().next().map_or(SubjectType::UserId, |subject| subject.kind)
    }

    /// The identifier of a batch of one.
    pub fn id(&self) -> &str {
        self.ids().first().copied().unwrap_or_default()
    }

    /// The identifiers of the batch.
    pub fn ids(&self) -> Vec<&str> {
        self.people.iter().filter_map(|person| person.first()).map(|subject| subject.id.as_str()).collect()
    }

    /// The same outcome for the whole batch.
    pub fn all(&self, outcome: Outcome) -> Step {
        Step::Done(vec![outcome; self.people.len()])
    }

    /// A check with one call, which passes if the vendor answers with success.
    ///
    /// # Errors
    /// The failure that the reply means otherwise.
    pub fn check_with(&self, vendor: &str, call: impl FnOnce() -> Result<Call>) -> Result<Step> {
        match self.replies {
            [] => Ok(Step::Send(call()?)),
            [.., reply] if reply.is_success() => Ok(Step::Done(Vec::new())),
            [.., reply] => Err(reply.unexpected(vendor)),
        }
    }
}

/// What a protocol wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send this and come back with the reply.
    Send(Call),
    /// Save this note, so that it survives a crash, and come back at once.
    Keep(Value),
    /// Save this note and come back later: the vendor is at work. The engine's waits grow with the batch's age.
    Wait(Value),
    /// The vendor gave up what it had begun, without naming the subject at fault: the batch is split and sent again. A
    /// subject that is alone is refused with this failure.
    Apart(Failure),
    /// The outcomes of the subjects, in their order.
    Done(Vec<Outcome>),
    /// The same, where the vendor refused some of them, for this reason.
    Sorted(Vec<Outcome>, Failure),
}

/// The outcome of one subject. The first one in this order that occurs decides the task's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The vendor refused it.
    Refused,
    /// It is given by no identifier that the vendor knows, and was not asked for.
    NoIdentifier,
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
    /// The outcome's name in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NoIdentifier => "noIdentifier",
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
            Self::NoIdentifier => TaskStatus::NoIdentifier,
            Self::Accepted => TaskStatus::Accepted,
            Self::Confirmed => TaskStatus::Confirmed,
            Self::NoDataFound => TaskStatus::NoDataFound,
            Self::NotSupported => TaskStatus::NotSupported,
        }
    }
}
