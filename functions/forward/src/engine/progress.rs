//! The progress of a task at a vendor.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use destinations::cloud::Outcome;

/// The shortest and the longest wait for a vendor at work, in seconds. A wait is as long as the vendor has taken so
/// far: a job of minutes is noticed within minutes, and 30 days take about 30 looks.
const WAITS: (i64, i64) = (5, 2 * 86_400);

/// The progress of a task, stored between invocations. It holds none of our identifiers; notes may hold a vendor's own,
/// so it is dropped when the task ends without a failure.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VendorProgress {
    /// The number of subjects begun, in the order of the regulation.
    begun: usize,
    /// Unfinished batches, by the position of their first subject.
    open: BTreeMap<usize, Open>,
    /// Subjects that the vendor refused.
    refused: BTreeSet<usize>,
    /// The vendor's reason for the first refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<String>,
    /// When it began to wait for the vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Number of subjects by outcome, refusals excepted.
    ended: BTreeMap<Outcome, u64>,
}

/// A batch that is not done. Short names: there may be thousands in one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    /// The number of its subjects.
    n: usize,
    /// Its protocol's note.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    note: Value,
}

/// A range of subjects that is requested at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SubjectBatch {
    pub from: usize,
    pub len: usize,
    pub note: Value,
}

impl VendorProgress {
    /// Number of subjects by outcome so far.
    pub fn outcomes(&self) -> BTreeMap<Outcome, u64> {
        let mut outcomes = self.ended.clone();
        if !self.refused.is_empty() {
            outcomes.insert(Outcome::Refused, self.refused.len() as u64);
        }
        outcomes
    }

    /// Why the vendor refused subjects, if it did.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Number of subjects with an outcome.
    pub fn count(&self) -> u64 {
        self.outcomes().values().sum()
    }

    /// The batches left from earlier turns. When all else has ended, refused subjects are sent once more: the task is
    /// being retried.
    pub(super) fn resume(&mut self, subjects: usize) -> Vec<SubjectBatch> {
        if self.open.is_empty() && self.begun >= subjects {
            self.refusal = None;
            let refused = std::mem::take(&mut self.refused);
            self.open.extend(refused.into_iter().map(|at| (at, Open { n: 1, note: Value::Null })));
        }
        let batch = |(from, open): (&usize, &Open)| SubjectBatch {
            from: *from,
            len: open.n,
            note: open.note.clone(),
        };
        self.open.iter().map(batch).collect()
    }

    /// Begins the next batch, if any subject is left; `size` says how many belong to one that begins there.
    pub(super) fn begin(&mut self, subjects: usize, size: impl Fn(usize) -> usize) -> Option<SubjectBatch> {
        if self.begun >= subjects {
            return None;
        }
        let (from, len) = (self.begun, size(self.begun));
        self.begun += len;
        let batch = SubjectBatch { from, len, note: Value::Null };
        self.keep(&batch);
        Some(batch)
    }

    /// Stores a batch with its note.
    pub(super) fn keep(&mut self, batch: &SubjectBatch) {
        self.open.insert(batch.from, Open { n: batch.len, note: batch.note.clone() });
    }

    /// Counts the outcomes of a batch.
    pub(super) fn end(&mut self, batch: &SubjectBatch, outcomes: &[Outcome]) {
        self.open.remove(&batch.from);
        for (at, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Outcome::Refused => drop(self.refused.insert(batch.from + at)),
                outcome => *self.ended.entry(*outcome).or_default() += 1,
            }
        }
    }

    /// Halves a refused batch to find the subjects that the vendor refuses; both halves are sent again. Returns
    /// nothing, if the batch cannot be halved.
    pub(super) fn halve(&mut self, batch: &SubjectBatch) -> Option<[SubjectBatch; 2]> {
        if batch.len < 2 {
            return None;
        }
        self.since = None;
        let half = batch.len / 2;
        let halves = [(batch.from, half), (batch.from + half, batch.len - half)];
        let halves = halves.map(|(from, len)| SubjectBatch { from, len, note: Value::Null });
        halves.iter().for_each(|half| self.keep(half));
        Some(halves)
    }

    /// Whether every one of this many subjects has an outcome.
    pub(super) fn is_done(&self, subjects: usize) -> bool {
        self.open.is_empty() && self.begun >= subjects
    }

    /// The seconds until the next look at a vendor at work.
    pub(super) fn wait(&mut self, now: Timestamp) -> u32 {
        let age = now.duration_since(*self.since.get_or_insert(now)).as_secs();
        u32::try_from(age.clamp(WAITS.0, WAITS.1)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn thirty_days_take_some_tens_of_looks() {
        let (mut progress, mut now, mut looks) = (VendorProgress::default(), Timestamp::UNIX_EPOCH, 0);
        let end = now + SignedDuration::from_hours(30 * 24);
        while now < end {
            now += SignedDuration::from_secs(progress.wait(now).into());
            looks += 1;
        }
        assert!((20..40).contains(&looks), "{looks}");
    }

    #[test]
    fn a_refused_batch_is_halved_until_one_stands_alone_and_asked_again_on_a_retry() {
        let mut progress = VendorProgress::default();
        let batch = progress.begin(3, |_| 3).expect("a batch");
        let [first, second] = progress.halve(&batch).expect("two halves");
        assert_eq!(progress.halve(&first), None, "one subject cannot be halved");
        progress.end(&first, &[Outcome::Refused]);
        progress.end(&second, &[Outcome::Accepted; 2]);
        assert_eq!(progress.outcomes(), [(Outcome::Refused, 1), (Outcome::Accepted, 2)].into());
        assert!(progress.is_done(3));
        assert_eq!(progress.resume(3), [SubjectBatch { from: 0, len: 1, note: Value::Null }]);
        assert_eq!(progress.count(), 2);
    }

    #[test]
    fn the_progress_of_5_000_single_calls_stays_far_below_an_items_400_kb() {
        let mut progress = VendorProgress::default();
        while let Some(mut batch) = progress.begin(5_000, |_| 1) {
            batch.note = "6762f0df1bb69f9f2193bb84".into();
            progress.keep(&batch);
        }
        let json = serde_json::to_string(&progress).expect("JSON");
        assert!(json.len() < 300_000, "{}", json.len());
        assert_eq!(serde_json::from_str::<VendorProgress>(&json).expect("the same"), progress);
    }
}
