//! Redshift, through its Data API: no network path to the cluster, no connection to hold, no password.
//!
//! 1. A session is opened with a temporary table in it for the identifiers of each kind. They arrive as
//!    bound JSON arrays, many at a time.
//! 2. Every statement joins them. Its `ClientToken` is the statement's key: when it is begun again after a crash within
//!    eight hours, the Data API returns the statement that it has already
//!    (<https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling-considerations-idempotency.html>).
//! 3. If the session is lost, it is opened anew.

mod failure;
mod sql;

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{Field, SqlParameter, StatusString};
use jiff::Timestamp;

use super::poll::poll;
use super::{Answer, Engine, Ids, Memory, Rows, Statement, StatementState, Verb, counts};
use destinations::warehouse::Redshift as Settings;
use destinations::warehouse::{Candidate, Table};
use failure::{failure, lost, refusal};
use model::failure::{Failure, Result};
use model::subject::hex;
use sql::{arrays, fill, sql, table_of};

/// How long, in seconds, a session waits for the next statement: longer than the state machine ever waits between two.
const KEEP_ALIVE: i32 = 1_800;
/// How long a set-up statement may take.
const LOOKUP: Duration = Duration::from_secs(120);

/// One database of a cluster or workgroup.
pub struct Redshift {
    client: Client,
    settings: Settings,
}

impl Redshift {
    /// Makes the client; nothing is sent yet. Redshift identifies us by the function's own role.
    pub fn connect(settings: &Settings, config: &SdkConfig) -> Self {
        let mut builder = aws_sdk_redshiftdata::config::Builder::from(config);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self { client: Client::from_conf(builder.build()), settings: settings.clone() }
    }

    /// Begins one statement, in the session or in a new one. Returns its id and the session's.
    async fn execute(
        &self,
        sql: impl Into<String>,
        parameters: &[(&str, String)],
        session: Option<&str>,
    ) -> Result<(String, Option<String>)> {
        let mut request = self.client.execute_statement().sql(sql).session_keep_alive_seconds(KEEP_ALIVE);
        for (name, value) in parameters {
            request = request.parameters(parameter(name, value)?);
        }
        request = match session {
            Some(session) => request.session_id(session),
            None => request
                .database(&self.settings.database)
                .set_cluster_identifier(self.settings.cluster.clone())
                .set_workgroup_name(self.settings.workgroup.clone())
                .set_db_user(self.settings.user.clone()),
        };
        let reply = request.send().await.map_err(|e| failure(&e))?;
        let id = reply.id.ok_or_else(|| Failure::transient("the Data API named no statement"))?;
        Ok((id, reply.session_id))
    }

    async fn describe(&self, id: &str) -> Result<Option<DescribeStatementOutput>> {
        let reply = self.client.describe_statement().id(id).send().await.map_err(|e| failure(&e))?;
        let ended = matches!(
            reply.status,
            Some(StatusString::Finished | StatusString::Failed | StatusString::Aborted)
        );
        Ok(ended.then_some(reply))
    }

    /// Runs one set-up statement to its end.
    async fn complete(&self, id: &str) -> Result<()> {
        let ended = poll(Instant::now() + LOOKUP, async || self.describe(id).await).await?;
        let ended = ended.ok_or_else(|| Failure::transient("Redshift is busy"))?;
        match ended.status {
            Some(StatusString::Finished) => Ok(()),
            _ => Err(refusal(ended.error.as_deref())),
        }
    }

    async fn rows(&self, id: &str) -> Result<Vec<Vec<String>>> {
        let pages = self.client.get_statement_result().id(id).into_paginator().items().send();
        let records: Vec<Vec<Field>> = pages.try_collect().await.map_err(|e| failure(&e))?;
        Ok(records.into_iter().map(|record| record.iter().map(text).collect()).collect())
    }

    async fn look_up(&self, sql: &str, parameters: &[(&str, String)]) -> Result<Vec<Vec<String>>> {
        let (id, _) = self.execute(sql, parameters, None).await?;
        self.complete(&id).await?;
        self.rows(&id).await
    }

    /// Opens a session with the identifiers in it.
    async fn open(&self, ids: &Ids<'_>) -> Result<String> {
        let mut session: Option<String> = None;
        for kind in ids.kinds() {
            let table = table_of(kind);
            let (id, opened) = self
                .execute(format!("CREATE TEMP TABLE {table} (id varchar(1024))"), &[], session.as_deref())
                .await?;
            session = session.or(opened);
            self.complete(&id).await?;
            for json in arrays(ids.of(kind)) {
                let (id, _) = self.execute(fill(&table), &[("ids", json)], session.as_deref()).await?;
                self.complete(&id).await?;
            }
        }
        session.ok_or_else(|| Failure::permanent("the Data API opened no session"))
    }

    async fn begin(&self, statement: &Statement<'_>, session: &str, token: String) -> Result<String> {
        let sqls = sql(statement);
        let id = match sqls.as_slice() {
            [sql] => {
                let request = self.client.execute_statement().sql(sql).client_token(token);
                let request = request.session_id(session).session_keep_alive_seconds(KEEP_ALIVE);
                request.send().await.map_err(|e| failure(&e))?.id
            }
            _ => {
                let request = self.client.batch_execute_statement().set_sqls(Some(sqls)).client_token(token);
                let request = request.session_id(session).session_keep_alive_seconds(KEEP_ALIVE);
                request.send().await.map_err(|e| failure(&e))?.id
            }
        };
        id.ok_or_else(|| Failure::transient("the Data API named no statement"))
    }
}

impl Engine for Redshift {
    const TABLES_PER_COUNT: usize = 30;

    async fn discover(&mut self) -> Result<Vec<Table>> {
        let schemas = self.look_up("SELECT DISTINCT table_schema::varchar FROM svv_tables", &[]).await?;
        let all: Vec<String> = schemas.into_iter().flatten().collect();
        let schemas = self.settings.scope.schemas(&all)?;
        let (mut conditions, mut parameters) = (Vec::new(), Vec::new());
        let names: Vec<String> = (0..schemas.len()).map(|n| format!("s{n}")).collect();
        for (name, schema) in names.iter().zip(schemas) {
            conditions.push(format!(":{name}"));
            parameters.push((name.as_str(), schema));
        }
        let sql = format!(
            "SELECT c.table_schema::varchar, c.table_name::varchar, c.column_name::varchar, c.data_type::varchar \
             FROM svv_columns c JOIN svv_tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
             WHERE t.table_type = 'BASE TABLE' AND c.table_schema IN ({})",
            conditions.join(", ")
        );
        let candidate = |row: Vec<String>| {
            let [schema, table, name, data_type] = row.try_into().ok()?;
            Some(Candidate { schema, table, name, data_type })
        };
        let candidates = self.look_up(&sql, &parameters).await?.into_iter().filter_map(candidate).collect();
        self.settings.scope.tables(candidates)
    }

    async fn run(
        &mut self,
        statement: &Statement<'_>,
        memory: &mut Memory,
        until: Instant,
    ) -> Result<StatementState> {
        let id = match &memory.handle {
            Some(id) => id.clone(),
            None => {
                let session = match &memory.session {
                    Some(session) => session.clone(),
                    None => memory.session.insert(self.open(statement.ids).await?).clone(),
                };
                let token = hex(&statement.key(memory));
                match self.begin(statement, &session, token).await {
                    Ok(id) => memory.handle.insert(id).clone(),
                    Err(failure) if failure.is_transient() => return Err(failure),
                    // The Data API does not say more precisely that a session has ended.
                    Err(failure) => {
                        memory.session = None;
                        memory.end();
                        return Err(Failure { kind: model::failure::FailureKind::Transient, ..failure });
                    }
                }
            }
        };
        let ended = match poll(until, async || self.describe(&id).await).await {
            Ok(Some(ended)) => ended,
            Ok(None) => return Ok(StatementState::Later { seconds: memory.wait(), rows: 0 }),
            Err(failure) => {
                if !failure.is_transient() {
                    // It is no longer known: begin again.
                    memory.session = None;
                    memory.end();
                }
                return Err(failure);
            }
        };
        if ended.status != Some(StatusString::Finished) {
            memory.end();
            let failure = refusal(ended.error.as_deref());
            if lost(ended.error.as_deref()) {
                memory.session = None;
                return Err(failure);
            }
            return Ok(StatementState::Refused(failure));
        }
        let rows = match statement.verb {
            Verb::Count => counts(&self.rows(&id).await?, statement.tables.len()),
            Verb::Delete => {
                let parts = ended.sub_statements.unwrap_or_default();
                let rows = if parts.is_empty() {
                    ended.result_rows
                } else {
                    parts.iter().map(|p| p.result_rows.max(0)).sum()
                };
                vec![rows.max(0).unsigned_abs()]
            }
        };
        memory.end();
        Ok(StatementState::Done(Answer { rows, bytes: 0 }))
    }

    fn residuals(&self, removed: &Rows, _now: Timestamp) -> Rows {
        let gone = removed.iter().filter(|(_, rows)| **rows > 0);
        gone.map(|(table, rows)| {
            (
                format!("rows on disk until VACUUM DELETE ONLY {table}, which Redshift also runs by itself"),
                *rows,
            )
        })
        .collect()
    }
}

fn parameter(name: &str, value: &str) -> Result<SqlParameter> {
    SqlParameter::builder()
        .name(name)
        .value(value)
        .build()
        .map_err(|e| Failure::permanent("a parameter cannot be sent").detail(e))
}

fn text(field: &Field) -> String {
    match field {
        Field::StringValue(text) => text.clone(),
        Field::LongValue(number) => number.to_string(),
        _ => String::new(),
    }
}
