//! Postgres, through its own protocol.
//!
//! A deletion works through a table in small statements, so that locks are short: few identifiers are looked up in the
//! index of their column where there is one; otherwise it goes once through the table, a range of blocks at a time.

mod catalog;
mod compare;
mod connection;
mod cursor;
mod failure;
mod inspect;
mod resolve;

use std::borrow::Cow;
use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::resolve::Standing;
use super::{Answer, Engine, Ids, Inspection, Memory, Statement, StatementState, Verb, Wanted};
use catalog::{Catalog, Entry};
use compare::Compare;
use cursor::{Cursor, Way};
use destinations::warehouse::Postgres as Settings;
use destinations::warehouse::{Holds, Resolve, Table, TableScope};
use failure::Trouble;
use model::failure::Result;

/// Number of identifiers that one statement looks up in an index.
const LOOKUPS: usize = 1_000;
/// The most rows that one statement deletes, when it finds them by an index.
const ROWS: u64 = 10_000;
/// The cost of looking up an identifier, in blocks that are read in order: the index's blocks and those of its rows lie
/// scattered.
const BLOCKS_PER_LOOKUP: u64 = 8;
/// Blocks (of 8 kB) that the first statement reads that finds rows by reading all; later ones read as many as take
/// about [`PACE`], within limits.
const BLOCKS: u64 = 2_048;
const MOST_BLOCKS: u64 = 65_536;
const PACE: Duration = Duration::from_millis(700);

/// A connection to one Postgres destination.
pub struct Postgres {
    client: Client,
    scope: TableScope,
    resolves: Vec<Resolve>,
    catalog: Catalog,
}

impl Postgres {
    /// Connects. `any_endpoint` lets the server be on this machine, as on test stacks.
    ///
    /// # Errors
    /// `Transient`, if the server cannot be reached; `Permanent`, if it refuses the role or the database, or its host
    /// is not another machine.
    pub async fn connect(settings: &Settings, password: &str, any_endpoint: bool) -> Result<Self> {
        let client = connection::open(settings, password, any_endpoint).await?;
        let (scope, resolves) = (settings.scope.clone(), settings.resolves.clone());
        Ok(Self { client, scope, resolves, catalog: Catalog::default() })
    }

    async fn count(&self, table: &Table, entry: &Entry, ids: &Ids<'_>) -> Result<u64, Trouble> {
        let condition = Condition::of(table, entry, ids);
        if condition.sql.is_empty() {
            return Ok(0);
        }
        let sql = format!("SELECT count(*) FROM {} WHERE {}", entry.from, condition.sql);
        let row = self.client.query_one(&sql, &condition.parameters()).await?;
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }

    /// Deletes from `cursor` on until the end or `until`. Returns how many rows were deleted and, if it did not reach
    /// the end, where to continue.
    async fn delete(
        &self,
        table: &Table,
        entry: &Entry,
        ids: &Ids<'_>,
        cursor: Option<&str>,
        until: Instant,
    ) -> Result<(u64, Option<String>), Trouble> {
        if Condition::of(table, entry, ids).sql.is_empty() {
            return Ok((0, None));
        }
        let mut cursor: Cursor = cursor.and_then(|kept| kept.parse().ok()).unwrap_or_default();
        let mut gone = 0;
        while let Some(from) = entry.parts.get(cursor.part) {
            let way = match cursor.way {
                Some(way) => way,
                None => *cursor.way.insert(self.choose(from, table, entry, ids).await?),
            };
            let (rows, ended) = match way {
                Way::Index => self.look_up(from, table, entry, ids, &mut cursor.at, until).await?,
                Way::Blocks => self.read(from, table, entry, ids, &mut cursor.at, until).await?,
            };
            gone += rows;
            if !ended {
                return Ok((gone, Some(cursor.to_string())));
            }
            cursor = Cursor { part: cursor.part + 1, ..Cursor::default() };
        }
        Ok((gone, None))
    }

    /// How to scan a part of a table: by the index, if there is one and the part is large enough for it.
    async fn choose(&self, from: &str, table: &Table, entry: &Entry, ids: &Ids<'_>) -> Result<Way, Trouble> {
        let lookups: usize = ids.wanted(table).map(|wanted| wanted.ids.len()).sum();
        let mut wanted = ids.wanted(table);
        let indexed = wanted.all(|wanted| wanted.hashing().is_none() && entry.indexed(&wanted.column.name));
        match indexed && lookups as u64 * BLOCKS_PER_LOOKUP < self.blocks(from).await? {
            true => Ok(Way::Index),
            false => Ok(Way::Blocks),
        }
    }

    /// Deletes the rows that the index finds, from the `at`th identifier on. Returns how many, and whether that was
    /// all.
    async fn look_up(
        &self,
        from: &str,
        table: &Table,
        entry: &Entry,
        ids: &Ids<'_>,
        at: &mut u64,
        until: Instant,
    ) -> Result<(u64, bool), Trouble> {
        let end = ids.wanted(table).map(|wanted| wanted.ids.len()).max().unwrap_or(0) as u64;
        let mut gone = 0;
        while *at < end {
            if Instant::now() >= until {
                return Ok((gone, false));
            }
            let rows = self.delete_looked_up(from, table, entry, ids, *at as usize).await?;
            gone += rows;
            // As long as a statement is full, the same identifiers may have more rows.
            *at += if rows < ROWS { LOOKUPS as u64 } else { 0 };
        }
        Ok((gone, true))
    }

    /// Deletes the rows found by reading, from the `at`th block on. Returns how many, and whether that was all.
    async fn read(
        &self,
        from: &str,
        table: &Table,
        entry: &Entry,
        ids: &Ids<'_>,
        at: &mut u64,
        until: Instant,
    ) -> Result<(u64, bool), Trouble> {
        let end = self.blocks(from).await?;
        let (mut gone, mut step) = (0, BLOCKS);
        // The last range is open: the table may grow meanwhile.
        while *at == 0 || *at < end {
            if Instant::now() >= until {
                return Ok((gone, false));
            }
            let (begun, last) = (Instant::now(), *at + step >= end);
            gone += self.delete_read(from, table, entry, ids, *at, (!last).then_some(*at + step)).await?;
            *at += step;
            step = pace(step, begun.elapsed());
        }
        Ok((gone, true))
    }

    async fn delete_looked_up(
        &self,
        from: &str,
        table: &Table,
        entry: &Entry,
        ids: &Ids<'_>,
        at: usize,
    ) -> Result<u64, Trouble> {
        let condition = Condition::of_slice(table, entry, ids, at);
        if condition.sql.is_empty() {
            return Ok(0);
        }
        let sql = format!(
            "DELETE FROM {from} WHERE ctid IN (SELECT ctid FROM {from} WHERE {} LIMIT {ROWS})",
            condition.sql
        );
        Ok(self.client.execute(&sql, &condition.parameters()).await?)
    }

    async fn delete_read(
        &self,
        from: &str,
        table: &Table,
        entry: &Entry,
        ids: &Ids<'_>,
        first: u64,
        end: Option<u64>,
    ) -> Result<u64, Trouble> {
        let condition = Condition::of(table, entry, ids);
        let mut sql = format!("DELETE FROM {from} WHERE ({}) AND ctid >= '({first},0)'::tid", condition.sql);
        if let Some(end) = end {
            let _ = write!(sql, " AND ctid < '({end},0)'::tid");
        }
        Ok(self.client.execute(&sql, &condition.parameters()).await?)
    }

    async fn blocks(&self, from: &str) -> Result<u64, Trouble> {
        let name = from.strip_prefix("ONLY ").unwrap_or(from);
        let sql = "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint";
        let row = self.client.query_one(sql, &[&name]).await?;
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }
}

/// The number of blocks that take about [`PACE`] to read; between a quarter and four times as many as before.
fn pace(step: u64, took: Duration) -> u64 {
    let ratio = PACE.as_secs_f64() / took.as_secs_f64().max(0.001);
    ((step as f64 * ratio.clamp(0.25, 4.0)) as u64).clamp(BLOCKS / 8, MOST_BLOCKS)
}

impl Engine for Postgres {
    const TABLES_PER_COUNT: usize = 1;

    async fn discover(&mut self) -> Result<Vec<Table>> {
        let (tables, catalog) = catalog::read(&self.client, &self.scope).await?;
        self.catalog = catalog;
        Ok(tables)
    }

    async fn run(
        &mut self,
        statement: &Statement<'_>,
        memory: &mut Memory,
        until: Instant,
    ) -> Result<StatementState> {
        let mut rows = Vec::with_capacity(statement.tables.len());
        for table in statement.tables {
            let entry = self.catalog.entry(table);
            let turn = match statement.verb {
                Verb::Count => self.count(table, entry, statement.ids).await.map(|rows| (rows, None)),
                Verb::Delete => {
                    self.delete(table, entry, statement.ids, memory.handle.as_deref(), until).await
                }
            };
            match turn {
                Ok((gone, None)) => rows.push(gone),
                Ok((gone, cursor)) => {
                    memory.handle = cursor;
                    return Ok(StatementState::Later { seconds: 1, rows: gone });
                }
                Err(trouble) => {
                    memory.end();
                    return trouble.turn();
                }
            }
        }
        memory.end();
        Ok(StatementState::Done(Answer { rows, bytes: 0 }))
    }

    fn resolves(&self) -> Vec<Resolve> {
        self.resolves.clone()
    }

    async fn resolve(&mut self, resolve: &Resolve, to: &Holds, ids: &[&str]) -> Result<Vec<Standing>> {
        resolve::look_up(&self.client, resolve, to, ids).await
    }

    async fn inspect(&mut self, tables: &[Table]) -> Result<Inspection> {
        inspect::inspect(&self.client, &self.scope, &self.catalog.schemas, tables).await
    }
}

/// The condition that finds the subjects' rows in a table. All columns are compared in one statement, so that a row is
/// counted once.
#[derive(Default)]
struct Condition {
    sql: String,
    parameters: Vec<Vec<String>>,
}

impl Condition {
    fn of(table: &Table, entry: &Entry, ids: &Ids<'_>) -> Self {
        let mut condition = Self::default();
        for wanted in ids.wanted(table) {
            condition.add(entry, &wanted, wanted.ids);
        }
        condition
    }

    /// The condition for a slice of the identifiers of each kind.
    fn of_slice(table: &Table, entry: &Entry, ids: &Ids<'_>, at: usize) -> Self {
        let mut condition = Self::default();
        for wanted in ids.wanted(table) {
            let end = wanted.ids.len().min(at + LOOKUPS);
            condition.add(entry, &wanted, wanted.ids.get(at..end).unwrap_or_default());
        }
        condition
    }

    fn add(&mut self, entry: &Entry, wanted: &Wanted<'_, '_>, ids: &[Cow<'_, str>]) {
        let compare = entry.compare(&wanted.column.name);
        let hashed = wanted.hashing().map(|hashed| Compare::Hashed(hashed, Box::new(compare.clone())));
        let compare = hashed.as_ref().unwrap_or(compare);
        let ids = compare.possible(ids);
        if ids.is_empty() {
            return;
        }
        let known = self.parameters.iter().position(|known| *known == ids);
        let parameter = known.unwrap_or(self.parameters.len()) + 1;
        if known.is_none() {
            self.parameters.push(ids);
        }
        let or = if self.sql.is_empty() { "" } else { " OR " };
        let _ = write!(self.sql, "{or}{}", compare.sql(&wanted.column.name, parameter));
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters.iter().map(|ids| ids as &(dyn ToSql + Sync)).collect()
    }
}
