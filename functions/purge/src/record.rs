//! How far a batch is: a file in Lethe's bucket.
//!
//! 1. Each invocation notes that it begins, now and then what it has done, and that it ended.
//! 2. Where two in a row did not end (too long, too much memory, the machine gone), the next works on one object
//!    at a time and says on which.
//! 3. An object on which such an invocation did not end either is left and named. So no object, whatever it is,
//!    keeps its neighbours from being dealt with, or a run from ending.

use std::collections::BTreeMap;

use archive::manifest::{Batch, Halfway, Outcome, Reason, Residual, Results};
use archive::purge::Left;
use aws::bucket::{Bucket, Key};
use model::failure::Result;
use store::Progress;

/// How many invocations in a row may fail to end before one works on one object at a time.
const DEATHS: u32 = 2;

pub struct Record<'a> {
    files: &'a Bucket,
    key: Key<'a>,
    results: Results,
}

impl<'a> Record<'a> {
    /// Reads the record, and notes that an invocation begins.
    pub async fn open(files: &'a Bucket, key: Key<'a>, batch: &Batch) -> Result<Self> {
        let results = files.read(key).await?.unwrap_or_else(|| Results {
            archive: batch.archive.clone(),
            bucket: batch.bucket.clone(),
            results: BTreeMap::new(),
            halfway: BTreeMap::new(),
            deaths: 0,
            alone: None,
        });
        let mut record = Self { files, key, results };
        record.results.deaths += 1;
        if let Some(place) = record.results.alone.take() {
            record.take(place, Left::Done(given_up(&batch.entries[place].key)));
        }
        record.save().await?;
        Ok(record)
    }

    /// Whether to work on one object at a time.
    pub fn is_careful(&self) -> bool {
        self.results.deaths > DEATHS
    }

    pub fn is_done(&self, place: usize) -> bool {
        self.results.results.contains_key(&place)
    }

    /// How many entries are done.
    pub fn done(&self) -> usize {
        self.results.results.len()
    }

    /// How far an earlier invocation came with an entry that is not done.
    pub fn halfway(&self, place: usize, key: &str) -> Halfway {
        self.results.halfway.get(&place).cloned().unwrap_or_else(|| Halfway::new(key))
    }

    /// Notes on which entry alone the invocation works now.
    pub async fn work_alone_on(&mut self, place: usize) -> Result<()> {
        self.results.alone = Some(place);
        self.save().await
    }

    /// Takes what became of an entry.
    pub fn take(&mut self, place: usize, left: Left) {
        match left {
            Left::Done(outcome) => {
                self.results.halfway.remove(&place);
                self.results.results.insert(place, outcome);
            }
            Left::Halfway(halfway) => drop(self.results.halfway.insert(place, *halfway)),
        }
    }

    pub async fn save(&self) -> Result<()> {
        self.files.write(self.key, &self.results).await
    }

    /// Notes that the invocation ended.
    pub async fn close(&mut self) -> Result<()> {
        (self.results.deaths, self.results.alone) = (0, None);
        self.save().await
    }

    pub fn progress(&self) -> Progress {
        let (done, halfway) = (&self.results.results, &self.results.halfway);
        let outcomes = done.values().chain(halfway.values().map(|halfway| &halfway.outcome));
        let seen = outcomes.flat_map(|outcome| &outcome.seen).map(|seen| &seen.report);
        let reading = halfway.values().filter_map(|halfway| Some(halfway.reading.as_ref()?.1.report()));
        let mut progress = Progress { objects: done.len() as u64, ..Progress::default() };
        for report in seen.chain(reading) {
            progress.bytes += report.bytes;
            progress.hits += report.removed;
        }
        progress
    }
}

fn given_up(key: &str) -> Outcome {
    let detail = "no invocation ended that worked on it: it may be too large for one".to_owned();
    let residuals = vec![Residual { reason: Reason::Unprocessed, detail, until: None }];
    Outcome { key: key.to_owned(), residuals, ..Outcome::default() }
}
