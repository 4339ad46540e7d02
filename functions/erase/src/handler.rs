use std::time::Instant;

use app::task_step::{self, Request};
use aws::secrets::SecretStore;
use aws_config::SdkConfig;
use destinations::narrow;
use destinations::warehouse::Table;
use jiff::{SignedDuration, Timestamp};
use model::destination::{Destination, Secrets};
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::id_shape::{Known, Shape, advice as advice_on};
use model::probe::{Finding, Probe, TIME_TO_ANSWER};
use model::status::TaskStatus;
use model::subject::Subject;
use model::task::Task;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Store;
use warehouses::bigquery::BigQuery;
use warehouses::erasure::{Erasure, ErasureProgress, Next};
use warehouses::postgres::Postgres;
use warehouses::redshift::Redshift;
use warehouses::snowflake::Snowflake;
use warehouses::survey::{self, Survey};
use warehouses::{Engine, Ids};

use crate::group_commit::{Company, Turn};

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
    Probe(Probe),
    Step(Request),
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    Finding(Finding),
    Next(task_step::Next),
}

pub async fn handle(context: &Context, event: Event, until: Instant) -> Result<Reply> {
    match event {
        Event::Step(request) => erase(context, request, until).await.map(Reply::Next),
        Event::Probe(probe) => {
            let looked = look(context, probe, until.min(Instant::now() + TIME_TO_ANSWER)).await;
            Ok(Reply::Finding(finding(looked)))
        }
    }
}

/// That something stands in the way is an answer, not an error.
fn finding(looked: Result<Survey>) -> Finding {
    match looked {
        Ok(survey) => Finding { ok: survey.is_whole(), message: survey.message(), details: json!(survey) },
        Err(failure) => {
            tracing::warn!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
            Finding { ok: false, message: failure.public, details: json!({}) }
        }
    }
}

/// Does something with the engine of a destination.
macro_rules! with_engine {
    ($context:expr, $destination:expr, |$engine:ident| $do:expr) => {{
        let (destination, secrets): (&Destination, Secrets) =
            ($destination, $context.secrets.fresh($destination).await?);
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

async fn look(context: &Context, probe: Probe, until: Instant) -> Result<Survey> {
    match probe {
        Probe::Check { destination_id } => {
            let destination = context.store.destination(&destination_id).await?;
            let nobody = [Subject::user("nobody")];
            with_engine!(context, &destination, |engine| survey::check(engine, &Ids::new(&nobody)).await)
        }
        Probe::Count { destination_id, subjects, part } => {
            let destination = context.store.destination(&destination_id).await?;
            let destination =
                part.map_or(Ok(destination.clone()), |part| narrow::to_source(&destination, &part))?;
            let ids = Ids::new(&subjects);
            with_engine!(context, &destination, |engine| {
                // Every count is a new one.
                survey::count(engine, &ids, &Timestamp::now().to_string(), until).await
            })
        }
    }
}

async fn erase(context: &Context, request: Request, until: Instant) -> Result<task_step::Next> {
    let company = Company { store: &context.store, request: &request };
    let next = task_step::step(
        &context.store,
        &request,
        context.retry_window,
        async |task, destination, subjects| {
            let narrowed = task.part.as_ref().map(|part| narrow::to_source(destination, part)).transpose()?;
            let destination = narrowed.as_ref().unwrap_or(destination);
            let mut progress = ErasureProgress::of(task.progress.clone(), request.attempt);
            if let Some(seconds) = company.waits(task, &mut progress).await? {
                keep(task, &progress);
                task.progressed(TaskStatus::Running);
                return Ok(Some(seconds));
            }
            with_engine!(context, destination, |engine| {
                delete_rows(company, task, progress, engine, subjects, until).await
            })
        },
    )
    .await?;
    if next.done {
        company.leave().await?;
    }
    Ok(next)
}

fn keep(task: &mut Task, progress: &ErasureProgress) {
    task.progress = serde_json::to_value(progress).unwrap_or_default();
}

/// Goes on with find, forget or verify. What a phase did is kept before the next begins, so that it outlives a
/// crash.
async fn delete_rows<E: Engine>(
    company: Company<'_>,
    task: &mut Task,
    mut progress: ErasureProgress,
    engine: &mut E,
    subjects: &[Subject],
    until: Instant,
) -> Result<Option<u32>> {
    let Company { store, request } = company;
    let id = &request.regulation_id;
    let tables = engine.discover().await?;
    // To look is not to get on: a table that stays locked is trouble all the while.
    task.status = TaskStatus::Running;
    let seed = format!("{id}/{}/{}", task.destination_id, request.attempt);
    let ids = Ids::new(subjects);
    loop {
        match company.turn(task, &mut progress, subjects).await? {
            Turn::Alone => {}
            Turn::Waits(seconds) => {
                keep(task, &progress);
                return Ok(Some(seconds));
            }
            Turn::Leads => {
                let led = company.lead(&mut progress, engine, &tables, until).await;
                keep(task, &progress);
                let led = led?;
                task.progressed(TaskStatus::Running);
                match led {
                    Some(seconds) => return Ok(Some(seconds)),
                    None => continue,
                }
            }
        }
        let mut erasure = Erasure { engine, tables: &tables, ids: &ids, seed: &seed };
        let next = erasure.next(&mut progress, until, Timestamp::now()).await;
        keep(task, &progress);
        match next? {
            Next::Later(seconds) => {
                task.progressed(TaskStatus::Running);
                return Ok(Some(seconds));
            }
            Next::Tell(report) => {
                // Rows that come back each time that they were deleted are trouble all the while, too.
                if report.step == Step::Find {
                    task.progressed(TaskStatus::Running);
                }
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
                task.end(status, advice(status, &tables, subjects), Timestamp::now());
                task.progress.take();
                return Ok(None);
            }
        }
    }
}

/// Why nothing was found, if the columns' types tell.
fn advice(status: TaskStatus, tables: &[Table], subjects: &[Subject]) -> Option<String> {
    let kind = subjects[0].kind;
    let looks = tables.iter().flat_map(|table| &table.columns).filter(|column| column.holds == kind);
    // Only if all columns tell what their ids look like is another look strange.
    let known: Option<Known> = looks.map(|column| Some((Shape::of_column(&column.data_type)?, 1))).collect();
    let sent = subjects.iter().filter(|subject| subject.kind == kind).map(|subject| subject.id.as_str());
    known.filter(|_| status == TaskStatus::NoDataFound).and_then(|known| advice_on(&known, sent))
}
