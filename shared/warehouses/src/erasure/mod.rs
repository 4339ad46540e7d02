//! One regulation's erasure in one warehouse: find → forget → verify.
//!
//! 1. **find**: the subjects' rows are counted in every table in scope; this is the evidence of what was there.
//! 2. **forget**: they are deleted, table by table. A table that refuses (a foreign key, a missing right) is noted and
//!    the others continue; it is tried again as long as others make progress, since they may have blocked it.
//! 3. **verify**: every table is counted again. The erasure is done when all counts are zero.
//!
//! **forget** may be shared with other regulations ([`group_commit`](model::group_commit)). Then a regulation reports as
//! removed what it had found, and how many regulations were deleted together; the leader also reports the bytes billed for
//! all.
//!
//! [`ErasureProgress`] is saved between invocations. After a crash, everything since it was last saved is done again: each
//! statement may run twice.

mod group;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Answer, Engine, Ids, Memory, Rows, Statement, StatementState, Verb};
use destinations::warehouse::Table;
use group::Group;
use model::evidence::Step;
use model::failure::{Failure, Result};

pub use group::Leadership;

/// The number of tables that a message names before it says how many more there are.
const NAMED: usize = 5;

/// How far an erasure has come. It holds counts and names of tables, and no identifier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ErasureProgress {
    attempt: u32,
    phase: Phase,
    /// Rows by table that this phase has counted so far.
    counts: Rows,
    /// Rows by table that were removed in this attempt.
    removed: Rows,
    /// Rows by table that were found, until they are removed.
    found: Rows,
    /// Tables that hold rows still to be removed.
    pending: BTreeSet<String>,
    /// Tables that refuse permanently, and why.
    refused: BTreeMap<String, String>,
    /// Tables that cannot be counted, in this phase.
    uncountable: BTreeSet<String>,
    /// The tables of the running statement.
    flight: Vec<String>,
    /// Bytes billed in this phase.
    bytes: u64,
    memory: Memory,
    group: Group,
    /// How often it looked for another leader.
    looks: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    #[default]
    Find,
    Forget,
    Verify,
    End,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Save this as evidence and continue.
    Tell(Report),
    /// Come back after this many seconds.
    Later(u32),
    /// The subjects are gone.
    Done,
}

/// The report of a phase.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// The phase.
    pub step: Step,
    /// Rows by table.
    pub counts: Rows,
    /// The amount that was examined: tables, and bytes where these are billed.
    pub looked_at: Rows,
    /// Rows that are still there or can be restored, by the reason.
    pub residuals: Rows,
}

/// One attempt to erase, on a connection.
pub struct Erasure<'a, E> {
    /// The warehouse.
    pub engine: &'a mut E,
    /// Its tables in scope.
    pub tables: &'a [Table],
    /// The identifiers whose rows are erased.
    pub ids: &'a Ids<'a>,
    /// See [`Statement::seed`].
    pub seed: &'a str,
}

impl ErasureProgress {
    /// The saved progress of this attempt; a new attempt starts from the beginning.
    pub fn of(kept: serde_json::Value, attempt: u32) -> Self {
        let kept: Self = serde_json::from_value(kept).unwrap_or_default();
        if kept.attempt == attempt { kept } else { Self { attempt, ..Self::default() } }
    }

    /// Rows counted in this phase so far.
    pub fn counts(&self) -> &Rows {
        &self.counts
    }

    /// Bytes billed in this phase so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Tables that refuse permanently, and why.
    pub fn refused(&self) -> &BTreeMap<String, String> {
        &self.refused
    }

    fn report(&mut self, step: Step, counts: Rows, tables: usize, residuals: Rows) -> Next {
        let mut looked_at = Rows::from([("tables".to_owned(), tables as u64)]);
        let bytes = std::mem::take(&mut self.bytes);
        self.uncountable.clear();
        if bytes > 0 {
            looked_at.insert("bytesBilled".to_owned(), bytes);
        }
        if step == Step::Forget && self.together() > 1 {
            looked_at.insert("regulationsTogether".to_owned(), self.together());
        }
        Next::Tell(Report { step, counts, looked_at, residuals })
    }
}

impl<E: Engine> Erasure<'_, E> {
    /// Continues until a phase ends or `until`.
    ///
    /// # Errors
    /// The warehouse's failure; `progress` holds everything done before it.
    pub async fn next(
        &mut self,
        progress: &mut ErasureProgress,
        until: Instant,
        now: Timestamp,
    ) -> Result<Next> {
        match progress.phase {
            Phase::Find => {
                if let Some(seconds) = self.count(progress, until).await? {
                    return Ok(Next::Later(seconds));
                }
                let found = std::mem::take(&mut progress.counts);
                progress.pending = holding(&found);
                progress.found = found.clone();
                progress.found.retain(|_, rows| *rows > 0);
                progress.phase = Phase::Forget;
                Ok(progress.report(Step::Find, found, self.tables.len(), Rows::new()))
            }
            Phase::Forget => {
                if let Some(seconds) = self.delete(progress, until).await? {
                    return Ok(Next::Later(seconds));
                }
                progress.count_shared();
                let removed = progress.removed.clone();
                let residuals = self.engine.residuals(&removed, now);
                progress.phase = Phase::Verify;
                let tables = removed.len();
                Ok(progress.report(Step::Forget, removed, tables, residuals))
            }
            Phase::Verify => {
                if let Some(seconds) = self.count(progress, until).await? {
                    return Ok(Next::Later(seconds));
                }
                let left = std::mem::take(&mut progress.counts);
                let mut holding = holding(&left);
                holding.retain(|table| !progress.refused.contains_key(table));
                if !holding.is_empty() {
                    progress.pending = holding;
                    progress.phase = Phase::Forget;
                    if progress.together() > 1 {
                        // The others' doing is no trouble of this one's: it looks after the rest itself.
                        progress.group = Group::Over { together: 1 };
                        return Ok(Next::Later(1));
                    }
                    return Err(Failure::transient("rows of the subjects arrived while they were deleted"));
                }
                progress.phase = Phase::End;
                Ok(progress.report(Step::Verify, left, self.tables.len(), Rows::new()))
            }
            Phase::End if progress.refused.is_empty() => Ok(Next::Done),
            Phase::End => Err(Failure::permanent(list(&progress.refused))),
        }
    }

    /// Counts in every table that has no count yet. Answers in how many seconds to go on, or nothing at the end.
    ///
    /// # Errors
    /// As [`Erasure::next`].
    pub async fn count(&mut self, progress: &mut ErasureProgress, until: Instant) -> Result<Option<u32>> {
        let mut single = false;
        loop {
            let mut tables = self.begun(progress);
            if tables.is_empty() {
                let most = if single { 1 } else { E::TABLES_PER_COUNT };
                tables = self.uncounted(progress).take(most).cloned().collect();
            }
            if tables.is_empty() {
                return Ok(None);
            }
            if Instant::now() >= until {
                return Ok(Some(1));
            }
            match self.run(Verb::Count, &tables, progress, until).await? {
                StatementState::Done(Answer { rows, bytes }) => {
                    progress.bytes += bytes;
                    progress.counts.extend(tables.iter().map(Table::place).zip(rows));
                    single = false;
                }
                StatementState::Later { seconds, .. } => return Ok(Some(seconds)),
                // One table of many: they are asked one by one, to find out which.
                StatementState::Refused(_) if tables.len() > 1 => single = true,
                StatementState::Refused(failure) if failure.is_transient() => return Err(failure),
                StatementState::Refused(failure) => {
                    progress.uncountable.insert(tables[0].place());
                    progress.refused.insert(tables[0].place(), failure.public);
                }
            }
        }
    }

    /// Deletes from every table that is pending. Answers in how many seconds to go on, or nothing at the end.
    ///
    /// # Errors
    /// As [`Erasure::next`].
    pub async fn delete(&mut self, progress: &mut ErasureProgress, until: Instant) -> Result<Option<u32>> {
        // Tables that went away since they were counted hold nobody any more.
        progress.pending.retain(|place| self.tables.iter().any(|table| table.place() == *place));
        loop {
            let before = progress.pending.len();
            let mut refusals: BTreeMap<String, Failure> = BTreeMap::new();
            let begun = self.begun(progress);
            let pending =
                self.tables.iter().filter(|table| progress.pending.contains(&table.place())).cloned();
            let tables: Vec<_> = begun.into_iter().chain(pending).collect();
            for table in tables {
                let place = table.place();
                if !progress.pending.contains(&place) {
                    continue;
                }
                if Instant::now() >= until {
                    return Ok(Some(1));
                }
                let turn = self.run(Verb::Delete, std::slice::from_ref(&table), progress, until).await?;
                let removed = progress.removed.entry(place.clone()).or_default();
                match turn {
                    StatementState::Done(Answer { rows, bytes }) => {
                        *removed += rows.into_iter().sum::<u64>();
                        progress.bytes += bytes;
                        progress.pending.remove(&place);
                    }
                    StatementState::Later { seconds, rows } => {
                        *removed += rows;
                        return Ok(Some(seconds));
                    }
                    StatementState::Refused(failure) => drop(refusals.insert(place, failure)),
                }
            }
            if progress.pending.is_empty() {
                return Ok(None);
            }
            if progress.pending.len() < before {
                continue;
            }
            // What may pass is waited for before anything is given up.
            let passing: BTreeMap<_, _> = refusals.iter().filter(|(_, f)| f.is_transient()).collect();
            if !passing.is_empty() {
                let wait = passing.values().filter_map(|failure| failure.wait).max();
                return Err(Failure::transient(list(&passing)).wait(wait));
            }
            progress.pending.clear();
            progress.refused.extend(refusals.into_iter().map(|(place, failure)| (place, failure.public)));
            return Ok(None);
        }
    }

    fn uncounted(&self, progress: &ErasureProgress) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| {
            let place = table.place();
            self.ids.wanted(table).next().is_some()
                && !progress.counts.contains_key(&place)
                && !progress.uncountable.contains(&place)
        })
    }

    /// The tables of the running statement; none, if one of them no longer exists.
    fn begun(&self, progress: &mut ErasureProgress) -> Vec<Table> {
        let find = |place: &String| self.tables.iter().find(|table| table.place() == *place).cloned();
        let tables: Option<Vec<_>> = progress.flight.iter().map(find).collect();
        tables.unwrap_or_else(|| {
            progress.flight.clear();
            progress.memory.end();
            Vec::new()
        })
    }

    async fn run(
        &mut self,
        verb: Verb,
        tables: &[Table],
        progress: &mut ErasureProgress,
        until: Instant,
    ) -> Result<StatementState> {
        let statement = Statement { verb, tables, ids: self.ids, seed: self.seed };
        let turn = self.engine.run(&statement, &mut progress.memory, until).await;
        progress.flight = match progress.memory.handle {
            Some(_) => tables.iter().map(Table::place).collect(),
            None => Vec::new(),
        };
        turn
    }
}

fn holding(counts: &Rows) -> BTreeSet<String> {
    counts.iter().filter(|(_, rows)| **rows > 0).map(|(table, _)| table.clone()).collect()
}

/// Tables with what each says.
fn list(refusals: &BTreeMap<impl AsRef<str> + Ord, impl ToString>) -> String {
    let mut said: Vec<_> = refusals
        .iter()
        .take(NAMED)
        .map(|(table, why)| format!("{}: {}", table.as_ref(), why.to_string()))
        .collect();
    if refusals.len() > NAMED {
        said.push(format!("and {} more tables", refusals.len() - NAMED));
    }
    said.join("; ")
}

#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod tests;
