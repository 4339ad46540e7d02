//! The progress of a batch: a file in Lethe's bucket.
//!
//! 1. Each invocation notes that it begins, from time to time what it has done, and that it ended.
//! 2. After two in a row that did not end (too long, too much memory, the machine gone), the next works on one object
//!    at a time and notes on which.
//! 3. An object on which such an invocation does not end either is skipped and named. So no object, whatever it is,
//!    keeps its neighbours from being done, or a run from ending.

use std::collections::BTreeMap;

use archive::purge::Left;
use archive::run_plan::{Checkpoint, KeyOutcome, ObjectBatch, Reason, Residual, Results};
use aws::bucket::{Bucket, Key};
use model::failure::Result;
use store::RunProgress;

/// How many invocations in a row may fail to end before one works on one object at a time.
const DEATHS: u32 = 2;

pub struct Record<'a> {
    files: &'a Bucket,
    key: Key<'a>,
    results: Results,
}

impl<'a> Record<'a> {
    /// Reads the record, and notes that an invocation begins.
    pub async fn open(files: &'a Bucket, key: Key<'a>, batch: &ObjectBatch) -> Result<Self> {
        let results = files.read(key).await?.unwrap_or_else(|| Results {
            archive: batch.archive.clone(),
            bucket: batch.bucket.clone(),
            results: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            unfinished_invocations: 0,
            alone: None,
        });
        let mut record = Self { files, key, results };
        record.results.unfinished_invocations += 1;
        if let Some(place) = record.results.alone.take() {
            record.take(place, Left::Done(given_up(&batch.entries[place].key)));
        }
        record.save().await?;
        Ok(record)
    }

    /// Whether to work on one object at a time.
    pub fn is_careful(&self) -> bool {
        self.results.unfinished_invocations > DEATHS
    }

    pub fn is_done(&self, place: usize) -> bool {
        self.results.results.contains_key(&place)
    }

    /// How many entries are done.
    pub fn done(&self) -> usize {
        self.results.results.len()
    }

    /// The progress of an earlier invocation on an entry that is not done.
    pub fn checkpoints(&self, place: usize, key: &str) -> Checkpoint {
        self.results.checkpoints.get(&place).cloned().unwrap_or_else(|| Checkpoint::new(key))
    }

    /// Notes the one entry that the invocation works on now.
    pub async fn work_alone_on(&mut self, place: usize) -> Result<()> {
        self.results.alone = Some(place);
        self.save().await
    }

    /// Takes the outcome or the progress of an entry.
    pub fn take(&mut self, place: usize, left: Left) {
        match left {
            Left::Done(outcome) => {
                self.results.checkpoints.remove(&place);
                self.results.results.insert(place, outcome);
            }
            Left::Checkpoint(checkpoints) => drop(self.results.checkpoints.insert(place, *checkpoints)),
        }
    }

    pub async fn save(&self) -> Result<()> {
        self.files.write(self.key, &self.results).await
    }

    /// Notes that the invocation ended.
    pub async fn close(&mut self) -> Result<()> {
        (self.results.unfinished_invocations, self.results.alone) = (0, None);
        self.save().await
    }

    pub fn progress(&self) -> RunProgress {
        let (done, checkpoints) = (&self.results.results, &self.results.checkpoints);
        let outcomes = done.values().chain(checkpoints.values().map(|checkpoints| &checkpoints.outcome));
        let seen = outcomes.flat_map(|outcome| &outcome.seen).map(|seen| &seen.report);
        let reading =
            checkpoints.values().filter_map(|checkpoints| Some(checkpoints.reading.as_ref()?.1.report()));
        let mut progress = RunProgress { objects: done.len() as u64, ..RunProgress::default() };
        for report in seen.chain(reading) {
            progress.bytes += report.bytes;
            progress.hits += report.removed;
        }
        progress
    }
}

fn given_up(key: &str) -> KeyOutcome {
    let detail = "no invocation ended that worked on it: it may be too large for one".to_owned();
    let residuals = vec![Residual { reason: Reason::Unprocessed, detail, until: None }];
    KeyOutcome { key: key.to_owned(), residuals, ..KeyOutcome::default() }
}
