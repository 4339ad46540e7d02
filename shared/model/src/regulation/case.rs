//! The case behind a regulation: when the person asked, by when the law wants an answer, and what is on file about it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Regulation;
use super::law::{Law, days_between};
use crate::failure::{Failure, Result};
use crate::remark;
use crate::subject::Named;

/// How far ahead of ours the clock of a client may be.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// How long ago a person may have asked: a year.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// The most days of [`Law::Other`].
const MAX_DAYS: u16 = 365;

/// The law's clock of one request, which runs from its receipt until it is honoured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Clock {
    /// When the person's request came in.
    pub received_at: Timestamp,
    /// The law by which it is answered.
    pub law: Law,
    /// How many days there are, if the law is [`Law::Other`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_in_days: Option<u16>,
    /// By when it must be answered, as it was extended.
    pub due_at: Timestamp,
    /// That it was extended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extension: Option<Extension>,
}

/// That the time to answer was extended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// When.
    pub at: Timestamp,
    /// Who extended it: a token's id, or `admin`.
    pub by: String,
    /// Why it takes longer, as the person was told.
    pub reason: String,
    /// By when it must be answered now.
    pub due_at: Timestamp,
}

/// What is on file about a request: texts that name nobody, since they are kept for as long as the certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaseFile {
    /// Who asked, by their part in it: the person, a parent, a lawyer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub requester: Option<String>,
    /// The number of a ticket or of a letter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// On what the request rests.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub legal_basis: Option<String>,
    /// By which way it came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<String>,
    /// How it was made sure who asks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verification: Option<String>,
}

/// That a regulation was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancelled {
    /// Who withdrew it: a token's id, or `admin`.
    pub cancelled_by: String,
    /// When.
    pub cancelled_at: Timestamp,
}

/// What a request says is on file.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCaseFile {
    /// Who asked, by their part in it: the person, a parent, a lawyer.
    #[schema(max_length = 200)]
    requester: Option<String>,
    /// The number of a ticket or of a letter.
    #[schema(max_length = 200)]
    reference: Option<String>,
    /// On what the request rests.
    #[schema(max_length = 200)]
    legal_basis: Option<String>,
    /// By which way it came.
    #[schema(max_length = 200)]
    channel: Option<String>,
    /// How it was made sure who asks.
    #[schema(max_length = 200)]
    verification: Option<String>,
}

/// What a request says of the law's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewClock {
    /// When the person's request came in; now, if left out.
    pub received_at: Option<Timestamp>,
    /// The law; the installation's own, if left out.
    pub law: Option<Law>,
    /// How many days there are.
    pub due_in_days: Option<u16>,
}

/// The body of `POST /regulations/{id}/extension`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Two of the vendors need until March" }))]
pub struct NewExtension {
    /// Why it takes longer, as the person is told. Names no person.
    #[schema(max_length = 200, pattern = r"\S")]
    reason: String,
}

impl NewClock {
    /// Checks it and starts the clock. `law` is the installation's own.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(self, now: Timestamp, law: Law) -> Result<Clock> {
        let refuse = |field, message: &str| Err(Failure::invalid(message).field(field));
        let received_at = self.received_at.unwrap_or(now);
        if received_at > now + SKEW {
            return refuse("receivedAt", "receivedAt is in the future");
        }
        if received_at < now - OLDEST {
            return refuse("receivedAt", "receivedAt is more than a year ago");
        }
        let law = self.law.unwrap_or(law);
        match (law, self.due_in_days) {
            (Law::Other, None) => refuse("dueInDays", "dueInDays is missing: the law OTHER needs it"),
            (Law::Other, Some(days)) if !(1..=MAX_DAYS).contains(&days) => {
                refuse("dueInDays", "dueInDays must be from 1 to 365")
            }
            (Law::Gdpr | Law::Ccpa, Some(_)) => {
                refuse("dueInDays", "dueInDays goes with the law OTHER alone")
            }
            (law, due_in_days) => {
                let received_at = received_at.min(now);
                let due_at = law.due(received_at, due_in_days.unwrap_or_default());
                Ok(Clock { received_at, law, due_in_days, due_at, extension: None })
            }
        }
    }
}

impl NewCaseFile {
    /// Checks that it names none of these people.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    fn accept(self, named: &[Named]) -> Result<CaseFile> {
        let check = |field, text: Option<String>| match text {
            Some(text) => remark::check(field, &text, named),
            None => Ok(None),
        };
        Ok(CaseFile {
            requester: check("file.requester", self.requester)?,
            reference: check("file.reference", self.reference)?,
            legal_basis: check("file.legalBasis", self.legal_basis)?,
            channel: check("file.channel", self.channel)?,
            verification: check("file.verification", self.verification)?,
        })
    }
}

/// A regulation with its clock, and with what is on file about it, if that names nobody.
///
/// # Errors
/// `Invalid`, naming the field.
pub(super) fn attach(
    (regulation, named): (Regulation, Vec<Named>),
    clock: Clock,
    file: Option<NewCaseFile>,
) -> Result<(Regulation, Vec<Named>)> {
    let file = file.unwrap_or_default().accept(&named)?;
    Ok((Regulation { clock: Some(clock), file, ..regulation }, named))
}

impl NewExtension {
    /// The reason, if it names none of these people.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn reason(&self, named: &[Named]) -> Result<String> {
        let missing = || Failure::invalid("reason must say something").field("reason");
        remark::check("reason", &self.reason, named)?.ok_or_else(missing)
    }
}

impl CaseFile {
    /// Whether nothing is on file.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Regulation {
    /// Whether its clock runs: it has one, and it is neither honoured nor withdrawn, nor beyond help. What failed still waits to be
    /// honoured for as long as its identifiers are kept.
    pub fn clock_runs(&self, now: Timestamp) -> bool {
        let is_over = self.status.drops_identifiers()
            || self.identifiers_kept_until().is_some_and(|until| until <= now);
        self.clock.is_some() && !is_over
    }

    /// Whole days until it must be answered, negative once it is overdue; none, unless its clock runs.
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        let clock = self.clock.as_ref().filter(|_| self.clock_runs(now))?;
        Some(days_between(now, clock.due_at))
    }

    /// The extension that somebody asks for now.
    ///
    /// # Errors
    /// `Invalid`, if it cannot be extended, or no longer.
    pub fn extend(&self, by: &str, reason: String, now: Timestamp) -> Result<Extension> {
        let Some(clock) = &self.clock else {
            return Err(Failure::invalid("it was made before deadlines were kept, and has none"));
        };
        if !self.clock_runs(now) {
            return Err(Failure::invalid("its clock runs no longer: there is nothing to extend"));
        }
        if let Some(extension) = &clock.extension {
            let message = format!("it was extended to {} before: that is done once", extension.due_at);
            return Err(Failure::invalid(message));
        }
        if now > clock.due_at {
            let message = format!("it was due at {}: the law extends what is not overdue", clock.due_at);
            return Err(Failure::invalid(message));
        }
        let due_at = clock.law.extended(clock.received_at, clock.due_in_days.unwrap_or_default());
        Ok(Extension { at: now, by: by.to_owned(), reason, due_at })
    }
}

#[cfg(test)]
mod tests;
