//! Adds up what the batches of a run did, archive by archive.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;

use archive::run_plan::{KeyOutcome, ObjectBatch, Reason, Residual, Results};
use aws::bucket::Key;
use futures::stream::{self, Stream};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use lambda::clock;
use model::exception::{Covered, Exception, Unreadable};
use model::failure::Result;
use model::id::{DestinationId, RunId};
use model::purge_run::Phase;
use model::subject::SubjectType;

use crate::context::Context;
use crate::run::ManifestLine;

/// The most batches that are read at once.
const READS: usize = 16;

/// The totals of one archive.
#[derive(Default)]
pub struct Tally {
    pub bucket: String,
    /// The kinds of identifier that it was searched for; none, if it holds nothing.
    pub kinds: BTreeSet<SubjectType>,
    /// Number of object versions to look at.
    pub versions: u64,
    /// Number of versions that a filter ruled out, so that they were not read.
    pub ruled_out: u64,
    /// Lines of the versions.
    pub lines: u64,
    /// Lines of the subjects.
    pub theirs: u64,
    /// Uncompressed bytes of the versions.
    pub bytes: u64,
    /// Bytes that S3 sent, filters included.
    pub read: u64,
    /// Lines that are not records but name a subject: kept, for a person to look at.
    pub suspect: u64,
    /// The keys with hits.
    pub hits: BTreeMap<String, Hit>,
    /// The keys that could not be dealt with, and why.
    pub residuals: BTreeMap<String, Obstacles>,
    /// Number of keys that could not be dealt with and that exceptions cover.
    pub excepted: u64,
    /// Those exceptions, each with the number of keys that it covers.
    pub exceptions: Vec<Covered>,
    /// Number of keys that the archive's settings exclude, so that they were not read.
    pub excluded: u64,
}

/// Why a key could not be dealt with.
pub struct Obstacles {
    /// The first obstacle.
    pub first: Residual,
    /// All obstacles, if exceptions may cover them; otherwise none.
    exceptable: Vec<Unreadable>,
}

impl Obstacles {
    /// Obstacles, if there are any. No exception covers a key that is known to hold a subject.
    fn new(all: Vec<Residual>, holds_subject: bool) -> Option<Self> {
        let kinds: Option<Vec<_>> = all.iter().map(|obstacle| obstacle.reason.unreadable()).collect();
        let exceptable = kinds.filter(|_| !holds_subject).unwrap_or_default();
        all.into_iter().next().map(|first| Self { first, exceptable })
    }

    /// The exceptions that cover all of them, by index; `None`, if something is not covered.
    fn covered_by(&self, key: &str, exceptions: &[Exception], now: Timestamp) -> Option<BTreeSet<usize>> {
        let covers = |kind: &Unreadable| exceptions.iter().position(|one| one.covers(key, *kind, now));
        self.exceptable.iter().map(covers).collect::<Option<BTreeSet<_>>>().filter(|some| !some.is_empty())
    }
}

/// The totals of one key.
#[derive(Default)]
pub struct Hit {
    /// Lines by subject, over all versions.
    pub lines: BTreeMap<u32, u64>,
    pub rewritten: bool,
    pub deleted: u64,
    /// Lines of others that went with deleted versions.
    pub others: u64,
    /// Lines by subject that the second look still found.
    pub left: BTreeMap<u32, u64>,
    /// Number of versions that the first look could not read.
    unread: usize,
    /// Whether there was a second look.
    verified: bool,
    /// Why forget could not do its work. Counts only if the second look was not clean.
    obstacle: Option<Residual>,
}

/// Adds up the results of all phases. An entry that its batch did not get to is a residual.
pub async fn tally(context: &Context, run: &RunId) -> Result<HashMap<DestinationId, Tally>> {
    let mut archives: HashMap<DestinationId, Tally> = HashMap::new();
    for phase in [Phase::Find, Phase::Forget, Phase::Verify] {
        let mut batches = pin!(batches(context, run, phase).await?);
        while let Some((batch, outcomes)) = batches.try_next().await? {
            let tally = archives.entry(batch.archive).or_default();
            tally.bucket = batch.bucket;
            tally.kinds = batch.rules.kinds();
            for outcome in outcomes {
                match phase {
                    Phase::Find => tally.found(outcome),
                    Phase::Forget => tally.forgot(outcome),
                    _ => tally.verified(outcome),
                }
            }
        }
    }
    Ok(archives)
}

/// Counts in each archive what its exceptions cover apart from what they do not.
pub async fn except(context: &Context, archives: &mut HashMap<DestinationId, Tally>) -> Result<()> {
    for (archive, tally) in archives {
        tally.except(&context.store.exceptions(archive).await?, clock::now());
    }
    Ok(())
}

/// The batches of a phase, in order, each with the outcomes of its entries.
pub async fn batches(
    context: &Context,
    run: &RunId,
    phase: Phase,
) -> Result<impl Stream<Item = Result<(ObjectBatch, Vec<KeyOutcome>)>>> {
    let manifest: Option<Vec<ManifestLine>> = context.files.read(Key::Manifest(run, phase)).await?;
    let lines = stream::iter(manifest.unwrap_or_default());
    Ok(lines.map(move |line| batch(context, run, phase, line.batch)).buffered(READS))
}

async fn batch(
    context: &Context,
    run: &RunId,
    phase: Phase,
    number: usize,
) -> Result<(ObjectBatch, Vec<KeyOutcome>)> {
    let mut batch: ObjectBatch = context.files.expect(Key::Batch(run, phase, number)).await?;
    let results: Option<Results> = context.files.read(Key::Results(run, phase, number)).await?;
    let mut done = results.map_or_else(BTreeMap::new, |results| results.results);
    let entries = std::mem::take(&mut batch.entries).into_iter().enumerate();
    let outcomes = entries.map(|(at, entry)| done.remove(&at).unwrap_or_else(|| unprocessed(entry.key)));
    Ok((batch, outcomes.collect()))
}

impl Tally {
    fn found(&mut self, outcome: KeyOutcome) {
        self.versions += outcome.seen.len() as u64;
        for seen in &outcome.seen {
            self.ruled_out += u64::from(seen.ruled_out);
            self.lines += seen.report.lines;
            self.theirs += seen.report.removed;
            self.bytes += seen.report.bytes;
            self.read += seen.read;
            self.suspect += seen.report.suspect;
        }
        if outcome.is_hit() {
            let (lines, unread) = (lines(&outcome), outcome.residuals.len());
            self.hits.insert(outcome.key.clone(), Hit { lines, unread, ..Hit::default() });
        }
        if let Some(obstacles) = Obstacles::new(outcome.obstacles(), false) {
            self.residuals.insert(outcome.key, obstacles);
        }
    }

    fn forgot(&mut self, outcome: KeyOutcome) {
        let hit = self.hits.entry(outcome.key).or_default();
        hit.rewritten = outcome.rewritten;
        (hit.deleted, hit.others) = (outcome.deleted, outcome.others);
        hit.obstacle = outcome.residuals.into_iter().next();
    }

    /// The second look decides: what it finds clean is clean, whatever went wrong on the way. A version that it cannot
    /// read and the first look could may still hold a subject.
    fn verified(&mut self, outcome: KeyOutcome) {
        self.residuals.remove(&outcome.key);
        let hit = self.hits.entry(outcome.key.clone()).or_default();
        (hit.left, hit.verified) = (lines(&outcome), true);
        let mut obstacles = outcome.obstacles();
        if !hit.left.is_empty() {
            obstacles.push(hit.obstacle.take().unwrap_or_else(|| Residual {
                reason: Reason::Contended,
                detail: "a subject was written to it again during the purge".to_owned(),
                until: None,
            }));
        }
        let holds_subject = !hit.left.is_empty() || outcome.residuals.len() > hit.unread;
        if let Some(obstacles) = Obstacles::new(obstacles, holds_subject) {
            self.residuals.insert(outcome.key, obstacles);
        }
    }

    /// A key with hits that nobody was told to forget is a residual. Two invocations may work on one batch: the slower one
    /// writes over the results of the other, and completes them only after the guard has read them.
    pub fn hold_back(&mut self) {
        for (key, _) in self.hits.iter().filter(|(_, hit)| !hit.verified) {
            let detail = "it was found to hold a subject only when the run had gone on to forget".to_owned();
            let first = Residual { reason: Reason::Unprocessed, detail, until: None };
            self.residuals.insert(key.clone(), Obstacles { first, exceptable: Vec::new() });
        }
    }

    /// Counts the keys that exceptions cover apart from the others.
    pub fn except(&mut self, exceptions: &[Exception], now: Timestamp) {
        let mut covered: Vec<_> = exceptions.iter().map(Covered::from).collect();
        self.residuals.retain(|key, obstacles| {
            let Some(by) = obstacles.covered_by(key, exceptions, now) else { return true };
            self.excepted += 1;
            by.into_iter().for_each(|one| covered[one].objects += 1);
            false
        });
        self.exceptions = covered.into_iter().filter(|exception| exception.objects > 0).collect();
    }
}

fn lines(outcome: &KeyOutcome) -> BTreeMap<u32, u64> {
    let mut lines = BTreeMap::new();
    for (subject, count) in outcome.seen.iter().flat_map(|seen| &seen.report.hits) {
        *lines.entry(*subject).or_default() += count;
    }
    lines
}

fn unprocessed(key: String) -> KeyOutcome {
    let detail = "the invocation that should have read it did not end".to_owned();
    let residuals = vec![Residual { reason: Reason::Unprocessed, detail, until: None }];
    KeyOutcome { key, residuals, ..KeyOutcome::default() }
}

#[cfg(test)]
mod tests;
