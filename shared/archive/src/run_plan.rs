//! The JSON files in Lethe's bucket through which the steps of a purge run pass on their work. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use destinations::archive::RequestPayer;
use engine::format::{Pause, Report};
use model::exception::Unreadable;
use model::id::{DestinationId, RegulationId};
use model::rules::Rules;
use model::source_scope::SourceScope;
use model::subject::Subject;

/// The subjects and regulations of a run. Written once, since members refer to a subject by its index. Holds
/// identifiers: it is deleted when the run ends.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunPlan {
    /// All subjects, each once.
    pub subjects: Vec<Subject>,
    /// The regulations that the run serves.
    pub members: Vec<RunMember>,
    /// The part of the archives that the run reads; all of each, if left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<SourceScope>,
    /// The time before which no archive may be listed: a recorder that read the suppression list before a member's
    /// suppression may still write a file. A dry run need not wait.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub list_from: Option<Timestamp>,
}

impl RunPlan {
    /// The archives of all members.
    pub fn archives(&self) -> BTreeSet<&DestinationId> {
        self.members.iter().flat_map(|member| &member.archives).collect()
    }

    /// Seconds until the archives may be listed, rounded up.
    pub fn seconds_to_wait(&self, now: Timestamp) -> u64 {
        let left = self.list_from.map_or(SignedDuration::ZERO, |from| from.duration_since(now));
        u64::try_from(left.as_millis()).unwrap_or(0).div_ceil(1_000)
    }
}

/// A regulation that a run serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunMember {
    /// The regulation.
    pub regulation_id: RegulationId,
    /// The attempt of it that the run serves.
    pub attempt: u32,
    /// The task token that resumes its execution.
    pub task_token: String,
    /// Its archives.
    pub archives: Vec<DestinationId>,
    /// Its subjects, as indexes into [`RunPlan::subjects`].
    pub subjects: Vec<u32>,
}

/// Work for one invocation: objects of one archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectBatch {
    /// The archive.
    pub archive: DestinationId,
    /// Its bucket.
    pub bucket: String,
    /// Who pays for calls to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_payer: Option<RequestPayer>,
    /// Where identifiers stand in its records.
    pub rules: Rules,
    /// The objects.
    pub entries: Vec<Entry>,
}

/// One key of an archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// In find: the versions to look at. In forget and verify: the versions that are known to be clean.
    pub versions: Vec<Version>,
}

/// One version of an object, in this state and no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The version's id; S3's `null`, if it was written while the bucket was not versioned.
    pub id: String,
    /// The entity tag.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it was the current one when it was listed.
    pub current: bool,
}

impl Version {
    /// Whether both are the same state of an object.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.etag == other.etag
    }
}

/// The progress of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// The archive.
    pub archive: DestinationId,
    /// Its bucket.
    pub bucket: String,
    /// The outcome of each entry that is done, by its index in the batch.
    pub results: BTreeMap<usize, KeyOutcome>,
    /// The progress on entries that an invocation began and could not finish, by index.
    #[serde(default)]
    pub checkpoints: BTreeMap<usize, Checkpoint>,
    /// Number of invocations in a row that did not end, the current one included.
    #[serde(default)]
    pub unfinished_invocations: u32,
    /// The entry in work, while an invocation works on one at a time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alone: Option<usize>,
}

/// The progress on a key that the next invocation continues with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The outcome so far.
    pub outcome: KeyOutcome,
    /// The versions that are done.
    pub passed: Vec<Version>,
    /// The version that is being read, and where reading paused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reading: Option<(Version, Pause)>,
    /// Bytes of that version that S3 has sent so far.
    #[serde(default)]
    pub read: u64,
}

impl Checkpoint {
    /// A key on which no work has begun.
    pub fn new(key: &str) -> Self {
        let outcome = KeyOutcome { key: key.to_owned(), ..KeyOutcome::default() };
        Self { outcome, ..Self::default() }
    }

    /// Notes what was in a version.
    pub fn see(&mut self, version: &Version, report: Report, ruled_out: bool) {
        let (version, read) = (version.clone(), std::mem::take(&mut self.read));
        self.outcome.seen.push(SeenVersion { version, report, ruled_out, read });
    }
}

/// The outcome for one key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyOutcome {
    /// The key.
    pub key: String,
    /// The versions that were read, each with what was in it; in forget, as they were before.
    pub seen: Vec<SeenVersion>,
    /// Whether a clean current version was written, or the object deleted because nothing was left of it.
    pub rewritten: bool,
    /// The clean version that was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub written: Option<Version>,
    /// Number of versions deleted.
    pub deleted: u64,
    /// Lines of others in those, except in the version that a clean one replaced, where they still are.
    #[serde(default)]
    pub others: u64,
    /// Why some versions could not be read or changed.
    pub residuals: Vec<Residual>,
}

/// A version and what was in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenVersion {
    /// The version.
    pub version: Version,
    /// What was in it.
    pub report: Report,
    /// Whether it is known without reading to hold no subject: by its filter, or because this run wrote it, to the cold
    /// storage of the version that it replaced.
    #[serde(default)]
    pub ruled_out: bool,
    /// Bytes that S3 sent for it: of the version as it is stored, and of its filter.
    #[serde(default)]
    pub read: u64,
}

/// What is left and why, so that a person can deal with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// What kind of obstacle it is.
    pub reason: Reason,
    /// The obstacle in words.
    pub detail: String,
    /// When it can be dealt with, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

/// Why a version could not be read or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// It breaks the rules of its own format.
    Corrupt,
    /// It is of no known format, or of a type to which the rules cannot be applied.
    Unsupported,
    /// Records in it hold a value in an identifier's place that cannot be compared.
    Opaque,
    /// Records in it name a subject among others in an array, and nobody as the owner of the whole record.
    Envelope,
    /// We may not read, write or delete it.
    Denied,
    /// It is in cold storage and has to be restored first.
    Cold,
    /// It is under Object Lock.
    Locked,
    /// S3 could not be reached in any try.
    Unreachable,
    /// Others changed it each time we were about to.
    Contended,
    /// Its batch did not end.
    Unprocessed,
}

impl Reason {
    /// The key under which evidence counts it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Opaque => "opaque",
            Self::Envelope => "envelope",
            Self::Denied => "denied",
            Self::Cold => "cold",
            Self::Locked => "locked",
            Self::Unreachable => "unreachable",
            Self::Contended => "contended",
            Self::Unprocessed => "unprocessed",
        }
    }

    /// The kind of exception that can cover it, if one can.
    pub fn unreadable(self) -> Option<Unreadable> {
        match self {
            Self::Corrupt => Some(Unreadable::Corrupt),
            Self::Unsupported => Some(Unreadable::Unsupported),
            Self::Opaque => Some(Unreadable::Opaque),
            Self::Denied => Some(Unreadable::Denied),
            Self::Cold => Some(Unreadable::Cold),
            Self::Envelope | Self::Locked | Self::Unreachable | Self::Contended | Self::Unprocessed => None,
        }
    }
}

impl KeyOutcome {
    /// Whether any version held a subject.
    pub fn is_hit(&self) -> bool {
        self.seen.iter().any(|seen| seen.report.is_hit())
    }

    /// The obstacles to this key: versions that could not be read or changed, and records whose subject cannot be
    /// determined.
    pub fn obstacles(&self) -> Vec<Residual> {
        let sum =
            |count: fn(&Report) -> u64| -> u64 { self.seen.iter().map(|seen| count(&seen.report)).sum() };
        let kept = [
            (
                Reason::Opaque,
                sum(|report| report.opaque),
                "value in an identifier's place cannot be compared: have it written as text, a whole number or a UUID, or correct the rules",
            ),
            (
                Reason::Envelope,
                sum(|report| report.shared),
                "array names somebody beside others: have its elements written as records of their own, or name by a rule whose the whole record is",
            ),
        ];
        let kept = kept.into_iter().filter(|(_, records, _)| *records > 0).map(|(reason, records, why)| {
            Residual { reason, detail: format!("{records} record(s) are kept whose {why}"), until: None }
        });
        self.residuals.iter().cloned().chain(kept).collect()
    }

    /// The versions that are known to hold no subject.
    pub fn clean(&self) -> Vec<Version> {
        let clean = self
            .seen
            .iter()
            .filter(|seen| !seen.report.is_hit() && seen.report.opaque + seen.report.shared == 0);
        clean.map(|seen| seen.version.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_until_every_earlier_recorder_has_ended_and_only_looking_waits_for_nobody() {
        let now = Timestamp::from_second(1_000).unwrap();
        let plan = |list_from| RunPlan { list_from, ..RunPlan::default() };
        let in_millis = |ms| plan(Some(now + SignedDuration::from_millis(ms))).seconds_to_wait(now);
        assert_eq!([130_000, 129_001, 1, 0, -1, -5_000].map(in_millis), [130, 130, 1, 0, 0, 0]);
        assert_eq!(plan(None).seconds_to_wait(now), 0);
    }
}
