//! A local Redshift: its Data API over Postgres, which runs the statements. Redshift's own dialect is not tested by
//! it, only that Postgres and the documented API take what is sent.
//!
//! <https://docs.aws.amazon.com/redshift-data/latest/APIReference/Welcome.html>: AWS JSON 1.1; statements are
//! submitted, described until they end, and their results fetched. Sessions keep temporary tables. A `ClientToken`
//! that was seen answers with the statement that it belongs to. Parameters are named, bound, and never empty.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::aws::Endpoint;
use crate::postgres::{PASSWORD, Server, USER};
use crate::serve::{Stop, serve};

mod roles;

use roles::may;
pub use roles::targets;

/// The cluster that it has.
pub const CLUSTER: &str = "lethe-test";
const MAX_SQL: usize = 100_000;
const MAX_BATCH: usize = 40;

/// What Redshift has and Postgres does not: system views and functions.
const REDSHIFT: &str = "
    CREATE VIEW svv_tables AS SELECT table_schema::varchar, table_name::varchar, table_type::varchar FROM information_schema.tables;
    CREATE VIEW svv_columns AS SELECT table_schema::varchar, table_name::varchar, column_name::varchar, data_type::varchar FROM information_schema.columns;
    CREATE FUNCTION json_array_length(a varchar) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT json_array_length(a::json)';
    CREATE FUNCTION json_extract_array_element_text(a varchar, n int) RETURNS varchar IMMUTABLE LANGUAGE sql AS 'SELECT a::json->>n';
    CREATE FUNCTION sha2(a varchar, bits int) RETURNS varchar IMMUTABLE LANGUAGE sql AS 'SELECT encode(sha256(convert_to(a, ''UTF8'')), ''hex'')';
    GRANT SELECT ON svv_tables, svv_columns TO PUBLIC";

#[derive(Default)]
struct Statement {
    status: &'static str,
    error: Option<String>,
    rows: Vec<u64>,
    records: Vec<Vec<String>>,
}

/// What it knows.
#[derive(Default)]
pub struct World {
    statements: HashMap<String, Statement>,
    sessions: HashMap<String, Arc<Client>>,
    tokens: HashMap<String, String>,
    /// For how many more times `DescribeStatement` says that a statement runs, whatever it does.
    pub slow: u32,
}

impl World {
    /// Forgets every session, as Redshift does when they are idle for too long, and on failover.
    pub fn forget_sessions(&mut self) {
        self.sessions.clear();
    }
}

#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    server: Server,
    /// Where the roles of its callers are.
    aws: Option<Endpoint>,
}

/// A running Data API, stopped when dropped.
pub struct Redshift {
    /// Where it listens.
    pub url: String,
    world: Arc<Mutex<World>>,
    _stop: Stop,
}

impl Redshift {
    /// Starts one on a free port, in front of the databases of a Postgres.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(server: Server) -> Result<Self> {
        Self::with(server, None)
    }

    /// Starts one for the functions of a local AWS, whose roles it keeps to.
    ///
    /// # Errors
    /// When no port is free.
    pub fn strict(server: Server, aws: Endpoint) -> Result<Self> {
        Self::with(server, Some(aws))
    }

    fn with(server: Server, aws: Option<Endpoint>) -> Result<Self> {
        let world = Arc::<Mutex<World>>::default();
        let shared = Shared { world: world.clone(), server, aws };
        let routes = Router::new().route("/", post(call)).with_state(shared);
        let (url, stop) = serve(routes)?;
        Ok(Self { url, world, _stop: stop })
    }

    /// What it knows now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Gives a database what Redshift has and Postgres does not.
    ///
    /// # Errors
    /// Postgres's own.
    pub async fn prepare(database: &Client) -> Result<()> {
        Ok(database.batch_execute(REDSHIFT).await?)
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn call(State(shared): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let operation = target.trim_start_matches("RedshiftData.");
    let reply = match operation {
        _ if !may(shared.aws, &headers, operation, &body).await => {
            Err(("AccessDeniedException", format!("not authorized to perform: redshift-data:{operation}")))
        }
        "ExecuteStatement" => execute(&shared, &body, vec![body["Sql"].clone()]).await,
        "BatchExecuteStatement" => {
            execute(&shared, &body, body["Sqls"].as_array().cloned().unwrap_or_default()).await
        }
        "DescribeStatement" => describe(&shared, &body),
        "GetStatementResult" => result(&shared, &body),
        _ => Err(invalid("an unknown operation")),
    };
    let (status, body) = match reply {
        Ok(body) => (StatusCode::OK, body),
        Err((kind, message)) => (StatusCode::BAD_REQUEST, json!({ "__type": kind, "Message": message })),
    };
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

type Refusal = (&'static str, String);

fn invalid(message: &str) -> Refusal {
    ("ValidationException", message.to_owned())
}

async fn execute(shared: &Shared, body: &Value, sqls: Vec<Value>) -> Result<Value, Refusal> {
    let sqls: Vec<String> = sqls.iter().filter_map(|sql| Some(sql.as_str()?.to_owned())).collect();
    if sqls.is_empty()
        || sqls.len() > MAX_BATCH
        || sqls.iter().any(|sql| sql.is_empty() || sql.len() > MAX_SQL)
    {
        return Err(invalid("Sql: 1 to 40 statements of at most 100 KB"));
    }
    let mut parameters = Vec::new();
    for parameter in body["Parameters"].as_array().into_iter().flatten() {
        let text = |field: &str| parameter[field].as_str().unwrap_or_default().to_owned();
        if text("value").is_empty() || text("value").len() > MAX_SQL {
            return Err(invalid("a parameter is empty or too long"));
        }
        parameters.push((text("name"), text("value")));
    }
    if let Some(token) = body["ClientToken"].as_str() {
        let known = lock(&shared.world).tokens.get(token).cloned();
        if let Some(id) = known {
            return Ok(json!({ "Id": id, "SessionId": body["SessionId"] }));
        }
    }
    let (session, client) = connect(shared, body).await?;
    let id = format!("statement-{:016x}", fastrand::u64(..));
    {
        let mut world = lock(&shared.world);
        world.statements.insert(id.clone(), Statement { status: "STARTED", ..Statement::default() });
        world.sessions.insert(session.clone(), client.clone());
        if let Some(token) = body["ClientToken"].as_str() {
            world.tokens.insert(token.to_owned(), id.clone());
        }
    }
    let (world, number) = (shared.world.clone(), id.clone());
    tokio::spawn(async move {
        let statement = match run(&client, &sqls, &parameters).await {
            Ok((rows, records)) => Statement { status: "FINISHED", error: None, rows, records },
            Err(error) => {
                let message =
                    match error.downcast_ref::<tokio_postgres::Error>().and_then(|e| e.as_db_error()) {
                        Some(error) => format!("ERROR: {}", error.message()),
                        None => error.to_string(),
                    };
                Statement { status: "FAILED", error: Some(message), ..Statement::default() }
            }
        };
        lock(&world).statements.insert(number, statement);
    });
    Ok(json!({ "Id": id, "SessionId": session, "CreatedAt": now() }))
}

/// The session that is named, or a new one as the user that is named.
async fn connect(shared: &Shared, body: &Value) -> Result<(String, Arc<Client>), Refusal> {
    if let Some(session) = body["SessionId"].as_str() {
        if body["Database"].is_string() || body["ClusterIdentifier"].is_string() {
            return Err(invalid("a session has its database and cluster already"));
        }
        let client = lock(&shared.world).sessions.get(session).cloned();
        let client = client.ok_or_else(|| invalid("Session is not available"))?;
        return Ok((session.to_owned(), client));
    }
    if body["ClusterIdentifier"] != CLUSTER {
        return Err((
            "ResourceNotFoundException",
            "Redshift endpoint doesn't exist in this region.".to_owned(),
        ));
    }
    let user = body["DbUser"].as_str().unwrap_or(USER);
    let database = body["Database"].as_str().ok_or_else(|| invalid("Database is missing"))?;
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(shared.server.port).dbname(database).user(user).password(PASSWORD);
    let (client, connection) =
        config.connect(NoTls).await.map_err(|_| invalid("FATAL: the database or user does not exist"))?;
    tokio::spawn(connection);
    Ok((format!("session-{:016x}", fastrand::u64(..)), Arc::new(client)))
}

/// All in one transaction, as `BatchExecuteStatement` has it.
async fn run(
    client: &Client,
    sqls: &[String],
    parameters: &[(String, String)],
) -> Result<(Vec<u64>, Vec<Vec<String>>)> {
    client.batch_execute("BEGIN").await?;
    let (mut counts, mut records) = (Vec::new(), Vec::new());
    for sql in sqls {
        let one = one(client, sql, parameters).await;
        if one.is_err() {
            client.batch_execute("ROLLBACK").await?;
        }
        let (count, rows) = one?;
        counts.push(count);
        records = rows;
    }
    client.batch_execute("COMMIT").await?;
    Ok((counts, records))
}

async fn one(client: &Client, sql: &str, parameters: &[(String, String)]) -> Result<(u64, Vec<Vec<String>>)> {
    let mut sql = sql.to_owned();
    for (n, (name, _)) in parameters.iter().enumerate() {
        sql = named(&sql, name, n + 1);
    }
    let values: Vec<&(dyn ToSql + Sync)> =
        parameters.iter().map(|(_, value)| value as &(dyn ToSql + Sync)).collect();
    if sql.starts_with("SELECT") {
        if values.is_empty() {
            let messages = client.simple_query(&sql).await?;
            let rows = messages.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|n| row.get(n).unwrap_or_default().to_owned()).collect())
                }
                _ => None,
            });
            let rows: Vec<_> = rows.collect();
            return Ok((rows.len() as u64, rows));
        }
        let rows = client.query(&sql, &values).await?;
        let text = |row: &tokio_postgres::Row| (0..row.len()).map(|n| row.get::<_, String>(n)).collect();
        return Ok((rows.len() as u64, rows.iter().map(text).collect()));
    }
    Ok((client.execute(&sql, &values).await?, Vec::new()))
}

/// `:name` becomes `$n::varchar`; `::name` is a cast, and `:names` another parameter.
fn named(sql: &str, name: &str, n: usize) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find(&format!(":{name}")) {
        let (before, after) = (&rest[..at], &rest[at + 1 + name.len()..]);
        let whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        out.push_str(before);
        match whole && !before.ends_with(':') {
            true => out.push_str(&format!("${n}::varchar")),
            false => out.push_str(&rest[at..=at + name.len()]),
        }
        rest = after;
    }
    out + rest
}

fn describe(shared: &Shared, body: &Value) -> Result<Value, Refusal> {
    let mut world = lock(&shared.world);
    let id = body["Id"].as_str().unwrap_or_default();
    if world.slow > 0 {
        world.slow -= 1;
        return Ok(json!({ "Id": id, "Status": "STARTED" }));
    }
    let statement = world.statements.get(id).ok_or_else(unknown)?;
    let total: u64 = statement.rows.iter().sum();
    let mut reply = json!({ "Id": id, "Status": statement.status, "Error": statement.error, "ResultRows": total,
                            "HasResultSet": !statement.records.is_empty(), "CreatedAt": now() });
    if statement.rows.len() > 1 {
        let part = |(n, rows): (usize, &u64)| json!({ "Id": format!("{id}:{}", n + 1), "ResultRows": rows, "Status": "FINISHED" });
        reply["SubStatements"] = statement.rows.iter().enumerate().map(part).collect();
        reply["ResultRows"] = (-1).into();
    }
    Ok(reply)
}

fn result(shared: &Shared, body: &Value) -> Result<Value, Refusal> {
    // Small, so that paging is seen to work.
    const PAGE: usize = 3;
    let world = lock(&shared.world);
    let statement = world.statements.get(body["Id"].as_str().unwrap_or_default()).ok_or_else(unknown)?;
    let from: usize = body["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or_default();
    let to = statement.records.len().min(from + PAGE);
    let record =
        |row: &Vec<String>| row.iter().map(|text| json!({ "stringValue": text })).collect::<Vec<_>>();
    let mut reply = json!({ "Records": statement.records[from..to].iter().map(record).collect::<Vec<_>>(),
                            "TotalNumRows": statement.records.len() });
    if to < statement.records.len() {
        reply["NextToken"] = to.to_string().into();
    }
    Ok(reply)
}

fn unknown() -> Refusal {
    ("ResourceNotFoundException", "Query does not exist.".to_owned())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_parameters_are_told_from_casts() {
        assert_eq!(named("SELECT :id, a::id, :ids", "id", 1), "SELECT $1::varchar, a::id, :ids");
    }
}
