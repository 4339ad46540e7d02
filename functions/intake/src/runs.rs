//! `/purge-runs`: how the passes over the archives go, and what a person may say to them.

use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::archive::manifest::Phase;
use shared::archive::workspace::Key;
use shared::destination::Kind;
use shared::failure::Failure;
use shared::id::RunId;
use shared::store::Run;
use shared::task::Task;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Reply, data};
use crate::request::Body;

/// The body of `POST /purge-runs`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRun {
    /// Whether it only looks.
    #[serde(default)]
    dry_run: bool,
}

/// Starts a run for whoever waits, without waiting for the schedule. If a run is on, this one ends at once.
pub async fn create(State(context): Shared, Body(request): Body<NewRun>) -> Reply {
    if let Some(run) = context.store.locked_by().await? {
        return Err(Failure::invalid(format!("{run} is on: one run goes at a time")).into());
    }
    let run = Run::new(RunId::new(), request.dry_run, Timestamp::now());
    context.store.create_run(&run).await?;
    context.workflow.start_run(&run.id).await?;
    Ok(data(json!({ "purgeRun": run })))
}

/// All runs, the newest first.
pub async fn list(State(context): Shared) -> Reply {
    Ok(data(json!({ "purgeRuns": context.store.runs().await? })))
}

/// A run and how far each phase of it is.
pub async fn show(State(context): Shared, Path(id): Path<String>) -> Reply {
    let run = find(&context, &id).await?;
    let mut value = json!(run);
    for phase in [Phase::Find, Phase::Forget, Phase::Verify] {
        value["progress"][phase.as_str()] = json!(context.store.progress(&run.id, phase).await?);
    }
    Ok(data(json!({ "purgeRun": value })))
}

/// For a regulation's answer: the run that works on an archive's task, its phase, and how far that is.
pub async fn of_task(context: &Context, task: &Task) -> Result<Option<Value>, ApiError> {
    let id = task.progress["purgeRun"].as_str().and_then(|id| id.parse().ok());
    let Some(id) = id.filter(|_| task.kind == Kind::Archive && !task.status.is_final()) else {
        return Ok(None);
    };
    let Some(run) = context.store.run(&id).await? else { return Ok(None) };
    let progress = context.store.progress(&id, run.phase).await?;
    let (objects, bytes) = (run.objects, run.bytes);
    Ok(Some(json!({
        "id": id, "phase": run.phase, "objects": objects, "bytes": bytes, "progress": progress,
        "question": run.question,
    })))
}

/// What a dry run found.
pub async fn report(State(context): Shared, Path(id): Path<String>) -> Reply {
    let run = find(&context, &id).await?;
    let report: Option<Value> = context.workspace.read(Key::Report(&run.id)).await?;
    let report = report.ok_or_else(|| ApiError::not_found("only a dry run that has ended has a report"))?;
    Ok(data(json!({ "report": report })))
}

/// Lets a run go on that would remove more than it may unconfirmed. Saying so again is harmless.
pub async fn confirm(State(context): Shared, Path(id): Path<String>) -> Reply {
    let run = find(&context, &id).await?;
    let confirmed = context.store.confirm_run(&run.id, Timestamp::now()).await?;
    let run = find(&context, &id).await?;
    if !confirmed && (run.confirmed_at.is_none() || run.finished_at.is_some()) {
        return Err(Failure::invalid("this run does not wait to be confirmed").into());
    }
    answer(&context, run).await
}

/// Stops a run: what is being rewritten is finished, nothing new begins, and its regulations wait for the next.
pub async fn stop(State(context): Shared, Path(id): Path<String>) -> Reply {
    let run = find(&context, &id).await?;
    if !context.store.request_stop(&run.id).await? {
        return Err(Failure::invalid("this run has ended").into());
    }
    let run = find(&context, &id).await?;
    answer(&context, run).await
}

/// Wakes a run that waits to be confirmed. One that does not listen yet hears it as soon as it does.
async fn answer(context: &Context, run: Run) -> Reply {
    let token = context.store.confirmation(&run.id).await?;
    if let (Some(token), Some(may_go_on)) = (token, run.may_go_on()) {
        context.workflow.answer_run(&token, may_go_on).await?;
    }
    Ok(data(json!({ "purgeRun": run })))
}

async fn find(context: &Context, id: &str) -> Result<Run, ApiError> {
    let unknown = || ApiError::not_found("there is no such purge run");
    let id: RunId = id.parse().map_err(|_| unknown())?;
    context.store.run(&id).await?.ok_or_else(unknown)
}
