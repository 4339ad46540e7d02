//! Redshift, through its Data API: no network path to the cluster, no connection to hold, no password.
//!
//! 1. A session is opened with two temporary tables in it, which hold the identifiers of each kind. They arrive as
//!    bound JSON arrays, many at a time.
//! 2. Every statement joins them. Its `ClientToken` is the statement's key: begun again after a crash within eight
//!    hours, the Data API answers with the statement that it has already
//!    (<https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling-considerations-idempotency.html>).
//! 3. If the session is lost, it is opened anew.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{Field, SqlParameter, StatusString};
use jiff::Timestamp;

use super::poll::poll;
use super::settings::Redshift as Settings;
use super::{Answer, Candidate, Column, Engine, Ids, Memory, Rows, Statement, Table, Turn, Verb, quote};
use crate::aws;
use crate::failure::{Failure, Result};
use crate::subject::{SubjectType, hex};

/// For how long a session waits for the next statement: longer than the state machine ever waits between two.
const KEEP_ALIVE: i32 = 1_800;
/// The most identifiers and bytes of one parameter; a statement may have 100 KB with its parameters.
const MOST_IDS: usize = 1_000;
const MOST_BYTES: usize = 48 * 1024;
/// How long a statement of the set-up may take.
const LOOKUP: Duration = Duration::from_secs(120);

/// Counts from 0 to 999, on the compute nodes, where `generate_series` is not to be had.
const NUMBERS: &str = "(SELECT a.d + 10 * b.d + 100 * c.d AS n FROM \
    (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
     UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) a, \
    (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
     UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) b, \
    (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 \
     UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) c) numbers";

/// One database of a cluster or workgroup.
pub struct Redshift {
    client: Client,
    settings: Settings,
}

impl Redshift {
    /// Nothing is sent yet; the function's own role is what Redshift knows us by.
    pub fn connect(settings: &Settings, config: &SdkConfig) -> Self {
        let mut builder = aws_sdk_redshiftdata::config::Builder::from(config);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        Self { client: Client::from_conf(builder.build()), settings: settings.clone() }
    }

    /// Begins one statement, in the session or opening one. Answers its id and the session's.
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

    /// Runs one statement of the set-up to its end.
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
        for kind in SubjectType::ALL.into_iter().filter(|kind| !ids.of(*kind).is_empty()) {
            let table = table_of(kind);
            let (id, opened) = self
                .execute(format!("CREATE TEMP TABLE {table} (id varchar(1024))"), &[], session.as_deref())
                .await?;
            session = session.or(opened);
            self.complete(&id).await?;
            for json in arrays(ids.of(kind)) {
                let sql = format!(
                    "INSERT INTO {table} SELECT json_extract_array_element_text(:ids, numbers.n) FROM {NUMBERS} \
                     WHERE numbers.n < json_array_length(:ids)"
                );
                let (id, _) = self.execute(sql, &[("ids", json)], session.as_deref()).await?;
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

    async fn run(&mut self, statement: &Statement<'_>, memory: &mut Memory, until: Instant) -> Result<Turn> {
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
                    // The Data API does not say more exactly that a session is over.
                    Err(failure) => {
                        memory.session = None;
                        memory.end();
                        return Err(Failure { kind: crate::failure::Kind::Transient, ..failure });
                    }
                }
            }
        };
        let ended = match poll(until, async || self.describe(&id).await).await {
            Ok(Some(ended)) => ended,
            Ok(None) => return Ok(Turn::Later { seconds: memory.wait(), rows: 0 }),
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
            return Ok(Turn::Refused(failure));
        }
        let rows = match statement.verb {
            Verb::Count => {
                let mut counts = vec![0; statement.tables.len()];
                for row in self.rows(&id).await? {
                    let number = |n: usize| row.get(n).and_then(|cell| cell.parse::<usize>().ok());
                    if let (Some(table), Some(rows)) = (number(0), number(1)) {
                        counts[table] = rows as u64;
                    }
                }
                counts
            }
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
        Ok(Turn::Done(Answer { rows, bytes: 0 }))
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

fn table_of(kind: SubjectType) -> &'static str {
    match kind {
        SubjectType::UserId => "lethe_users",
        SubjectType::AnonymousId => "lethe_anonymous",
        SubjectType::ObjectId => "lethe_objects",
    }
}

/// The identifiers, each once, as JSON arrays that fit into a parameter. Redshift's text knows no NUL.
fn arrays(ids: &[&str]) -> Vec<String> {
    let distinct: BTreeSet<&str> = ids.iter().copied().filter(|id| !id.contains('\0')).collect();
    let (mut arrays, mut array) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for id in distinct {
        let length = serde_json::to_string(id).map_or(0, |json| json.len()) + 1;
        if array.len() == MOST_IDS || bytes + length > MOST_BYTES {
            arrays.push(std::mem::take(&mut array));
            bytes = 0;
        }
        bytes += length;
        array.push(id);
    }
    if !array.is_empty() {
        arrays.push(array);
    }
    arrays.into_iter().map(|array| serde_json::to_string(&array).unwrap_or_default()).collect()
}

/// One statement for a count; for a deletion one per column, in one transaction. Joins, since Redshift takes no
/// `OR` of subqueries.
fn sql(statement: &Statement<'_>) -> Vec<String> {
    match statement.verb {
        Verb::Count => {
            let tables = statement.tables.iter().enumerate();
            let count = |(n, table): (usize, &Table)| {
                let columns: Vec<_> = table.wanted(statement.ids).map(|(column, _)| column).collect();
                let join = |(i, column): (usize, &&Column)| {
                    format!(
                        " LEFT JOIN {} AS i{i} ON {} = i{i}.id",
                        table_of(column.holds),
                        value("t", column)
                    )
                };
                let joins: String = columns.iter().enumerate().map(join).collect();
                let any: Vec<_> = (0..columns.len()).map(|i| format!("i{i}.id IS NOT NULL")).collect();
                let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
                format!(
                    "SELECT {n} AS t, COUNT(*) AS n FROM {}.{} AS t{joins} WHERE {any}",
                    quote(&table.schema),
                    quote(&table.name)
                )
            };
            vec![tables.map(count).collect::<Vec<_>>().join(" UNION ALL ")]
        }
        Verb::Delete => {
            let table = &statement.tables[0];
            let (schema, name) = (quote(&table.schema), quote(&table.name));
            let delete = |column: &Column| {
                let ids = table_of(column.holds);
                format!("DELETE FROM {schema}.{name} USING {ids} WHERE {} = {ids}.id", value(&name, column))
            };
            table.wanted(statement.ids).map(|(column, _)| delete(column)).collect()
        }
    }
}

/// A column as text, without the blanks that pad a `char`.
fn value(table: &str, column: &Column) -> String {
    let name = format!("{table}.{}", quote(&column.name));
    match column.data_type.as_str() {
        "character varying" | "text" => name,
        "character" => format!("RTRIM({name})"),
        _ => format!("{name}::varchar"),
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

/// Whether the session is over, and not the statement wrong.
fn lost(error: Option<&str>) -> bool {
    let error = error.unwrap_or_default();
    error.contains("session")
        || error.contains("lethe_users")
        || error.contains("lethe_anonymous")
        || error.contains("connection")
}

/// Why a statement failed. The message may quote values; it is read but not shown.
fn refusal(error: Option<&str>) -> Failure {
    let error = error.unwrap_or_default().to_lowercase();
    if error.contains("permission denied") || error.contains("not authorized") {
        return Failure::permanent(
            "Redshift refused the statement (permission denied): grant the user USAGE on the schema, SELECT and \
             DELETE on the table, and TEMP on the database, then retry",
        );
    }
    if error.contains("password authentication")
        || error.contains("database user") && error.contains("does not exist")
    {
        return Failure::permanent("Redshift refused the user: correct the destination and retry");
    }
    if error.contains("violates foreign key") {
        return Failure::permanent(
            "a foreign key forbids the deletion: nothing is cascaded; remove those rows and retry",
        );
    }
    if error.contains("syntax error") || error.contains("not supported") || error.contains("invalid input") {
        return Failure::permanent(
            "Redshift does not take the statement: see the query's error in its console",
        );
    }
    if error.contains("does not exist") {
        return Failure::transient("the table was just changed, or the session ended");
    }
    Failure::transient("a statement failed or was aborted: see the query's error in Redshift's console")
}

/// Why a call failed.
fn failure<E>(error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some(code @ ("AccessDeniedException" | "UnrecognizedClientException")) => {
            Failure::permanent(format!(
                "the Data API refused the function's role ({code}): name the cluster or workgroup in the parameter \
             RedshiftTargets of the stack, and correct the destination"
            ))
        }
        Some(code @ ("ValidationException" | "ResourceNotFoundException")) => Failure::permanent(format!(
            "the Data API refused the call ({code}): correct the destination's cluster, workgroup, user or database"
        )),
        _ => aws::failure("Redshift's Data API", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subject;

    #[test]
    fn identifiers_are_cut_into_parameters_and_none_is_lost_or_doubled() {
        let ids: Vec<String> =
            (0..5_000).map(|n| format!("{n:0>600}\"")).chain(["u1".into(), "u1".into()]).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let arrays = arrays(&ids);
        assert!(arrays.iter().all(|json| json.len() <= MOST_BYTES + 2));
        let all: Vec<String> =
            arrays.iter().flat_map(|json| serde_json::from_str::<Vec<String>>(json).expect("JSON")).collect();
        assert_eq!(all.len(), 5_001);
        assert!(ids.iter().all(|id| all.iter().any(|other| other == id)));
    }

    #[test]
    fn a_deletion_joins_each_column_with_its_kind_of_identifiers() {
        let column = |name: &str, data_type: &str, holds| Column {
            name: name.into(),
            data_type: data_type.into(),
            holds,
        };
        let columns = vec![
            column("anonymous_id", "character varying", SubjectType::AnonymousId),
            column("pre\"vious", "bigint", SubjectType::UserId),
            column("user_id", "character", SubjectType::UserId),
        ];
        let tables = [Table { schema: "web".into(), name: "We\"ird".into(), columns }];
        let subjects = [Subject::user("u1")];
        let ids = Ids::new(&subjects);
        let statement = Statement { verb: Verb::Delete, tables: &tables, ids: &ids, seed: "" };
        assert_eq!(
            sql(&statement),
            [
                r#"DELETE FROM "web"."We""ird" USING lethe_users WHERE "We""ird"."pre""vious"::varchar = lethe_users.id"#,
                r#"DELETE FROM "web"."We""ird" USING lethe_users WHERE RTRIM("We""ird"."user_id") = lethe_users.id"#,
            ]
        );
    }
}
