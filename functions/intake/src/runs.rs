//! `/purge-runs`: shows the passes over the archives, and starts, confirms and stops them.

use std::collections::BTreeMap;

use aws::bucket::Key;
use axum::extract::State;
use jiff::Timestamp;
use model::destination::DestinationKind;
use model::failure::Failure;
use model::id::RunId;
use model::purge_run::Phase;
use model::task::Task;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Run, RunProgress};
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id};

/// The body of `POST /purge-runs`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "dryRun": true }))]
pub struct NewPurgeRun {
    /// Whether it only looks.
    #[serde(default)]
    dry_run: bool,
}

/// One purge run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnePurgeRun {
    purge_run: Run,
}

/// All purge runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllPurgeRuns {
    purge_runs: Vec<Run>,
}

/// Starts a run for all waiting regulations now, without waiting for the schedule. Refused while another run is under way.
#[utoipa::path(post, path = "/purge-runs", operation_id = "createPurgeRun", tag = "Purge runs",
    request_body = NewPurgeRun, responses((status = 200, description = "It is started", body = Data<OnePurgeRun>)))]
pub async fn create(State(context): Shared, Body(request): Body<NewPurgeRun>) -> Reply<OnePurgeRun> {
    if let Some(run) = context.store.locked_by().await? {
        return Err(Failure::invalid(format!("{run} is on: one run goes at a time")).into());
    }
    let run = Run::new(RunId::new(), request.dry_run, Timestamp::now());
    context.store.create_run(&run).await?;
    context.workflow.start_run(&run.id).await?;
    Ok(data(OnePurgeRun { purge_run: run }))
}

/// All runs, the newest first.
#[utoipa::path(get, path = "/purge-runs", operation_id = "listPurgeRuns", tag = "Purge runs",
    responses((status = 200, description = "All of them", body = Data<AllPurgeRuns>)))]
pub async fn list(State(context): Shared) -> Reply<AllPurgeRuns> {
    Ok(data(AllPurgeRuns { purge_runs: context.store.runs().await? }))
}

/// One purge run, seen closely.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PurgeRunProgress {
    purge_run: RunWithProgress,
}

/// A run and how far each phase of it is.
#[derive(Serialize, ToSchema)]
struct RunWithProgress {
    #[serde(flatten)]
    run: Run,
    /// By phase: `find`, `forget`, `verify`.
    progress: BTreeMap<&'static str, RunProgress>,
}

/// A run and how far each phase of it is.
#[utoipa::path(get, path = "/purge-runs/{id}", operation_id = "getPurgeRun", tag = "Purge runs",
    params(("id" = RunId, Path)),
    responses((status = 200, description = "The run", body = Data<PurgeRunProgress>)))]
pub async fn show(State(context): Shared, Id(id): Id<RunId>) -> Reply<PurgeRunProgress> {
    let run = find(&context, &id).await?;
    let mut progress = BTreeMap::new();
    for phase in [Phase::Find, Phase::Forget, Phase::Verify] {
        progress.insert(phase.as_str(), context.store.progress(&run.id, phase).await?);
    }
    Ok(data(PurgeRunProgress { purge_run: RunWithProgress { run, progress } }))
}

/// What a dry run found: lines by pseudonym and object.
#[derive(Serialize, ToSchema)]
pub struct PurgeRunReport {
    #[schema(value_type = Object)]
    report: Value,
}

/// The run that works on the task of a regulation in an archive.
#[derive(Serialize, ToSchema)]
pub struct RunOfTask {
    id: RunId,
    phase: Phase,
    /// How many object versions the run looks at, and how many bytes they have as they are stored.
    objects: u64,
    bytes: u64,
    /// Why it waits for somebody to confirm it.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<String>,
    /// How far the phase is.
    progress: RunProgress,
}

/// The run that works on a task, its phase, and how far that is.
pub async fn of_task(context: &Context, task: &Task) -> Result<Option<RunOfTask>, ApiError> {
    let id = task.progress["purgeRun"].as_str().and_then(|id| id.parse().ok());
    let Some(id) = id.filter(|_| task.kind == DestinationKind::Archive && !task.status.is_final()) else {
        return Ok(None);
    };
    let Some(Run { phase, objects, bytes, question, .. }) = context.store.run(&id).await? else {
        return Ok(None);
    };
    let progress = context.store.progress(&id, phase).await?;
    Ok(Some(RunOfTask { id, phase, objects, bytes, question, progress }))
}

/// What a dry run found.
#[utoipa::path(get, path = "/purge-runs/{id}/report", operation_id = "getPurgeRunReport", tag = "Purge runs",
    params(("id" = RunId, Path)),
    responses((status = 200, description = "The report", body = Data<PurgeRunReport>)))]
pub async fn report(State(context): Shared, Id(id): Id<RunId>) -> Reply<PurgeRunReport> {
    let run = find(&context, &id).await?;
    let report: Option<Value> = context.files.read(Key::Report(&run.id)).await?;
    let report = report.ok_or_else(|| ApiError::not_found("only a dry run that has ended has a report"))?;
    Ok(data(PurgeRunReport { report }))
}

/// Confirms a run that would remove more than it may without confirmation. Harmless when it is confirmed already.
#[utoipa::path(post, path = "/purge-runs/{id}/confirm", operation_id = "confirmPurgeRun", tag = "Purge runs",
    params(("id" = RunId, Path)),
    responses((status = 200, description = "It goes on", body = Data<OnePurgeRun>)))]
pub async fn confirm(State(context): Shared, Id(id): Id<RunId>) -> Reply<OnePurgeRun> {
    find(&context, &id).await?;
    let confirmed = context.store.confirm_run(&id, Timestamp::now()).await?;
    let run = find(&context, &id).await?;
    if !confirmed && (run.confirmed_at.is_none() || run.finished_at.is_some()) {
        return Err(Failure::invalid("this run does not wait to be confirmed").into());
    }
    answer(&context, run).await
}

/// Stops a run: rewrites under way are finished, no new ones begin, and its regulations wait for the next run.
#[utoipa::path(post, path = "/purge-runs/{id}/stop", operation_id = "stopPurgeRun", tag = "Purge runs",
    params(("id" = RunId, Path)),
    responses((status = 200, description = "It is asked to stop", body = Data<OnePurgeRun>)))]
pub async fn stop(State(context): Shared, Id(id): Id<RunId>) -> Reply<OnePurgeRun> {
    find(&context, &id).await?;
    if !context.store.request_stop(&id).await? {
        return Err(Failure::invalid("this run has ended").into());
    }
    let run = find(&context, &id).await?;
    answer(&context, run).await
}

/// Wakes a run that waits to be confirmed. One that does not wait yet reads the answer when it begins to.
async fn answer(context: &Context, run: Run) -> Reply<OnePurgeRun> {
    let token = context.store.confirmation(&run.id).await?;
    if let (Some(token), Some(may_go_on)) = (token, run.may_go_on()) {
        context.workflow.answer_run(&token, may_go_on).await?;
    }
    Ok(data(OnePurgeRun { purge_run: run }))
}

async fn find(context: &Context, id: &RunId) -> Result<Run, ApiError> {
    let found = context.store.run(id).await?;
    found.ok_or_else(|| ApiError::not_found("there is no such purge run"))
}
