//! Snowflake's SQL API, version 2 (<https://docs.snowflake.com/en/developer-guide/sql-api/reference>).

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::token::token;
use destinations::warehouse::Snowflake as Settings;
use model::failure::{Failure, Result};

/// How long one response may take.
const TIME_TO_ANSWER: Duration = Duration::from_secs(60);
/// How long one statement may run before Snowflake cancels it, in seconds.
const TIMEOUT: u32 = 6 * 3_600;
const AGENT: &str = concat!("lethe/", env!("CARGO_PKG_VERSION"));

/// A client of one account.
pub(super) struct Api {
    http: Client,
    statements: String,
    token: String,
    context: Value,
}

/// The state of a statement.
pub(super) enum Reply {
    /// It runs, by this handle.
    Running(String),
    Done(ResultSet),
    /// It failed, by Snowflake's own code and the SQLSTATE.
    Refused(Failure),
}

/// A result, or one part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResultSet {
    pub(super) statement_handle: String,
    /// Every value as text.
    pub(super) data: Vec<Vec<Option<String>>>,
    pub(super) result_set_meta_data: MetaData,
    pub(super) stats: Stats,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MetaData {
    pub(super) partition_info: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Stats {
    pub(super) num_rows_deleted: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    code: String,
    sql_state: String,
    statement_handle: String,
}

impl Api {
    pub(super) fn new(settings: &Settings, private_key: &str) -> Result<Self> {
        let account = &settings.account.0;
        let token = token(account, &settings.user, private_key, jiff::Timestamp::now())?;
        // Host names have no underscores: Snowflake's own have hyphens in their place.
        let host = || format!("https://{}.snowflakecomputing.com", account.to_lowercase().replace('_', "-"));
        let endpoint = settings.endpoint.clone().unwrap_or_else(host);
        let http = Client::builder()
            .timeout(TIME_TO_ANSWER)
            .redirect(redirect::Policy::none())
            .user_agent(AGENT)
            .build();
        let http = http.map_err(|e| Failure::permanent("the HTTP client cannot start").detail(e))?;
        let mut context = json!({
            "timeout": TIMEOUT,
            "database": settings.database,
            "warehouse": settings.warehouse,
            "parameters": { "query_tag": "lethe" },
        });
        if let Some(role) = &settings.role {
            context["role"] = role.as_str().into();
        }
        Ok(Self {
            http,
            statements: format!("{}/api/v2/statements", endpoint.trim_end_matches('/')),
            token,
            context,
        })
    }

    /// Submits a statement with texts bound to its `?`s. `retry` makes Snowflake return the statement that it already
    /// has under this id, if it has one.
    pub(super) async fn submit(&self, id: Uuid, statement: &str, texts: &[&str]) -> Result<Reply> {
        let mut body = self.context.clone();
        body["statement"] = statement.into();
        if !texts.is_empty() {
            let bind =
                |(n, text): (usize, &&str)| ((n + 1).to_string(), json!({ "type": "TEXT", "value": text }));
            body["bindings"] = Value::Object(texts.iter().enumerate().map(bind).collect::<Map<_, _>>());
        }
        let url = format!("{}?requestId={id}&retry=true&async=true", self.statements);
        read(self.with_headers(self.http.post(url).json(&body)).send().await).await
    }

    /// Asks for the state of a statement, or for a further part of its result.
    pub(super) async fn status(&self, handle: &str, part: usize) -> Result<Reply> {
        let mut url = format!("{}/{handle}", self.statements);
        if part > 0 {
            url.push_str(&format!("?partition={part}"));
        }
        read(self.with_headers(self.http.get(url)).send().await).await
    }

    fn with_headers(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request
            .bearer_auth(&self.token)
            .header("X-Snowflake-Authorization-Token-Type", "KEYPAIR_JWT")
            .header("Accept", "application/json")
    }
}

async fn read(reply: reqwest::Result<Response>) -> Result<Reply> {
    // A reqwest error prints the URL; only its class is kept.
    let away = |_| Failure::transient("Snowflake cannot be reached or broke off its answer");
    let reply = reply.map_err(away)?;
    let status = reply.status();
    let wait = reply.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let body = reply.bytes().await.map_err(away)?;
    let said = || serde_json::from_slice::<Status>(&body).unwrap_or_default();
    match status {
        StatusCode::OK => serde_json::from_slice(&body)
            .map(Reply::Done)
            .map_err(|_| Failure::transient("Snowflake answered what its documentation does not know")),
        StatusCode::ACCEPTED => Ok(Reply::Running(said().statement_handle)),
        StatusCode::UNPROCESSABLE_ENTITY => {
            let said = said();
            Ok(Reply::Refused(refusal(&said.code, &said.sql_state)))
        }
        StatusCode::REQUEST_TIMEOUT => Ok(Reply::Refused(Failure::transient("the statement took too long"))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::permanent(format!(
            "Snowflake refused the key ({}): set the user's RSA_PUBLIC_KEY, correct account, user or role, and retry",
            status.as_u16()
        ))),
        StatusCode::NOT_FOUND => {
            Ok(Reply::Refused(Failure::transient("Snowflake no longer knows the statement (404)")))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::transient("Snowflake answered 429: its rate limit is reached").wait(wait))
        }
        status if status.is_server_error() => {
            Err(Failure::transient(format!("Snowflake answered {}", status.as_u16())).wait(wait))
        }
        status => Ok(Reply::Refused(Failure::permanent(format!(
            "Snowflake refused the statement ({})",
            status.as_u16()
        )))),
    }
}

/// Why a statement failed. Its message may quote values and is not even read.
fn refusal(code: &str, sql_state: &str) -> Failure {
    let which = format!("{code}, SQLSTATE {sql_state}");
    match (code, sql_state) {
        ("003001", _) | (_, "42501") => Failure::permanent(format!(
            "Snowflake refused the statement ({which}): grant the role USAGE on warehouse, database and schema, \
             SELECT and DELETE on the table, then retry"
        )),
        // Snowflake does not tell a missing table from a hidden one.
        ("002003" | "002043", _) | (_, "02000" | "42S02") => Failure::transient(format!(
            "Snowflake knows no such database, schema or table, or the role may not see it ({which})"
        )),
        ("000606" | "000605" | "090073", _) => Failure::permanent(format!(
            "the virtual warehouse cannot be used ({which}): grant the role USAGE on it, or name another, and retry"
        )),
        // Cancelled, timed out, waited too long for a lock.
        ("000604" | "000625" | "000630", _) => {
            Failure::transient(format!("the statement was cancelled ({which})"))
        }
        _ => Failure::permanent(format!("Snowflake refused the statement ({which})")),
    }
}
