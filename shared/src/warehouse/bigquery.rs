//! BigQuery, through Google's own client of its REST API.
//!
//! Every statement is a job whose id is the statement's key: begun again after a crash, BigQuery says that it has
//! the job already, and its result is taken. Identifiers go as one `ARRAY` parameter of each kind.
//!
//! - Rows that were streamed in by `insertAll` lately cannot be deleted (at most 90 minutes:
//!   <https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations>). The refusal becomes a second
//!   pass after that time.
//! - A count reads the identifier columns alone and a deletion all columns of the partitions that it looks at: only
//!   tables that hold rows are deleted from.

use std::time::{Duration, Instant};

use google_cloud_auth::credentials::{Credentials, anonymous, external_account, service_account};
use google_cloud_bigquery_v2::client::{DatasetService, JobService};
use google_cloud_bigquery_v2::model::{
    ErrorProto, Job, JobConfiguration, JobConfigurationQuery, JobReference, QueryParameter,
    QueryParameterType, QueryParameterValue,
};
use google_cloud_gax::error::Error;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::poll::poll;
use super::settings::BigQuery as Settings;
use super::{Answer, Candidate, Column, Engine, Ids, Memory, Rows, Statement, Table, Turn, Verb};
use crate::failure::{Failure, Result};
use crate::subject::{SubjectType, hex};

const SCOPE: &str = "https://www.googleapis.com/auth/bigquery";

/// How long streamed rows may take to leave the streaming buffer.
const STREAMING_BUFFER: u32 = 90 * 60;
/// How long a quota that is used up is waited for.
const QUOTA: u32 = 60 * 60;
/// For how long deleted rows can be brought back: by time travel (seven days, unless a dataset has fewer), then by
/// Google's support (seven days): <https://cloud.google.com/bigquery/docs/time-travel>.
const RECOVERABLE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a lookup in the information schema may take.
const LOOKUP: Duration = Duration::from_secs(60);

/// A connection to one project.
pub struct BigQuery {
    jobs: JobService,
    datasets: DatasetService,
    settings: Settings,
}

impl BigQuery {
    /// Makes the clients; nothing is sent yet. `credentials` is a JSON key of a service account, or the
    /// configuration of a workload identity federation, which lets the function's own role act as one.
    ///
    /// # Errors
    /// `Permanent`, if the credentials make no sense.
    pub async fn connect(settings: &Settings, credentials: &str) -> Result<Self> {
        let credentials = read(credentials, settings.endpoint.is_some())?;
        let (mut jobs, mut datasets) = (JobService::builder(), DatasetService::builder());
        if let Some(endpoint) = &settings.endpoint {
            (jobs, datasets) = (jobs.with_endpoint(endpoint), datasets.with_endpoint(endpoint));
        }
        let unusable = |e| Failure::permanent("BigQuery's client cannot be set up").detail(e);
        let jobs = jobs.with_credentials(credentials.clone()).build().await.map_err(unusable)?;
        let datasets = datasets.with_credentials(credentials).build().await.map_err(unusable)?;
        Ok(Self { jobs, datasets, settings: settings.clone() })
    }

    async fn insert(
        &self,
        id: Option<&str>,
        query: JobConfigurationQuery,
        dry_run: bool,
    ) -> Result<Job, Error> {
        let query = query.set_use_legacy_sql(false).set_use_query_cache(false).set_parameter_mode("NAMED");
        let configuration = JobConfiguration::new()
            .set_query(query)
            .set_dry_run(dry_run)
            .set_labels([("application", "lethe")]);
        let mut reference = JobReference::new()
            .set_project_id(&self.settings.project)
            .set_location(self.settings.location.as_str());
        if let Some(id) = id {
            reference = reference.set_job_id(id);
        }
        let job = Job::new().set_configuration(configuration).set_job_reference(reference);
        self.jobs.insert_job().set_project_id(&self.settings.project).set_job(job).send().await
    }

    async fn job(&self, id: &str) -> Result<Job> {
        let get = self.jobs.get_job().set_project_id(&self.settings.project).set_job_id(id);
        get.set_location(&self.settings.location).send().await.map_err(|e| failure(&e))
    }

    /// The first column but one of a result, and so on: every value as text.
    async fn rows(&self, id: &str) -> Result<Vec<Vec<String>>> {
        let (mut rows, mut page) = (Vec::new(), String::new());
        loop {
            let get = self.jobs.get_query_results().set_project_id(&self.settings.project).set_job_id(id);
            let get = get.set_location(&self.settings.location).set_page_token(&page);
            let reply = get.send().await.map_err(|e| failure(&e))?;
            rows.extend(reply.rows.into_iter().map(cells));
            page = reply.page_token;
            if page.is_empty() {
                return Ok(rows);
            }
        }
    }

    /// Runs a query of the information schema to its end.
    async fn look_up(&self, query: JobConfigurationQuery) -> Result<Vec<Vec<String>>> {
        let job = self.insert(None, query, false).await.map_err(|e| failure(&e))?;
        let id = job.job_reference.map(|reference| reference.job_id).unwrap_or_default();
        let until = Instant::now() + LOOKUP;
        let done = poll(until, async || {
            let job = self.job(&id).await?;
            match state(&job) {
                State::Running => Ok(None),
                State::Done => Ok(Some(())),
                State::Failed(error) => Err(refusal(error)),
            }
        });
        done.await?.ok_or_else(|| Failure::transient("BigQuery's information schema takes long"))?;
        self.rows(&id).await
    }

    fn sql(&self, statement: &Statement<'_>) -> JobConfigurationQuery {
        let name = |table: &Table| {
            let parts = [&self.settings.project, &table.schema, &table.name];
            parts.map(|part| quote(part)).join(".")
        };
        let condition = |table: &Table| self.condition(table, statement.ids);
        let sql = match statement.verb {
            Verb::Count => {
                let tables = statement.tables.iter().enumerate();
                let count = |(n, table)| {
                    format!("SELECT {n} AS t, COUNT(*) AS n FROM {} WHERE {}", name(table), condition(table))
                };
                tables.map(count).collect::<Vec<_>>().join(" UNION ALL ")
            }
            Verb::Delete => {
                let table = &statement.tables[0];
                format!("DELETE FROM {} WHERE {}", name(table), condition(table))
            }
        };
        let kinds = SubjectType::ALL.into_iter();
        let parameters = kinds.filter(|kind| !statement.ids.of(*kind).is_empty());
        let parameters = parameters.map(|kind| array(parameter(kind), statement.ids.of(kind)));
        JobConfigurationQuery::new().set_query(sql).set_query_parameters(parameters)
    }

    fn condition(&self, table: &Table, ids: &Ids<'_>) -> String {
        let compare = |column: &Column| {
            let name = quote(&column.name);
            let value = match column.data_type.as_str() {
                "STRING" => name,
                _ => format!("SAFE_CAST({name} AS STRING)"),
            };
            format!("{value} IN UNNEST(@{})", parameter(column.holds))
        };
        let any: Vec<_> = table.wanted(ids).map(|(column, _)| compare(column)).collect();
        let any = if any.is_empty() { "FALSE".to_owned() } else { any.join(" OR ") };
        let place = table.place();
        match self.settings.partitions.iter().find(|partition| partition.table.matches(&place)) {
            // A literal, so that BigQuery sees before it begins which partitions it need not read.
            Some(partition) => {
                format!("({any}) AND {}", since(&quote(&partition.column), partition.since))
            }
            None => any,
        }
    }
}

/// The partitions from a day on, and the rows that belong to none.
fn since(column: &str, day: Date) -> String {
    format!("({column} >= '{day}' OR {column} IS NULL)")
}

impl Engine for BigQuery {
    const TABLES_PER_COUNT: usize = 50;

    async fn discover(&mut self) -> Result<Vec<Table>> {
        let (mut all, mut page) = (Vec::new(), String::new());
        loop {
            let list =
                self.datasets.list_datasets().set_project_id(&self.settings.project).set_page_token(&page);
            let reply = list.send().await.map_err(|e| failure(&e))?;
            let ids = reply.datasets.into_iter().filter_map(|dataset| dataset.dataset_reference);
            all.extend(ids.map(|reference| reference.dataset_id));
            page = reply.next_page_token;
            if page.is_empty() {
                break;
            }
        }
        let project = quote(&self.settings.project);
        let names = self.settings.scope.names();
        let of_names = if names.is_some() { "AND LOWER(c.column_name) IN UNNEST(@names)" } else { "" };
        let columns = |dataset: &String| {
            let schema = format!("{project}.{}.INFORMATION_SCHEMA", quote(dataset));
            format!(
                "SELECT c.table_schema, c.table_name, c.column_name, c.data_type FROM {schema}.COLUMNS c \
                 JOIN {schema}.TABLES t ON t.table_name = c.table_name \
                 WHERE t.table_type = 'BASE TABLE' {of_names}"
            )
        };
        let sql: Vec<_> = self.settings.scope.schemas(&all)?.iter().map(columns).collect();
        let mut query = JobConfigurationQuery::new().set_query(sql.join(" UNION ALL "));
        if let Some(names) = &names {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            query = query.set_query_parameters([array("names", &names)]);
        }
        let candidate = |row: Vec<String>| {
            let [schema, table, name, data_type] = row.try_into().ok()?;
            Some(Candidate { schema, table, name, data_type })
        };
        let candidates = self.look_up(query).await?.into_iter().filter_map(candidate).collect();
        self.settings.scope.tables(candidates)
    }

    async fn run(&mut self, statement: &Statement<'_>, memory: &mut Memory, until: Instant) -> Result<Turn> {
        let id = match &memory.handle {
            Some(id) => id.clone(),
            None => {
                let id = format!("lethe_{}", hex(&statement.key(memory)));
                match self.insert(Some(&id), self.sql(statement), false).await {
                    Ok(_) => {}
                    // It was begun before a crash.
                    Err(error) if error.http_status_code() == Some(409) => {}
                    Err(error) if error.http_status_code() == Some(400) => {
                        memory.end();
                        return Ok(Turn::Refused(failure(&error)));
                    }
                    Err(error) => return Err(failure(&error)),
                }
                memory.handle.insert(id).clone()
            }
        };
        let done = poll(until, async || {
            let job = self.job(&id).await?;
            Ok((!matches!(state(&job), State::Running)).then_some(job))
        });
        let Some(job) = done.await? else {
            return Ok(Turn::Later { seconds: memory.wait(), rows: 0 });
        };
        if let State::Failed(error) = state(&job) {
            memory.end();
            return Ok(Turn::Refused(refusal(error)));
        }
        let statistics = job.statistics.unwrap_or_default().query.unwrap_or_default();
        let bytes = statistics.total_bytes_billed.unwrap_or_default().unsigned_abs();
        let rows = match statement.verb {
            Verb::Delete => vec![statistics.num_dml_affected_rows.unwrap_or_default().unsigned_abs()],
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
        };
        memory.end();
        Ok(Turn::Done(Answer { rows, bytes }))
    }

    async fn estimate(&mut self, statement: &Statement<'_>) -> Result<Option<u64>> {
        let job = self.insert(None, self.sql(statement), true).await.map_err(|e| failure(&e))?;
        if let State::Failed(error) = state(&job) {
            return Err(refusal(error));
        }
        let statistics = job.statistics.unwrap_or_default();
        let bytes = statistics.total_bytes_processed;
        let bytes = bytes.or_else(|| statistics.query.and_then(|query| query.total_bytes_processed));
        Ok(Some(bytes.unwrap_or_default().unsigned_abs()))
    }

    fn residuals(&self, removed: &Rows, now: Timestamp) -> Rows {
        let rows: u64 = removed.values().sum();
        let mut residuals = Rows::new();
        if rows > 0 {
            let until = (now + RECOVERABLE).strftime("%F");
            residuals
                .insert(format!("rows that Google keeps until {until} (time travel and fail-safe)"), rows);
        }
        for partition in &self.settings.partitions {
            let left_out = format!(
                "partitions of {} before {} are left out by the settings",
                partition.table.as_str(),
                partition.since
            );
            residuals.insert(left_out, 1);
        }
        residuals
    }
}

/// The credentials in a JSON document of Google's.
fn read(json: &str, test_stack: bool) -> Result<Credentials> {
    let refused = || {
        Failure::permanent(
            "secrets.credentials is no JSON key of a service account and no configuration of a workload identity federation: set it again",
        )
    };
    let json: Value = serde_json::from_str(json).map_err(|_| refused())?;
    match json["type"].as_str() {
        Some("service_account") => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build()
            .map_err(|_| refused()),
        Some("external_account") => {
            external_account::Builder::new(json).with_scopes([SCOPE]).build().map_err(|_| refused())
        }
        Some("anonymous") if test_stack => Ok(anonymous::Builder::new().build()),
        _ => Err(refused()),
    }
}

/// A name in backticks.
fn quote(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

fn parameter(kind: SubjectType) -> &'static str {
    match kind {
        SubjectType::UserId => "users",
        SubjectType::AnonymousId => "anonymous",
        SubjectType::ObjectId => "objects",
    }
}

fn array(name: &str, values: &[&str]) -> QueryParameter {
    let text = QueryParameterType::new().set_type("STRING");
    let values = values.iter().map(|value| QueryParameterValue::new().set_value(*value));
    QueryParameter::new()
        .set_name(name)
        .set_parameter_type(QueryParameterType::new().set_type("ARRAY").set_array_type(text))
        .set_parameter_value(QueryParameterValue::new().set_array_values(values))
}

/// A row is `{"f": [{"v": …}, …]}`.
fn cells(mut row: serde_json::Map<String, Value>) -> Vec<String> {
    let cells = row.get_mut("f").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    cells.into_iter().map(|mut cell| cell["v"].take().as_str().unwrap_or_default().to_owned()).collect()
}

enum State<'a> {
    Running,
    Done,
    Failed(&'a ErrorProto),
}

fn state(job: &Job) -> State<'_> {
    let Some(status) = &job.status else { return State::Running };
    match &status.error_result {
        Some(error) => State::Failed(error),
        None if status.state == "DONE" => State::Done,
        None => State::Running,
    }
}

/// Why a job failed, by its reason (<https://cloud.google.com/bigquery/docs/error-messages>). A message may quote
/// values; it is read but not shown.
fn refusal(error: &ErrorProto) -> Failure {
    let (reason, message) = (error.reason.as_str(), error.message.as_str());
    if message.contains("streaming buffer") {
        return Failure::transient("rows came in by streaming and cannot be deleted for 90 minutes")
            .wait(Some(STREAMING_BUFFER));
    }
    if message.contains("concurrent update") || message.contains("Too many DML") {
        return Failure::transient(format!("other statements change the table ({reason})"));
    }
    match reason {
        "backendError"
        | "internalError"
        | "jobBackendError"
        | "jobInternalError"
        | "stopped"
        | "timeout"
        | "rateLimitExceeded"
        | "jobRateLimitExceeded"
        | "tableUnavailable" => Failure::transient(format!("BigQuery is not ready ({reason})")),
        "quotaExceeded" => {
            Failure::transient(format!("a quota of BigQuery is used up ({reason})")).wait(Some(QUOTA))
        }
        "notFound" => Failure::transient(format!("the table or dataset was just changed ({reason})")),
        "accessDenied" => Failure::permanent(format!(
            "BigQuery refused the statement ({reason}): grant the account bigquery.jobs.create on the project and \
             the role BigQuery Data Editor on the dataset, then retry"
        )),
        _ if message.contains("partition") => Failure::permanent(format!(
            "BigQuery refused the statement ({reason}): the table wants a filter on its partitions; name it in \
             settings.partitions and retry"
        )),
        _ => Failure::permanent(format!("BigQuery refused the statement ({reason})")),
    }
}

/// Why a call failed, by its status.
fn failure(error: &Error) -> Failure {
    if error.is_authentication() && !error.is_transient_and_before_rpc() {
        return Failure::permanent(
            "Google refused the credentials: the key is wrong or revoked, or the federation does not know the function's role; set them again and retry",
        );
    }
    match error.http_status_code() {
        Some(401) => Failure::permanent("Google refused the credentials (401): set them again and retry"),
        Some(403) if rate_limited(error) => Failure::transient("BigQuery's rate limit is reached (403)"),
        Some(403) => Failure::permanent(
            "BigQuery refused the call (403): grant the account bigquery.jobs.create on the project and the role \
             BigQuery Data Editor on the datasets, then retry",
        ),
        Some(404) => Failure::permanent(
            "BigQuery has no such project, dataset or job there (404): correct project, location or datasets and retry",
        ),
        Some(code @ 400..=499) if code != 408 && code != 429 => {
            Failure::permanent(format!("BigQuery refused the call ({code})"))
        }
        Some(code) => Failure::transient(format!("BigQuery answered {code}")),
        None => Failure::transient("BigQuery cannot be reached"),
    }
}

fn rate_limited(error: &Error) -> bool {
    let said = error.status().map(|status| status.message.to_lowercase()).unwrap_or_default();
    said.contains("rate limit") || said.contains("quota")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        assert_eq!(quote("sel ect"), "`sel ect`");
        assert_eq!(quote(r"a`b\"), r"`a\`b\\`");
    }

    #[test]
    fn a_refusal_says_when_to_come_back_and_never_the_message() {
        let error = |reason: &str, message: &str| ErrorProto::new().set_reason(reason).set_message(message);
        let streamed = refusal(&error(
            "invalidQuery",
            "UPDATE or DELETE statement over table p.d.t would affect rows in the streaming buffer, which is not supported",
        ));
        assert!(streamed.is_transient());
        assert_eq!(streamed.wait, Some(5_400));
        assert!(refusal(&error("rateLimitExceeded", "")).is_transient());
        let denied = refusal(&error("accessDenied", "Access Denied: u7@example.com"));
        assert!(!denied.is_transient() && !denied.public.contains("u7"), "{denied}");
    }
}
