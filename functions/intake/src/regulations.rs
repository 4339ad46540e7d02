//! `/regulations`.

use std::collections::BTreeMap;

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::archive::workspace::Key;
use shared::evidence::Evidence;
use shared::regulation::{NewRegulation, Regulation};
use shared::task::Task;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Reply, data};
use crate::request::{Body, Id, Pagination};
use crate::runs;

/// How many regulations' subjects are read at once for a list.
const READS: usize = 16;

/// Accepts a regulation: stored with one task per destination in scope, then started.
pub async fn create(State(context): Shared, Body(request): Body<NewRegulation>) -> Reply {
    let (regulation, subjects) = request.accept(Timestamp::now())?;
    let tasks: Vec<_> = context
        .store
        .destinations()
        .await?
        .iter()
        .filter(|d| d.enabled_until.is_none() && regulation.regulation_type.erases_from(d.kind))
        .map(Task::new)
        .collect();
    context.store.create(&regulation, subjects, &tasks).await?;
    start(&context, &regulation).await;
    Ok(data(json!({ "regulateId": regulation.id })))
}

/// What is stored is accepted: should its start fail, the schedule starts it.
async fn start(context: &Context, regulation: &Regulation) {
    if let Err(failure) = context.workflow.start_deletion(&regulation.id, regulation.attempt).await {
        tracing::error!(regulation = %regulation.id, %failure, "not started; left to the schedule");
    }
}

/// Regulations, the newest first.
pub async fn list(State(context): Shared, page: Pagination) -> Reply {
    let found = context.store.regulations(page.count, page.cursor.as_deref()).await?;
    let entries = stream::iter(found.items).map(|regulation| entry(&context, regulation));
    let regulations: Vec<_> = entries.buffered(READS).try_collect().await?;
    Ok(data(json!({ "regulations": regulations, "pagination": page.followed_by(found.next) })))
}

async fn entry(context: &Context, regulation: Regulation) -> Result<Value, ApiError> {
    let subjects = context.store.subjects(&regulation.id).await?;
    let ids: Vec<_> = subjects.into_iter().map(|subject| subject.id).collect();
    Ok(json!({
        "id": regulation.id,
        "subjectType": regulation.subject_type,
        "subjects": ids,
        "subjectCount": regulation.subject_count,
        "status": regulation.status,
        "createdAt": regulation.created_at,
        "finishedAt": regulation.finished_at,
        "regulationType": regulation.regulation_type,
    }))
}

/// How far a regulation is, destination by destination.
pub async fn show(State(context): Shared, Id(id): Id) -> Reply {
    let regulation = find(&context, &id).await?;
    let evidence = context.store.evidence(&id).await?;
    let tasks = context.store.tasks(&id).await?;
    let mut destinations = Vec::new();
    for task in &tasks {
        let mut status = destination_status(task, &evidence);
        if let Some(run) = runs::of_task(&context, task).await? {
            status["purgeRun"] = run;
        }
        destinations.push(status);
    }
    Ok(data(json!({
        "regulation": {
            "id": regulation.id,
            "workspaceId": context.workspace_id,
            "overallStatus": regulation.status,
            "regulationType": regulation.regulation_type,
            "subjectType": regulation.subject_type,
            "subjectCount": regulation.subject_count,
            "attempt": regulation.attempt,
            "createdAt": regulation.created_at,
            "finishedAt": regulation.finished_at,
            "streamStatus": [{ "id": context.workspace_id, "destinationStatus": destinations }],
        }
    })))
}

/// Segment's fields, and beside them our finer status, a message, and the evidence of the last attempt.
fn destination_status(task: &Task, evidence: &[Evidence]) -> Value {
    let mine = || evidence.iter().filter(|e| e.destination_id.as_ref() == Some(&task.destination_id));
    let last = mine().map(|e| e.attempt).max();
    let steps: BTreeMap<_, _> =
        mine().filter(|e| Some(e.attempt) == last).map(|e| (e.step.as_str(), e)).collect();
    json!({
        "name": task.name,
        "id": task.destination_id,
        "vendor": task.vendor,
        "status": task.status.segment(),
        "taskStatus": task.status,
        "errString": task.message.as_deref().unwrap_or_default(),
        "finishedAt": task.finished_at,
        "evidence": steps,
    })
}

/// Runs again what failed, and only that.
pub async fn retry(State(context): Shared, Id(id): Id) -> Reply {
    let mut regulation = find(&context, &id).await?;
    regulation.attempt = context.store.begin_attempt(&regulation).await?;
    start(&context, &regulation).await;
    Ok(data(json!({ "regulateId": regulation.id, "attempt": regulation.attempt })))
}

/// The certificate of the last attempt that was sealed.
pub async fn certificate(State(context): Shared, Id(id): Id) -> Reply {
    let regulation = find(&context, &id).await?;
    for attempt in (1..=regulation.attempt).rev() {
        if let Some(certificate) = context.certificates.text(Key::Certificate(&id, attempt)).await? {
            return Ok(data(json!({ "certificate": certificate, "attempt": attempt })));
        }
    }
    Err(ApiError::not_found("the regulation is under way: its certificate is written when it ends"))
}

async fn find(context: &Context, id: &shared::id::RegulationId) -> Result<Regulation, ApiError> {
    let found = context.store.regulation(id).await?;
    found.ok_or_else(|| ApiError::not_found("there is no such regulation"))
}
