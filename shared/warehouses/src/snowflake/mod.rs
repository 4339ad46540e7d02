//! Snowflake, through its SQL API.
//!
//! Every statement is asynchronous, with the statement's key as its `requestId`: when it is begun again after a crash,
//! Snowflake returns the statement that it has already. Identifiers are sent as one JSON array, bound as text. Deleted
//! rows stay recoverable through Time Travel and Fail-safe; the evidence says until when.

mod client;
mod token;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use uuid::{Builder, Uuid};

use super::poll::poll;
use super::{Answer, Engine, Memory, Rows, Statement, StatementState, Verb, Wanted, counts, list_name};
use client::{Api, Reply, ResultSet};
use destinations::warehouse::Snowflake as Settings;
use destinations::warehouse::{Candidate, Table, place, quote};
use model::failure::{Failure, Result};
use model::subject::SubjectType;

/// How long a lookup in the information schema may take: a suspended warehouse has to start first.
const LOOKUP: Duration = Duration::from_secs(120);
/// Days for which Snowflake's support can restore rows of a permanent table after Time Travel
/// (<https://docs.snowflake.com/en/user-guide/data-failsafe>).
const FAIL_SAFE: i64 = 7;

/// A connection to one database.
pub struct Snowflake {
    api: Api,
    settings: Settings,
    /// Days for which rows can be restored, by table.
    recoverable: BTreeMap<String, i64>,
}

impl Snowflake {
    /// Makes a token; nothing is sent yet.
    ///
    /// # Errors
    /// `Permanent`, if the private key cannot be read.
    pub fn connect(settings: &Settings, private_key: &str) -> Result<Self> {
        let api = Api::new(settings, private_key)?;
        Ok(Self { api, settings: settings.clone(), recoverable: BTreeMap::new() })
    }

    /// Runs a query of the information schema to its end.
    async fn look_up(&self, sql: &str, texts: &[&str]) -> Result<Vec<Vec<String>>> {
        let mut reply = self.api.submit(Uuid::now_v7(), sql, texts).await?;
        if let Reply::Running(handle) = &reply {
            let done = poll(Instant::now() + LOOKUP, async || match self.api.status(handle, 0).await? {
                Reply::Running(_) => Ok(None),
                reply => Ok(Some(reply)),
            });
            reply =
                done.await?.ok_or_else(|| Failure::transient("Snowflake's information schema takes long"))?;
        }
        match reply {
            Reply::Done(result) => self.rows(result).await,
            Reply::Refused(failure) => Err(Failure::permanent(failure.public)),
            Reply::Running(_) => Err(Failure::transient("Snowflake's information schema takes long")),
        }
    }

    /// All parts of a result.
    async fn rows(&self, first: ResultSet) -> Result<Vec<Vec<String>>> {
        let (handle, parts) = (first.statement_handle, first.result_set_meta_data.partition_info.len());
        let mut data = first.data;
        for part in 1..parts {
            match self.api.status(&handle, part).await? {
                Reply::Done(result) => data.extend(result.data),
                Reply::Running(_) | Reply::Refused(_) => {
                    return Err(Failure::transient("Snowflake lost a part of a result"));
                }
            }
        }
        Ok(data.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect())
    }

    fn name(&self, table: &Table) -> String {
        [&self.settings.database, &table.schema, &table.name].map(|part| quote(part)).join(".")
    }

    /// The SQL, and the kind of identifiers bound to each of its `?`s.
    fn sql(&self, statement: &Statement<'_>) -> (String, Vec<SubjectType>) {
        match statement.verb {
            Verb::Count => {
                let kinds: Vec<_> = statement.ids.kinds().collect();
                let with: Vec<_> = kinds.iter().map(|kind| format!("{} AS ({IDS})", list(*kind))).collect();
                let tables = statement.tables.iter().enumerate();
                let count = |(n, table): (usize, &Table)| {
                    let within = |wanted: Wanted<'_, '_>| {
                        format!("{} IN (SELECT ID FROM {})", value(&wanted), list(wanted.kind))
                    };
                    let any: Vec<_> = statement.ids.wanted(table).map(within).collect();
                    let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
                    format!("SELECT {n} AS T, COUNT(*) AS N FROM {} WHERE {any}", self.name(table))
                };
                let counts: Vec<_> = tables.map(count).collect();
                (format!("WITH {} {}", with.join(", "), counts.join(" UNION ALL ")), kinds)
            }
            Verb::Delete => {
                let table = &statement.tables[0];
                let wanted: Vec<_> = statement.ids.wanted(table).collect();
                let any: Vec<_> =
                    wanted.iter().map(|wanted| format!("{} IN ({IDS})", value(wanted))).collect();
                let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
                let sql = format!("DELETE FROM {} WHERE {any}", self.name(table));
                (sql, wanted.iter().map(|wanted| wanted.kind).collect())
            }
        }
    }
}

/// The elements of a bound JSON array.
const IDS: &str = "SELECT VALUE::VARCHAR AS ID FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?)))";

fn list(kind: SubjectType) -> String {
    list_name(kind).to_uppercase()
}

fn value(wanted: &Wanted<'_, '_>) -> String {
    let name = quote(&wanted.column.name);
    let text = if wanted.column.data_type == "TEXT" { name } else { format!("{name}::VARCHAR") };
    wanted.comparable(text, |value| format!("SHA2({value}, 256)"), |value| format!("MD5({value})"))
}

impl Engine for Snowflake {
    const TABLES_PER_COUNT: usize = 50;

    async fn discover(&mut self) -> Result<Vec<Table>> {
        let schema = format!("{}.INFORMATION_SCHEMA", quote(&self.settings.database));
        let all = self.look_up(&format!("SELECT SCHEMA_NAME FROM {schema}.SCHEMATA"), &[]).await?;
        let schemas = self.settings.scope.schemas(&all.into_iter().flatten().collect::<Vec<_>>())?;
        let schemas = serde_json::to_string(&schemas).unwrap_or_default();
        let names =
            self.settings.scope.names().map(|names| serde_json::to_string(&names).unwrap_or_default());
        let of_names =
            if names.is_some() { format!("AND LOWER(C.COLUMN_NAME) IN ({IDS})") } else { String::new() };
        let sql = format!(
            "SELECT C.TABLE_SCHEMA, C.TABLE_NAME, C.COLUMN_NAME, C.DATA_TYPE, T.RETENTION_TIME, T.IS_TRANSIENT \
             FROM {schema}.COLUMNS C JOIN {schema}.TABLES T \
             ON T.TABLE_SCHEMA = C.TABLE_SCHEMA AND T.TABLE_NAME = C.TABLE_NAME \
             WHERE T.TABLE_TYPE = 'BASE TABLE' AND C.TABLE_SCHEMA IN ({IDS}) {of_names}"
        );
        let texts: Vec<&str> = [Some(schemas.as_str()), names.as_deref()].into_iter().flatten().collect();
        let mut candidates = Vec::new();
        for row in self.look_up(&sql, &texts).await? {
            let Ok([schema, table, name, data_type, days, transient]) = <[String; 6]>::try_from(row) else {
                continue;
            };
            let fail_safe = if transient == "YES" { 0 } else { FAIL_SAFE };
            self.recoverable.insert(place(&schema, &table), days.parse::<i64>().unwrap_or(1) + fail_safe);
            candidates.push(Candidate { schema, table, name, data_type });
        }
        self.settings.scope.tables(candidates)
    }

    async fn run(
        &mut self,
        statement: &Statement<'_>,
        memory: &mut Memory,
        until: Instant,
    ) -> Result<StatementState> {
        let mut reply = match &memory.handle {
            Some(handle) => Reply::Running(handle.clone()),
            None => {
                let (sql, kinds) = self.sql(statement);
                let json =
                    |kind: &SubjectType| serde_json::to_string(statement.ids.of(*kind)).unwrap_or_default();
                let texts: Vec<String> = kinds.iter().map(json).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let id = Builder::from_custom_bytes(statement.key(memory)).into_uuid();
                self.api.submit(id, &sql, &texts).await?
            }
        };
        if let Reply::Running(handle) = reply {
            memory.handle = Some(handle.clone());
            let done = poll(until, async || match self.api.status(&handle, 0).await? {
                Reply::Running(_) => Ok(None),
                reply => Ok(Some(reply)),
            });
            match done.await? {
                Some(done) => reply = done,
                None => return Ok(StatementState::Later { seconds: memory.wait(), rows: 0 }),
            }
        }
        let result = match reply {
            Reply::Done(result) => result,
            Reply::Refused(failure) => {
                memory.end();
                return Ok(StatementState::Refused(failure));
            }
            Reply::Running(_) => return Ok(StatementState::Later { seconds: memory.wait(), rows: 0 }),
        };
        let deleted = result.stats.num_rows_deleted;
        let rows = self.rows(result).await?;
        let number = |row: &[String], n: usize| row.get(n).and_then(|cell| cell.parse::<u64>().ok());
        let rows = match statement.verb {
            Verb::Count => counts(&rows, statement.tables.len()),
            Verb::Delete => vec![deleted.or_else(|| number(rows.first()?, 0)).unwrap_or_default()],
        };
        memory.end();
        Ok(StatementState::Done(Answer { rows, bytes: 0 }))
    }

    fn residuals(&self, removed: &Rows, now: Timestamp) -> Rows {
        let mut residuals = Rows::new();
        for (table, rows) in removed.iter().filter(|(_, rows)| **rows > 0) {
            let days = self.recoverable.get(table).copied().unwrap_or(1 + FAIL_SAFE);
            if days > 0 {
                let until = (now + SignedDuration::from_hours(24 * days)).strftime("%F");
                let reason = format!("rows that Snowflake keeps until {until} (Time Travel and Fail-safe)");
                *residuals.entry(reason).or_default() += rows;
            }
        }
        residuals
    }
}
