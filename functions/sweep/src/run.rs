//! What the steps of a run share: its record, its manifests, its end.

use jiff::Timestamp;
use shared::archive::manifest::{Member, Phase};
use shared::archive::workspace::Key;
use shared::failure::{Failure, Result};
use shared::id::RunId;
use shared::store::Run;

use crate::context::Context;

/// Writes down the numbers of a phase's batches, as the Distributed Map reads them.
pub async fn write_manifest(context: &Context, run: &RunId, phase: Phase, batches: usize) -> Result<()> {
    let numbers: Vec<_> = (0..batches).map(|number| serde_json::json!({ "batch": number })).collect();
    context.workspace.write(Key::Manifest(run, phase), &numbers).await
}

/// The record of a run that nobody stopped.
pub async fn goes_on(context: &Context, run: &RunId) -> Result<Run> {
    let record = context.store.run(run).await?;
    match record.unwrap_or_else(|| Run::new(run.clone(), false, Timestamp::now())) {
        Run { stop_requested: true, .. } => Err(Failure::permanent(format!("{run} was stopped"))),
        record => Ok(record),
    }
}

/// Notes that a run is over and lets the next one go.
pub async fn end(context: &Context, run: &RunId, phase: Phase) -> Result<()> {
    if let Some(mut record) = context.store.run(run).await? {
        record.phase = phase;
        record.finished_at = Some(Timestamp::now());
        record.question = None;
        context.store.save_run(&record).await?;
    }
    context.store.drop_confirmation(run).await?;
    context.store.unlock(run).await
}

/// Whether a regulation still waits for the answer that this run owes it.
pub async fn still_waits(context: &Context, member: &Member) -> Result<bool> {
    let waiting = context.store.waits(&member.regulation_id).await?;
    Ok(waiting.is_some_and(|waiting| waiting.task_token == member.task_token))
}

/// Tells the regulation's state machine that its archives are dealt with, and takes it off the waiting list.
pub async fn answer(context: &Context, member: &Member) -> Result<()> {
    context.workflow.succeed(&member.task_token).await?;
    context.store.served(&member.regulation_id, &member.task_token).await
}
