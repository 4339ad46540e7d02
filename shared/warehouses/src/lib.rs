//! Warehouses: one folder per engine behind one trait.
//!
//! 1. [`TableScope`](destinations::warehouse::TableScope) says which tables and columns count: Segment's own, and those
//!    that the destination's settings add. Settings that do not fit together are refused when a destination is
//!    connected.
//! 2. An [`Engine`] discovers them among the base tables, and runs one [`Statement`] at a time: a count or a
//!    deletion. A statement may outlive the invocation that began it.
//! 3. [`erasure`] decides what runs next: **find** counts the subjects' rows per table, **forget** deletes them,
//!    **verify** counts again. [`survey`] only looks: whether it would work, and how many rows would go.
//! 4. [`resolve`] looks up other identifiers of people, where the settings say so, before anything is erased.
//! 5. Regulations that wait for the same warehouse are deleted together: a [`group_commit`](model::group_commit).

pub mod erasure;
mod ids;
pub mod resolve;
pub mod survey;

pub mod bigquery;
mod connect;
mod poll;
pub mod postgres;
pub mod redshift;
pub mod snowflake;

pub use connect::Surroundings;
pub use ids::{Ids, Wanted};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use destinations::warehouse::{Holds, Resolve, Table};
use model::backoff;
use model::failure::{Failure, Result};
use model::subject::SubjectType;
use resolve::Standing;

/// Rows by table, as `schema.table`.
pub type Rows = BTreeMap<String, u64>;

/// A connection to a warehouse.
pub trait Engine {
    /// The most tables in one count: many, where each statement costs a round trip.
    const TABLES_PER_COUNT: usize;

    /// The base tables in scope with the columns that identify people, in order. Never a view.
    ///
    /// # Errors
    /// `Transient`, if the warehouse cannot be reached; `Permanent`, if it refuses the role, or the settings name what
    /// is not there.
    fn discover(&mut self) -> impl Future<Output = Result<Vec<Table>>>;

    /// Begins a statement, or continues the one that `memory` holds, until it ends or `until`. The same statement may
    /// run twice.
    ///
    /// # Errors
    /// `Transient`, if the warehouse cannot be reached; `Permanent`, if it refuses the role. If it refuses this one
    /// statement, that is [`StatementState::Refused`].
    fn run(
        &mut self,
        statement: &Statement<'_>,
        memory: &mut Memory,
        until: Instant,
    ) -> impl Future<Output = Result<StatementState>>;

    /// The bytes that a statement would be billed for; nothing, where bytes are not billed.
    ///
    /// # Errors
    /// As [`Engine::run`].
    fn estimate(&mut self, _: &Statement<'_>) -> impl Future<Output = Result<Option<u64>>> {
        async { Ok(None) }
    }

    /// The removed rows that can still be restored, by the reason, which says until when.
    fn residuals(&self, _removed: &Rows, _now: Timestamp) -> Rows {
        Rows::new()
    }

    /// The tables that know other identifiers of people, by the settings.
    fn resolves(&self) -> Vec<Resolve> {
        Vec::new()
    }

    /// The values of a column in the rows of some identifiers, each once, and one more than [`MOST`](model::resolved::MOST) of an
    /// identifier at most.
    ///
    /// # Errors
    /// `Transient`, if the warehouse cannot be reached; `Permanent`, if it refuses the role, or has no such table.
    fn resolve(&mut self, _: &Resolve, _: &Holds, _: &[&str]) -> impl Future<Output = Result<Vec<Standing>>> {
        async { Err(Failure::permanent("other identifiers of people cannot be looked up in this warehouse")) }
    }

    /// Looks closer at the tables, for `check`.
    ///
    /// # Errors
    /// As [`Engine::discover`].
    fn inspect(&mut self, _: &[Table]) -> impl Future<Output = Result<Inspection>> {
        async { Ok(Inspection::default()) }
    }
}

/// What a closer look at the tables found.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Remarks for the operator.
    pub remarks: Vec<String>,
    /// The tables that would refuse a deletion, and why.
    pub refusals: BTreeMap<String, String>,
}

/// A column's value as it is compared with identifiers of its kind, in SQL that all engines know: addresses and numbers are
/// kept in a form of their own.
fn comparable(holds: SubjectType, value: String) -> String {
    match holds {
        SubjectType::Email => format!("LOWER(TRIM({value}))"),
        SubjectType::Phone => format!("TRANSLATE({value}, ' -.()/', '')"),
        _ => value,
    }
}

/// The name of the list of all identifiers of a kind in a statement: of letters, digits and underscores.
fn list_name(kind: SubjectType) -> String {
    match kind {
        SubjectType::UserId => "users".to_owned(),
        SubjectType::AnonymousId => "anonymous".to_owned(),
        SubjectType::ObjectId => "objects".to_owned(),
        SubjectType::Email => "emails".to_owned(),
        SubjectType::Phone => "phones".to_owned(),
        SubjectType::Custom(_) => format!("own_{kind}"),
        SubjectType::Hash(_) => format!("hashes_{kind}").to_lowercase(),
    }
}

/// The kinds of identifier by which people are found in the columns of these tables.
pub fn kinds(tables: &[Table]) -> BTreeSet<SubjectType> {
    tables.iter().flat_map(|table| &table.columns).flat_map(|column| column.holds.found_by()).collect()
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Counts the subjects' rows, per table.
    Count,
    /// Deletes them, in one table.
    Delete,
}

/// One statement about the subjects' rows.
pub struct Statement<'a> {
    /// Whether it counts or deletes.
    pub verb: Verb,
    /// Its tables; one, if it deletes.
    pub tables: &'a [Table],
    /// The identifiers it looks for.
    pub ids: &'a Ids<'a>,
    /// A text that all statements of this attempt at this destination share with no others.
    pub seed: &'a str,
}

impl Statement<'_> {
    /// The key of one run of this statement, the same when it is begun again after a crash, so that the warehouse
    /// recognizes it. It reveals nothing about the subjects.
    pub fn key(&self, memory: &Memory) -> [u8; 16] {
        let mut hash = Sha256::new().chain_update(self.seed).chain_update(memory.ended.to_be_bytes());
        hash.update([self.verb as u8]);
        for table in self.tables {
            hash.update(table.place());
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        key
    }
}

/// What an engine remembers between two invocations. It never holds an identifier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// The warehouse's id of the running statement, or how far it got.
    pub handle: Option<String>,
    /// The session that statements share.
    pub session: Option<String>,
    /// The number of statements that ended, successful or not.
    pub ended: u32,
    /// How often the running one was polled without an answer.
    pub asked: u32,
}

impl Memory {
    /// Notes that the running statement ended, successful or not.
    pub fn end(&mut self) {
        self.handle = None;
        self.ended += 1;
        self.asked = 0;
    }

    /// Notes that the running statement needs another invocation. Returns the seconds until then.
    pub fn wait(&mut self) -> u32 {
        self.asked += 1;
        backoff::STATEMENT.seconds_after(self.asked)
    }
}

/// The state of a statement.
#[derive(Debug)]
pub enum StatementState {
    /// It ended.
    Done(Answer),
    /// It is still running, and `memory` holds it.
    Later {
        /// Seconds to wait before continuing.
        seconds: u32,
        /// Rows deleted in this turn, which no later answer counts again.
        rows: u64,
    },
    /// The warehouse refused this statement; others may succeed.
    Refused(Failure),
}

/// The result of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Rows counted or deleted, table by table.
    pub rows: Vec<u64>,
    /// Bytes billed for it, where bytes are billed.
    pub bytes: u64,
}

/// Reads a count's rows, each the index of a table and its number of rows.
fn counts(rows: &[Vec<String>], tables: usize) -> Vec<u64> {
    let mut counts = vec![0; tables];
    for row in rows {
        let number = |n: usize| row.get(n).and_then(|cell| cell.parse::<u64>().ok());
        if let (Some(table), Some(rows)) = (number(0), number(1))
            && let Some(count) = counts.get_mut(table as usize)
        {
            *count = rows;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use destinations::warehouse::Column;

    use super::*;

    #[test]
    fn a_statement_keeps_its_key_until_it_ended() {
        let columns =
            vec![Column { name: "user_id".into(), data_type: "text".into(), holds: SubjectType::UserId }];
        let tables = [Table { schema: "web".into(), name: "tracks".into(), columns }];
        let statement = |verb, seed| {
            Statement { verb, tables: &tables, ids: &Ids::default(), seed }.key(&Memory::default())
        };
        assert_eq!(statement(Verb::Count, "a"), statement(Verb::Count, "a"));
        assert_ne!(statement(Verb::Count, "a"), statement(Verb::Delete, "a"));
        assert_ne!(statement(Verb::Count, "a"), statement(Verb::Count, "b"));
        let (ids, mut memory) = (Ids::default(), Memory::default());
        let statement = Statement { verb: Verb::Count, tables: &tables, ids: &ids, seed: "a" };
        let before = statement.key(&memory);
        memory.end();
        assert_ne!(statement.key(&memory), before);
    }

    #[test]
    fn waits_grow_to_five_minutes() {
        let mut memory = Memory::default();
        let waits: Vec<_> = (0..8).map(|_| memory.wait()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    }
}
