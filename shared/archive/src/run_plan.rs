//! What the steps of a purge run hand to one another, as JSON files in Lethe's bucket. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use engine::format::{Pause, Report};
use model::id::{DestinationId, RegulationId};
use model::rules::Rules;
use model::subject::Subject;

/// How many bytes one batch holds at most, unless a single object has more.
const BATCH_BYTES: u64 = 512 << 20;

/// Whom a run is about. Holds identifiers: it is deleted when the run closes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunPlan {
    /// All subjects, each once.
    pub subjects: Vec<Subject>,
    /// The regulations that the run serves.
    pub members: Vec<RunMember>,
    /// Archives that could not be listed, and why.
    pub unreadable: BTreeMap<DestinationId, String>,
}

/// A regulation that a run serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunMember {
    /// The regulation.
    pub regulation_id: RegulationId,
    /// Which attempt of it.
    pub attempt: u32,
    /// What to answer the state machine with.
    pub task_token: String,
    /// Its archives.
    pub archives: Vec<DestinationId>,
    /// Its subjects, as places in [`RunPlan::subjects`].
    pub subjects: Vec<u32>,
}

/// Work for one invocation: objects of one archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectBatch {
    /// The archive.
    pub archive: DestinationId,
    /// Its bucket.
    pub bucket: String,
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
    /// To find: the versions to look at. To forget and to verify: the versions that are known to be clean.
    pub versions: Vec<Version>,
}

/// One version of an object: this state of it and no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The version's id: `null`, as S3 says it, for what was written while the bucket was not versioned.
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

/// How far a batch is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// The archive.
    pub archive: DestinationId,
    /// Its bucket.
    pub bucket: String,
    /// What happened to each entry that is done, by its place in the batch.
    pub results: BTreeMap<usize, KeyOutcome>,
    /// How far the entries are that an invocation began and could not end.
    #[serde(default)]
    pub checkpoints: BTreeMap<usize, Checkpoint>,
    /// How many invocations one after the other did not end, the one that is under way included.
    #[serde(default)]
    pub unfinished_invocations: u32,
    /// The entry on which an invocation works that works on no other.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alone: Option<usize>,
}

/// How far a key is that is gone on with in the next invocation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What happened so far.
    pub outcome: KeyOutcome,
    /// The versions that are dealt with.
    pub passed: Vec<Version>,
    /// The version that is being read, and where that paused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reading: Option<(Version, Pause)>,
    /// How many bytes S3 gave for that so far.
    #[serde(default)]
    pub read: u64,
}

impl Checkpoint {
    /// A key that nothing was done about yet.
    pub fn new(key: &str) -> Self {
        let outcome = KeyOutcome { key: key.to_owned(), ..KeyOutcome::default() };
        Self { outcome, ..Self::default() }
    }

    /// Notes what is in a version.
    pub fn see(&mut self, version: &Version, report: Report, ruled_out: bool) {
        let (version, read) = (version.clone(), std::mem::take(&mut self.read));
        self.outcome.seen.push(SeenVersion { version, report, ruled_out, read });
    }
}

/// What happened to one key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyOutcome {
    /// The key.
    pub key: String,
    /// The versions that were read, each with what was in it. When forgetting: as they were before.
    pub seen: Vec<SeenVersion>,
    /// Whether a clean current version was written, or the object deleted since nothing was left of it.
    pub rewritten: bool,
    /// The clean version that was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub written: Option<Version>,
    /// How many versions were deleted.
    pub deleted: u64,
    /// Lines of others in those, but for the version that a clean one replaced, where they still stand.
    #[serde(default)]
    pub others: u64,
    /// What stands in the way of the versions that could not be read or changed.
    pub residuals: Vec<Residual>,
}

/// A version and what was in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenVersion {
    /// The version.
    pub version: Version,
    /// What was in it.
    pub report: Report,
    /// Whether it is known to hold no subject without being read: by its filter, or since this run wrote it, and to
    /// cold storage, where what it replaced was.
    #[serde(default)]
    pub ruled_out: bool,
    /// How many bytes S3 gave for that: of the version as it is stored, and of its filter.
    #[serde(default)]
    pub read: u64,
}

/// Why something is left, so that a person can deal with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// Why.
    pub reason: Reason,
    /// What exactly, in words.
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
    /// It is of no known format.
    Unsupported,
    /// We may not read, write or delete it.
    Denied,
    /// It is in cold storage and has to be restored first.
    Cold,
    /// It is under Object Lock.
    Locked,
    /// S3 could not be reached, again and again.
    Unreachable,
    /// Others changed it each time we were about to.
    Contended,
    /// The batch it was in did not end.
    Unprocessed,
}

impl Reason {
    /// The name in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Denied => "denied",
            Self::Cold => "cold",
            Self::Locked => "locked",
            Self::Unreachable => "unreachable",
            Self::Contended => "contended",
            Self::Unprocessed => "unprocessed",
        }
    }
}

impl KeyOutcome {
    /// Whether any version held a subject.
    pub fn is_hit(&self) -> bool {
        self.seen.iter().any(|seen| seen.report.removed > 0)
    }

    /// The versions that hold no subject.
    pub fn clean(&self) -> Vec<Version> {
        let clean = self.seen.iter().filter(|seen| seen.report.removed == 0);
        clean.map(|seen| seen.version.clone()).collect()
    }
}

/// Packs entries into batches by bytes, so that each takes about as long.
#[derive(Debug)]
pub struct Packer {
    most: usize,
    batch: Vec<Entry>,
    room: u64,
}

impl Packer {
    /// Batches of at most so many objects.
    pub fn new(most: usize) -> Self {
        Self { most, batch: Vec::new(), room: 0 }
    }

    /// Adds an entry. Answers the batch before it, if the entry does not fit in there.
    pub fn push(&mut self, entry: Entry) -> Option<Vec<Entry>> {
        let size: u64 = entry.versions.iter().map(|version| version.size).sum();
        let fits = size <= self.room && self.batch.len() < self.most;
        let full = if fits { None } else { self.take() };
        self.room = if fits { self.room - size } else { BATCH_BYTES.saturating_sub(size) };
        self.batch.push(entry);
        full
    }

    /// Whether there is no entry that is not in a batch.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// The last batch.
    pub fn take(&mut self) -> Option<Vec<Entry>> {
        self.room = 0;
        Some(std::mem::take(&mut self.batch)).filter(|batch| !batch.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(size: u64) -> Entry {
        let version = Version { id: "null".into(), etag: "e".into(), size, current: true };
        Entry { key: format!("k{size}"), versions: vec![version] }
    }

    fn pack(most: usize, entries: impl IntoIterator<Item = Entry>) -> Vec<Vec<Entry>> {
        let mut packer = Packer::new(most);
        let mut batches: Vec<_> = entries.into_iter().filter_map(|entry| packer.push(entry)).collect();
        batches.extend(packer.take());
        batches
    }

    #[test]
    fn batches_hold_every_entry_once_and_keep_their_size() {
        let sizes = [1, BATCH_BYTES, 3, BATCH_BYTES * 2, 5, 6];
        let batches = pack(2_000, sizes.map(entry));
        assert_eq!(batches.concat(), sizes.map(entry));
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1, 2]);
        assert_eq!(pack(2_000, (0..5_000).map(|_| entry(1))).len(), 3);
    }
}
