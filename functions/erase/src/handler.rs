use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::destination::{Destination, Secrets};
use shared::evidence::Evidence;
use shared::failure::{Failure, Result};
use shared::id::DestinationId;
use shared::secrets::SecretStore;
use shared::status::TaskStatus;
use shared::store::Store;
use shared::subject::Subject;
use shared::task::Task;
use shared::warehouse::bigquery::BigQuery;
use shared::warehouse::erasure::{Erasure, Next, Progress};
use shared::warehouse::postgres::Postgres;
use shared::warehouse::redshift::Redshift;
use shared::warehouse::snowflake::Snowflake;
use shared::warehouse::{Engine, Ids, survey};
use shared::work::{self, Request};

/// How long somebody who waits for an answer is let wait.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Context {
    pub store: Store,
    pub secrets: SecretStore,
    pub aws: SdkConfig,
    pub retry_window: SignedDuration,
}

/// What this function is asked: by the state machine to go on with a task, by the API to look at a warehouse.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Event {
    Look(Look),
    Work(Request),
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Look {
    /// Whether it can be reached, and what would be matched.
    Check { destination_id: DestinationId },
    /// How many rows these subjects have.
    Count { destination_id: DestinationId, subjects: Vec<Subject> },
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    Next(work::Next),
    Look { ok: bool, message: String, details: Value },
}

pub async fn erase(context: &Context, event: Event, until: Instant) -> Result<Reply> {
    match event {
        Event::Work(request) => work(context, request, until).await.map(Reply::Next),
        Event::Look(look) => {
            let until = until.min(Instant::now() + PATIENCE);
            let (ok, message, details) = match look_at(context, look, until).await {
                Ok(survey) => (true, format!("{} tables", survey.tables.len()), json!(survey)),
                Err(failure) => {
                    tracing::warn!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
                    (false, failure.public, json!({}))
                }
            };
            Ok(Reply::Look { ok, message, details })
        }
    }
}

/// Does something with the engine of a destination.
macro_rules! with_engine {
    ($context:expr, $destination:expr, |$engine:ident| $do:expr) => {{
        let (destination, secrets): (&Destination, Secrets) =
            ($destination, $context.secrets.of($destination).await?);
        match destination.vendor.as_str() {
            "postgres" => {
                let $engine =
                    &mut Postgres::connect(&destination.settings()?, secrets.get("password")?).await?;
                $do
            }
            "redshift" => {
                let $engine = &mut Redshift::connect(&destination.settings()?, &$context.aws);
                $do
            }
            "bigquery" => {
                let $engine =
                    &mut BigQuery::connect(&destination.settings()?, secrets.get("credentials")?).await?;
                $do
            }
            "snowflake" => {
                let $engine = &mut Snowflake::connect(&destination.settings()?, secrets.get("privateKey")?)?;
                $do
            }
            vendor => Err(Failure::permanent(format!("{vendor} is no warehouse"))),
        }
    }};
}

async fn look_at(context: &Context, look: Look, until: Instant) -> Result<survey::Survey> {
    match look {
        Look::Check { destination_id } => {
            let destination = context.store.destination(&destination_id).await?;
            let nobody = [Subject::user("nobody")];
            with_engine!(context, &destination, |engine| survey::check(engine, &Ids::new(&nobody)).await)
        }
        Look::Count { destination_id, subjects } => {
            let destination = context.store.destination(&destination_id).await?;
            let ids = Ids::new(&subjects);
            with_engine!(context, &destination, |engine| {
                // Every count is a new one.
                survey::count(engine, &ids, &Timestamp::now().to_string(), until).await
            })
        }
    }
}

async fn work(context: &Context, request: Request, until: Instant) -> Result<work::Next> {
    work::step(&context.store, &request, context.retry_window, async |task, destination, subjects| {
        with_engine!(context, destination, |engine| {
            delete_rows(context, &request, task, engine, subjects, until).await
        })
    })
    .await
}

/// Goes on with find, forget or verify. What a phase did is kept before the next begins, so that it outlives a
/// crash.
async fn delete_rows<E: Engine>(
    context: &Context,
    request: &Request,
    task: &mut Task,
    engine: &mut E,
    subjects: &[Subject],
    until: Instant,
) -> Result<Option<u32>> {
    let (store, id) = (&context.store, &request.regulation_id);
    let tables = engine.discover().await?;
    task.progressed(TaskStatus::Running);
    let seed = format!("{id}/{}/{}", task.destination_id, request.attempt);
    let ids = Ids::new(subjects);
    let mut erasure = Erasure { engine, tables: &tables, ids: &ids, seed: &seed };
    let mut progress = Progress::of(task.progress.take(), request.attempt);
    loop {
        let next = erasure.next(&mut progress, until, Timestamp::now()).await;
        task.progress = serde_json::to_value(&progress).unwrap_or_default();
        match next? {
            Next::Later(seconds) => return Ok(Some(seconds)),
            Next::Tell(report) => {
                let mut evidence =
                    Evidence::of(task, request.attempt, report.step, Timestamp::now(), report.counts);
                (evidence.looked_at, evidence.residuals) = (report.looked_at, report.residuals);
                store.keep_evidence(id, &evidence).await?;
            }
            Next::Done => {
                let status = match store.ever_found(id, &task.destination_id).await? {
                    true => TaskStatus::Confirmed,
                    false => TaskStatus::NoDataFound,
                };
                task.end(status, None, Timestamp::now());
                task.progress.take();
                return Ok(None);
            }
        }
    }
}
