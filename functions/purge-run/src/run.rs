//! What the steps of a run share: its record, its manifests, its end.

use archive::ledger::Ledger;
use archive::run_plan::RunMember;
use aws::bucket::Key;
use lambda::clock;
use model::failure::{Failure, Result};
use model::id::RunId;
use model::purge_run::Phase;
use serde::{Deserialize, Serialize};
use store::Run;

use crate::context::Context;

/// A batch, as the manifest of a phase names it.
#[derive(Serialize, Deserialize)]
pub struct ManifestLine {
    pub batch: usize,
}

/// Stores the numbers of a phase's batches, as the Distributed Map reads them.
pub async fn write_manifest(context: &Context, run: &RunId, phase: Phase, batches: &[usize]) -> Result<()> {
    let numbers: Vec<_> = batches.iter().map(|batch| ManifestLine { batch: *batch }).collect();
    context.files.write(Key::Manifest(run, phase), &numbers).await
}

/// The record of a run that has neither ended nor been stopped.
pub async fn goes_on(context: &Context, run: &RunId) -> Result<Run> {
    let record = context.store.run(run).await?;
    unstopped(record.unwrap_or_else(|| Run::new(run.clone(), false, clock::now())))
}

/// The same record, unless its run has ended or was stopped.
pub fn unstopped(run: Run) -> Result<Run> {
    match run {
        Run { stop_requested: true, id, .. } => Err(Failure::permanent(format!("{id} was stopped"))),
        Run { finished_at: Some(_), id, .. } => Err(Failure::permanent(format!("{id} has ended"))),
        run => Ok(run),
    }
}

/// Ends a run and frees the lock for the next one. Unfinished uploads of its batches are aborted.
pub async fn end(context: &Context, run: &RunId, phase: Phase) -> Result<()> {
    Ledger::new(context.files.clone(), run.clone()).take_back_all(&context.s3).await?;
    context.store.end_run(run, phase, clock::now()).await?;
    context.store.drop_confirmation(run).await?;
    context.store.unlock(run).await
}

/// Whether a regulation still waits for this run's answer.
pub async fn still_waits(context: &Context, member: &RunMember) -> Result<bool> {
    let waiting = context.store.waits(&member.regulation_id).await?;
    Ok(waiting.is_some_and(|waiting| waiting.task_token == member.task_token))
}

/// Tells the regulation's state machine that its archives are done, and takes it off the waiting list.
pub async fn answer(context: &Context, member: &RunMember) -> Result<()> {
    context.workflow.succeed(&member.task_token).await?;
    context.store.served(&member.regulation_id, &member.task_token).await
}
