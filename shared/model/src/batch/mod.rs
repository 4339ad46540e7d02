//! Batches: one message of a queue that asks about up to 5,000 subjects, or names a file with up to 1,000,000. It
//! becomes as many regulations as it takes, and every line of it is accounted for.
//!
//! [`message`] reads what was sent, [`file`](mod@file) the file line by line, [`ledger`] keeps the account and cuts
//! regulations. All of it gives the same result each time, so that work that broke off can be resumed.

mod columns;
mod csv;
pub mod entry;
pub mod file;
pub mod ledger;
mod lines;
pub mod message;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{BatchId, RegulationId};
use crate::regulation::RegulationType;

/// The most subjects of one batch.
pub const MAX_BATCH: u64 = 1_000_000;

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BatchStatus {
    /// Its regulations are being made.
    Running,
    /// All its regulations are made.
    Accepted,
    /// The same subjects were sent before and are under way: `duplicateOf` says as which batch.
    Duplicate,
    /// It lies in the dead-letter queue: `problem` says why.
    Refused,
}

/// A message's work, as it is kept. No identifier is in it, and not the file's name, which may hold one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// How far it is.
    pub status: BatchStatus,
    /// What is to be done about the subjects; none, if the message did not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regulation_type: Option<RegulationType>,
    /// Who sent the message: SQS's `SenderId`.
    pub sender: String,
    /// The message's id in SQS.
    pub message_id: String,
    /// When the work on it began.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
    /// The file as it was when the work began; none, if the message carried the subjects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<BoundFile>,
    /// What its lines were.
    #[serde(default)]
    pub account: Account,
    /// How many of its regulations are made; all, once it is accepted.
    #[serde(default)]
    pub made: usize,
    /// Why it is refused, or why it has not ended yet, and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// The batch that has the same subjects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duplicate_of: Option<BatchId>,
}

/// A file, told from what may be written over it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundFile {
    /// S3's entity tag.
    pub etag: String,
    /// S3's version, if the bucket keeps versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version_id: Option<String>,
    /// How many bytes it has as it is stored.
    pub bytes: u64,
}

/// What the lines of a batch were. `lines` is the sum of all the others but `regulations`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Records of the file, or entries of the message's list. A quoted cell may hold line breaks: that is one record.
    pub lines: u64,
    /// Those that name a subject which none before did: each is in exactly one regulation.
    pub subjects: u64,
    /// Those that name a subject again.
    pub duplicates: u64,
    /// Those that name no subject, each with its number in the list of refusals.
    pub refused: u64,
    /// Those with nothing in them.
    pub blank: u64,
    /// The line that names the columns.
    pub header: u64,
    /// How many regulations the subjects are cut into.
    pub regulations: usize,
}

/// A line that names no subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// Where it begins, from 1: the line of the file, or the place in the message's list.
    pub line: u64,
    /// Why; never what stands there.
    pub reason: String,
}

impl Batch {
    /// A new batch, whose status is `RUNNING`.
    pub fn new(id: BatchId, sender: String, message_id: String, now: Timestamp) -> Self {
        Self {
            id,
            status: BatchStatus::Running,
            regulation_type: None,
            sender,
            message_id,
            created_at: now,
            finished_at: None,
            file: None,
            account: Account::default(),
            made: 0,
            problem: None,
            duplicate_of: None,
        }
    }

    /// Ends it with this status.
    pub fn end(&mut self, status: BatchStatus, problem: Option<String>, now: Timestamp) {
        (self.status, self.problem, self.finished_at) = (status, problem, Some(now));
    }

    /// The ids of the regulations made so far.
    pub fn regulations(&self) -> Vec<RegulationId> {
        (0..self.made).map(|number| self.regulation(number)).collect()
    }

    /// The id of the regulation with this number, from 0: the same each time.
    pub fn regulation(&self, number: usize) -> RegulationId {
        self.id.regulation(number, self.created_at)
    }

    /// The actor of its regulations: the batch's id and the sender.
    pub fn actor(&self) -> String {
        format!("{} sent by {}", self.id, self.sender)
    }
}
