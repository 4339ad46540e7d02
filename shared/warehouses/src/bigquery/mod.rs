//! BigQuery, through Google's own client of its REST API.
//!
//! Every statement is a job whose id is the statement's key: when it is begun again after a crash, BigQuery says that
//! it has the job already, and its result is used. Identifiers are sent as one `ARRAY` parameter of each kind.
//!
//! - Rows that were streamed in by `insertAll` lately cannot be deleted (at most 90 minutes:
//!   <https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations>). The refusal becomes a second
//!   pass after that time.
//! - A count reads the identifier columns alone and a deletion all columns of the partitions that it looks at: only
//!   tables that hold rows are deleted from.

mod credentials;
mod failure;
mod sql;

use std::time::{Duration, Instant};

use google_cloud_bigquery_v2::client::{DatasetService, JobService};
use google_cloud_bigquery_v2::model::{
    ErrorProto, Job, JobConfiguration, JobConfigurationQuery, JobReference,
};
use google_cloud_gax::error::Error;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::poll::poll;
use super::{Answer, Engine, Memory, Rows, Statement, StatementState, Verb, counts};
use destinations::warehouse::BigQuery as Settings;
use destinations::warehouse::{Candidate, Table};
use failure::{failure, refusal};
use model::failure::{Failure, Result};
use model::subject::hex;
use sql::{array, quote, sql};

/// How long deleted rows can be restored: by time travel (seven days, unless a dataset has fewer), then by Google's
/// support (seven days): <https://cloud.google.com/bigquery/docs/time-travel>.
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
    /// Makes the clients; nothing is sent yet. `credentials` is a JSON key of a service account, or the configuration
    /// of a workload identity federation, which lets the function's own role act as one. `any_endpoint` permits
    /// credentials of test stacks.
    ///
    /// # Errors
    /// `Permanent`, if the credentials lead anywhere but to Google.
    pub async fn connect(settings: &Settings, credentials: &str, any_endpoint: bool) -> Result<Self> {
        let credentials = credentials::read(credentials, any_endpoint)?;
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

    /// All rows of a result, every value as text.
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

    async fn run(
        &mut self,
        statement: &Statement<'_>,
        memory: &mut Memory,
        until: Instant,
    ) -> Result<StatementState> {
        let id = match &memory.handle {
            Some(id) => id.clone(),
            None => {
                let id = format!("lethe_{}", hex(&statement.key(memory)));
                match self.insert(Some(&id), sql(&self.settings, statement), false).await {
                    Ok(_) => {}
                    // It was begun before a crash.
                    Err(error) if error.http_status_code() == Some(409) => {}
                    Err(error) if error.http_status_code() == Some(400) => {
                        memory.end();
                        return Ok(StatementState::Refused(failure(&error)));
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
            return Ok(StatementState::Later { seconds: memory.wait(), rows: 0 });
        };
        if let State::Failed(error) = state(&job) {
            memory.end();
            return Ok(StatementState::Refused(refusal(error)));
        }
        let statistics = job.statistics.unwrap_or_default().query.unwrap_or_default();
        let bytes = statistics.total_bytes_billed.unwrap_or_default().unsigned_abs();
        let rows = match statement.verb {
            Verb::Delete => vec![statistics.num_dml_affected_rows.unwrap_or_default().unsigned_abs()],
            Verb::Count => counts(&self.rows(&id).await?, statement.tables.len()),
        };
        memory.end();
        Ok(StatementState::Done(Answer { rows, bytes }))
    }

    async fn estimate(&mut self, statement: &Statement<'_>) -> Result<Option<u64>> {
        let job = self.insert(None, sql(&self.settings, statement), true).await.map_err(|e| failure(&e))?;
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
