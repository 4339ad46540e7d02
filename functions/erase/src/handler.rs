//! Erases people from one warehouse, or only looks at it.
//!
//! 1. A step continues find, forget or verify. The deletion is shared with other regulations that wait at the warehouse
//!    ([`group_commit`](crate::group_commit)).
//! 2. A warehouse may be asked first for other identifiers of the people ([`resolve`](crate::resolve)).
//! 3. A probe lists the tables and columns that would be matched, or counts rows; it changes nothing.

use std::time::Instant;

use app::resolving::Resolve;
use app::task_step::{self, Request};
use app::worker::{self, Event};
use aws::secrets::SecretStore;
use destinations::narrow;
use destinations::warehouse::Table;
use jiff::SignedDuration;
use lambda::clock;
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::id_shape::{Known, Shape, advice as advice_on};
use model::missing::{Missing, NO_IDENTIFIER};
use model::probe::{Finding, Probe};
use model::status::TaskStatus;
use model::subject::Subject;
use model::task::Task;
use serde::Deserialize;
use serde_json::json;
use store::Store;
use warehouses::erasure::{Erasure, ErasureProgress, Next};
use warehouses::survey::{self, Survey};
use warehouses::{Engine, Ids, Surroundings, kinds, with_engine};

use crate::group_commit::{Group, Turn};
use crate::resolve::{resolvable, resolve};

/// What an invocation uses, made once at cold start.
pub struct Context {
    /// The tables.
    pub store: Store,
    /// The warehouses' secrets.
    pub secrets: SecretStore,
    /// What a connection needs beside.
    pub surroundings: Surroundings,
    /// For how long transient failures are retried.
    pub retry_window: SignedDuration,
}

/// What the state machine asks for.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Work {
    /// Other identifiers of the people, before anything is erased.
    Resolve(Resolve),
    /// The next step of a task.
    Erase(Request),
}

/// Takes a step, or answers a probe.
///
/// # Errors
/// `Transient` or `Permanent`, if the task cannot be read or stored.
pub async fn handle(
    context: &Context,
    event: Event<Work>,
    until: Instant,
) -> Result<worker::Reply<task_step::Next>> {
    let step = async |work, until| match work {
        Work::Resolve(Resolve { request, .. }) => resolve(context, request).await,
        Work::Erase(request) => erase(context, request, until).await,
    };
    worker::handle(event, until, step, async |probe, until| look(context, probe, until).await).await
}

async fn look(context: &Context, probe: Probe, until: Instant) -> Result<Finding> {
    if let Probe::Resolvable { destination_id, people } = &probe {
        return resolvable(context, destination_id, people).await;
    }
    let survey = survey(context, probe, until).await?;
    Ok(Finding { ok: survey.is_whole(), message: survey.message(), details: json!(survey) })
}

async fn survey(context: &Context, probe: Probe, until: Instant) -> Result<Survey> {
    let (destination, secrets) = match &probe {
        Probe::Draft { destination, secrets } => (destination.clone(), secrets.clone()),
        stored => {
            let destination = context.store.destination(stored.destination_id()).await?;
            let secrets = context.secrets.fresh(&destination).await?;
            (destination, secrets)
        }
    };
    match probe {
        Probe::Check { .. } | Probe::Draft { .. } => {
            let nobody = [Subject::user("nobody")];
            with_engine!(&context.surroundings, &destination, &secrets, |engine| {
                survey::check(engine, &nobody).await
            })
        }
        Probe::Count { subjects, part, .. } => {
            let destination =
                part.map_or(Ok(destination.clone()), |part| narrow::to_source(&destination, &part))?;
            with_engine!(&context.surroundings, &destination, &secrets, |engine| {
                // A new seed, so that every count runs anew.
                survey::count(engine, &subjects, &clock::now().to_string(), until).await
            })
        }
        Probe::Resolvable { .. } => Err(Failure::invalid("a look-up is no survey")),
    }
}

async fn erase(context: &Context, request: Request, until: Instant) -> Result<task_step::Next> {
    let group = Group { store: &context.store, request: &request };
    let next = task_step::step(&context.store, &request, context.retry_window, async |task, destination| {
        let people = context.store.individuals(&request.regulation_id).await?;
        let subjects = task_step::kept(context.store.everyone(&request.regulation_id).await?)?;
        let narrowed = task.part.as_ref().map(|part| narrow::to_source(destination, part)).transpose()?;
        let destination = narrowed.as_ref().unwrap_or(destination);
        let mut progress = ErasureProgress::of(task.progress.clone(), request.attempt);
        if let Some(seconds) = group.follows(task, &mut progress).await? {
            keep(task, &progress);
            task.progressed(TaskStatus::Running);
            return Ok(Some(seconds));
        }
        let secrets = context.secrets.fresh(destination).await?;
        with_engine!(&context.surroundings, destination, &secrets, |engine| {
            delete_rows(group, task, progress, engine, (&subjects, &people), until).await
        })
    })
    .await?;
    if next.done {
        context.store.leave(&request.destination_id, &request.regulation_id).await?;
    }
    Ok(next)
}

fn keep(task: &mut Task, progress: &ErasureProgress) {
    task.progress = serde_json::to_value(progress).unwrap_or_default();
}

/// Continues find, forget or verify. The evidence of a phase is stored before the next begins, so that it survives a
/// crash.
async fn delete_rows<E: Engine>(
    group: Group<'_>,
    task: &mut Task,
    mut progress: ErasureProgress,
    engine: &mut E,
    (subjects, people): (&[Subject], &[Vec<Subject>]),
    until: Instant,
) -> Result<Option<u32>> {
    let Group { store, request } = group;
    let id = &request.regulation_id;
    let tables = engine.discover().await?;
    let kinds = kinds(&tables);
    let missing = Missing::of(people, &kinds);
    // A new look is not progress: a table that stays locked counts as one failure all the while.
    task.status = TaskStatus::Running;
    let seed = format!("{id}/{}/{}", task.destination_id, request.attempt);
    let ids = Ids::new(subjects, &tables);
    loop {
        match group.turn(task, &mut progress, subjects).await? {
            Turn::Alone => {}
            Turn::Follows(seconds) => {
                keep(task, &progress);
                return Ok(Some(seconds));
            }
            Turn::Leads => {
                let led = group.lead(&mut progress, engine, &tables, until).await;
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
        let next = erasure.next(&mut progress, until, clock::now()).await;
        // The progress past a phase is kept with its evidence: if that cannot be stored, the phase runs once more.
        if !matches!(next, Ok(Next::Tell(_))) {
            keep(task, &progress);
        }
        match next? {
            Next::Later(seconds) => {
                task.progressed(TaskStatus::Running);
                return Ok(Some(seconds));
            }
            Next::Tell(report) => {
                // Rows that come back after each deletion count as one failure all the while, too.
                if report.step == Step::Find {
                    task.progressed(TaskStatus::Running);
                }
                let mut evidence =
                    Evidence::of(task, request.attempt, report.step, clock::now(), report.counts);
                (evidence.looked_at, evidence.residuals) = (report.looked_at, report.residuals);
                if let Some(missing) = missing.as_ref().filter(|_| report.step == Step::Verify) {
                    evidence.residuals.insert(NO_IDENTIFIER.to_owned(), missing.people as u64);
                }
                store.keep_evidence(id, &evidence).await?;
                keep(task, &progress);
            }
            Next::Done => {
                let status = match store.ever_found(id, &task.destination_id).await? {
                    true => TaskStatus::Confirmed,
                    false => TaskStatus::NoDataFound,
                };
                let (status, message) = match &missing {
                    Some(missing) => (TaskStatus::NoIdentifier, Some(missing.to_string())),
                    None => (status, advice(status, &tables, subjects)),
                };
                task.end(status, message, clock::now());
                task.progress.take();
                return Ok(None);
            }
        }
    }
}

/// Advice on why nothing was found, if the columns' types tell.
fn advice(status: TaskStatus, tables: &[Table], subjects: &[Subject]) -> Option<String> {
    let kind = subjects[0].kind;
    let looks = tables.iter().flat_map(|table| &table.columns).filter(|column| column.holds == kind);
    // Another shape is wrong only if all columns tell the shape of their ids.
    let known: Option<Known> = looks.map(|column| Shape::of_column(&column.data_type)).collect();
    let sent = subjects.iter().filter(|subject| subject.kind == kind).map(|subject| subject.id.as_str());
    known.filter(|_| status == TaskStatus::NoDataFound).and_then(|known| advice_on(&known, sent))
}
