//! What the steps of a run share: its record, its manifests, its end.

use archive::ledger::Ledger;
use archive::run_plan::RunMember;
use aws::bucket::Key;
use jiff::Timestamp;
use model::failure::{Failure, Result};
use model::id::RunId;
use model::purge_run::Phase;
use store::Run;

use crate::context::Context;

/// Writes down the numbers of a phase's batches, as the Distributed Map reads them.
pub async fn write_manifest(context: &Context, run: &RunId, phase: Phase, batches: usize) -> Result<()> {
    let numbers: Vec<_> = (0..batches).map(|number| serde_json::json!({ "batch": number })).collect();
    context.files.write(Key::Manifest(run, phase), &numbers).await
}

/// The record of a run that nobody stopped.
pub async fn goes_on(context: &Context, run: &RunId) -> Result<Run> {
    let record = context.store.run(run).await?;
    unstopped(record.unwrap_or_else(|| Run::new(run.clone(), false, Timestamp::now())))
}

/// The same record, unless somebody stopped its run.
pub fn unstopped(run: Run) -> Result<Run> {
    if run.stop_requested { Err(Failure::permanent(format!("{} was stopped", run.id))) } else { Ok(run) }
}

/// Notes that a run is over and lets the next one go. Whatever batch was given up, its uploads are taken back.
pub async fn end(context: &Context, run: &RunId, phase: Phase) -> Result<()> {
    Ledger::new(context.files.clone(), run.clone()).take_back_all(&context.s3).await?;
    context.store.end_run(run, phase, Timestamp::now()).await?;
    context.store.drop_confirmation(run).await?;
    context.store.unlock(run).await
}

/// Whether a regulation still waits for the answer that this run owes it.
pub async fn still_waits(context: &Context, member: &RunMember) -> Result<bool> {
    let waiting = context.store.waits(&member.regulation_id).await?;
    Ok(waiting.is_some_and(|waiting| waiting.task_token == member.task_token))
}

/// Tells the regulation's state machine that its archives are dealt with, and takes it off the waiting list.
pub async fn answer(context: &Context, member: &RunMember) -> Result<()> {
    context.workflow.succeed(&member.task_token).await?;
    context.store.served(&member.regulation_id, &member.task_token).await
}
