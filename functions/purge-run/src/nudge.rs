//! Starts purge runs, and regulations whose start was lost.

use aws::workflow::Execution;
use jiff::{SignedDuration, Timestamp};
use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::id::{RegulationId, RunId};
use store::RunLock;

use crate::abort::abort;
use crate::context::Context;

/// How long a regulation may be accepted but not begun before its start counts as lost.
const LOST: SignedDuration = SignedDuration::from_mins(2);

/// How long a run may hold the lock without an execution that Step Functions knows.
const UNKNOWN: SignedDuration = SignedDuration::from_hours(1);

/// By then an attempt has begun that was let in before the identifiers were due to be dropped.
const JUST_BEGUN: SignedDuration = SignedDuration::from_hours(1);

/// A regulation has waited for as long as it may: starts a run, unless one is on. That one looks for
/// whoever waits when it closes.
pub async fn nudge(context: &Context, id: &RegulationId) -> Result<()> {
    if context.store.waits(id).await?.is_none() {
        let tasks = context.store.tasks(id).await?;
        if tasks.iter().any(|task| task.kind == DestinationKind::Archive && !task.status.is_final()) {
            return Err(Failure::transient(format!("{id} is not on the waiting list yet")));
        }
        return Ok(());
    }
    start(context).await
}

/// Starts a run if somebody has waited for as long as they may.
pub async fn start_if_due(context: &Context) -> Result<()> {
    let due = Timestamp::now() - context.purge_delay;
    match context.store.waiting().await?.first() {
        Some(longest) if longest.since <= due => start(context).await,
        _ => Ok(()),
    }
}

/// The schedule's work: what a crash left lying is taken up again, and identifiers are not kept longer than said.
pub async fn tick(context: &Context) -> Result<()> {
    if let Some(lock) = context.store.run_lock().await?
        && has_ended(context, &lock).await?
    {
        abort(context, &lock.run_id, "its execution was stopped").await?;
    }
    let lost = Timestamp::now() - LOST;
    for regulation in context.store.not_begun(lost).await? {
        context.workflow.start_deletion(&regulation.id, regulation.attempt, 0).await?;
    }
    let dropped = context.store.drop_due(Timestamp::now() - JUST_BEGUN).await?;
    if dropped > 0 {
        tracing::info!(dropped, "identifiers that were kept for a retry");
    }
    start_if_due(context).await
}

/// Whether the execution of the run that holds the lock has ended. Step Functions may not know one yet that has just
/// begun (`DescribeExecution` is eventually consistent): that alone does not make it dead.
async fn has_ended(context: &Context, lock: &RunLock) -> Result<bool> {
    Ok(match context.workflow.run_execution(&lock.run_id).await? {
        Execution::Running => false,
        Execution::Ended => true,
        Execution::Unknown => Timestamp::now().duration_since(lock.since) > UNKNOWN,
    })
}

async fn start(context: &Context) -> Result<()> {
    if context.store.locked_by().await?.is_some() {
        return Ok(());
    }
    let run = RunId::new();
    tracing::info!(%run, "starting a purge run");
    context.workflow.start_run(&run).await
}
