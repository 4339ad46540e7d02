//! `/purge-runs`: how the passes over the archives go, and what a person may say to them.

use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::archive::manifest::Phase;
use shared::archive::workspace::Key;
use shared::failure::Failure;
use shared::id::RunId;
use shared::store::Run;

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
    context.store.save_run(&run).await?;
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

/// What a dry run found.
pub async fn report(State(context): Shared, Path(id): Path<String>) -> Reply {
    let run = find(&context, &id).await?;
    let report: Option<Value> = context.workspace.read(Key::Report(&run.id)).await?;
    let report = report.ok_or_else(|| ApiError::not_found("only a dry run that has ended has a report"))?;
    Ok(data(json!({ "report": report })))
}

/// Lets a run go on that would remove more than it may unconfirmed.
pub async fn confirm(State(context): Shared, Path(id): Path<String>) -> Reply {
    let mut run = find(&context, &id).await?;
    let token = context.store.confirmation(&run.id).await?.filter(|_| run.phase == Phase::Guard);
    let token = token.ok_or_else(|| Failure::invalid("this run does not wait to be confirmed"))?;
    run.phase = Phase::Forget;
    run.question = None;
    context.store.save_run(&run).await?;
    context.workflow.succeed(&token).await?;
    Ok(data(json!({ "purgeRun": run })))
}

/// Stops a run: what is being rewritten is finished, nothing new begins, and its regulations wait for the next.
pub async fn stop(State(context): Shared, Path(id): Path<String>) -> Reply {
    let mut run = find(&context, &id).await?;
    if run.finished_at.is_some() {
        return Err(Failure::invalid("this run has ended").into());
    }
    context.store.request_stop(&run.id).await?;
    if let Some(token) = context.store.confirmation(&run.id).await? {
        context.workflow.fail(&token, "Stopped").await?;
    }
    run.stop_requested = true;
    Ok(data(json!({ "purgeRun": run })))
}

async fn find(context: &Context, id: &str) -> Result<Run, ApiError> {
    let unknown = || ApiError::not_found("there is no such purge run");
    let id: RunId = id.parse().map_err(|_| unknown())?;
    context.store.run(&id).await?.ok_or_else(unknown)
}
