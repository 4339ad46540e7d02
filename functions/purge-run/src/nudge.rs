//! Starts purge runs, and resumes regulations whose execution was lost.

use aws::workflow::Execution;
use destinations::cloud::vendor;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lambda::clock;
use lambda::metrics::{Metric, report};
use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::id::{RegulationId, RunId};
use model::regulation::{Regulation, kept_until};
use model::status::{Status, TaskStatus};
use store::RunLock;

use crate::abort::abort;
use crate::context::Context;

/// How old an attempt is before a tick checks whether its execution was lost.
const LOST: SignedDuration = SignedDuration::from_mins(2);

/// How long a run may hold the lock without an execution that Step Functions knows.
const UNKNOWN: SignedDuration = SignedDuration::from_hours(1);

/// How many executions of one attempt may end without a seal before the attempt fails.
const RESTARTS: u32 = 20;

/// How long before it is due a regulation is due soon.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 7);

/// How long after they are due identifiers are dropped: a retry that was admitted just before has begun by then.
const JUST_BEGUN: SignedDuration = SignedDuration::from_hours(1);

/// Starts a run for a regulation that has waited as long as it may, unless a run is under way: that one looks for
/// waiting regulations when it closes.
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

/// Starts a run if a regulation has waited as long as it may.
pub async fn start_if_due(context: &Context) -> Result<()> {
    let due = clock::now() - context.purge_delay;
    match context.store.waiting().await?.first() {
        Some(longest) if longest.since <= due => start(context).await,
        _ => Ok(()),
    }
}

/// The schedule's work: resumes what a crash left, and drops identifiers that were kept as long as they may be.
pub async fn tick(context: &Context) -> Result<()> {
    let (mut lost, mut stuck) = (0, 0);
    if let Some(lock) = context.store.run_lock().await?
        && has_ended(context, &lock).await?
    {
        abort(context, &lock.run_id, "its execution was stopped").await?;
        lost += 1;
    }
    let now = clock::now();
    let open = context.store.under_way(now - LOST).await?;
    let running = context.workflow.running_attempts().await?;
    for regulation in &open {
        if running.contains(&regulation.id, regulation.attempt) {
            continue;
        }
        match take_up(context, regulation).await? {
            TakenUp::GoesOn => {}
            TakenUp::Restarted => lost += 1,
            TakenUp::Stuck => {
                fail(context, regulation, now).await?;
                lost += 1;
                stuck += 1;
            }
        }
    }
    let oldest = open.iter().map(|regulation| regulation.created_at).min().unwrap_or(now);
    let run = context.store.run_lock().await?.map_or(now, |lock| lock.since);
    let hours = |since| now.duration_since(since).as_secs_f64() / 3_600.0;
    report(&[
        (Metric::OpenRegulations, open.len() as f64),
        (Metric::OldestRegulationDays, hours(oldest) / 24.0),
        (Metric::LostExecutions, f64::from(lost)),
        (Metric::StuckRegulations, f64::from(stuck)),
        (Metric::PurgeRunHours, hours(run)),
    ]);
    if let Some(days) = secret_days_left(context, now).await? {
        report(&[(Metric::SecretDaysLeft, days)]);
    }
    report(&deadlines(&context.store.deadlines(now + SOON).await?, now));
    let dropped = context.store.drop_due(now - JUST_BEGUN).await?;
    if dropped > 0 {
        tracing::info!(dropped, "identifiers that were kept for a retry");
    }
    start_if_due(context).await
}

/// What is told of regulations whose clock runs, from when they are due, the most urgent first.
fn deadlines(due: &[Timestamp], now: Timestamp) -> Vec<(Metric, f64)> {
    let (overdue, soon) = due.split_at(due.partition_point(|due| *due <= now));
    let mut figures = vec![(Metric::Overdue, overdue.len() as f64), (Metric::DueSoon, soon.len() as f64)];
    let days = soon.first().map(|due| due.duration_since(now).as_secs_f64() / 86_400.0);
    figures.extend(days.map(|days| (Metric::DeadlineDaysLeft, days)));
    figures
}

/// The days until the first of the connected vendors' credentials ends; `None`, if no settings tell an end.
async fn secret_days_left(context: &Context, now: Timestamp) -> Result<Option<f64>> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let destinations = context.store.destinations().await?;
    let cloud =
        destinations.iter().filter(|one| one.enabled_until.is_none() && one.kind == DestinationKind::Cloud);
    let ends = cloud.filter_map(|one| vendor(&one.vendor).ok()?.ends(&one.settings));
    Ok(ends.min().map(|end| today.duration_until(end).as_secs_f64() / 86_400.0))
}

/// Whether the execution of the run that holds the lock has ended. Step Functions may not know yet one that has just
/// begun (`DescribeExecution` is eventually consistent): absence alone does not mean that it has ended.
async fn has_ended(context: &Context, lock: &RunLock) -> Result<bool> {
    Ok(match context.workflow.run_execution(&lock.run_id).await? {
        Execution::Running => false,
        Execution::Ended | Execution::Succeeded | Execution::HandedOver => true,
        Execution::Absent => clock::now().duration_since(lock.since) > UNKNOWN,
    })
}

/// What a tick did about an attempt that no execution was seen to work on.
enum TakenUp {
    /// Nothing: it has ended, or an execution began just now.
    GoesOn,
    /// It started an execution.
    Restarted,
    /// Nothing: too many executions ended without a seal.
    Stuck,
}

/// Starts an attempt whose start was lost, or starts it once more if its execution ended without a seal.
async fn take_up(context: &Context, regulation: &Regulation) -> Result<TakenUp> {
    let (id, attempt) = (&regulation.id, regulation.attempt);
    let mut ended = 0;
    for restart in 0.. {
        match context.workflow.deletion(id, attempt, restart).await? {
            Execution::Running => return Ok(TakenUp::GoesOn),
            // It has sealed the attempt, unless somebody changed the state machine.
            Execution::Succeeded if !is_open(context, regulation).await? => return Ok(TakenUp::GoesOn),
            Execution::HandedOver => {}
            Execution::Succeeded | Execution::Ended if ended == RESTARTS => break,
            Execution::Succeeded | Execution::Ended => ended += 1,
            Execution::Absent => {
                // The request for a retry may have broken off before this, too.
                if attempt > 1 && restart == 0 {
                    context.store.reset_failed(id).await?;
                }
                tracing::warn!(regulation = %id, attempt, restart, "its execution was lost; started anew");
                context.workflow.start_deletion(id, attempt, restart, 0).await?;
                return Ok(TakenUp::Restarted);
            }
        }
    }
    Ok(TakenUp::Stuck)
}

/// Whether an attempt has neither been sealed nor withdrawn, as of now.
async fn is_open(context: &Context, attempt: &Regulation) -> Result<bool> {
    let stored = context.store.regulation(&attempt.id).await?;
    Ok(stored.is_some_and(|stored| stored.attempt == attempt.attempt && !stored.status.is_final()))
}

/// Fails an attempt whose executions end without a seal, so that it can be retried once the reason is mended. It gets no
/// certificate.
async fn fail(context: &Context, regulation: &Regulation, now: Timestamp) -> Result<()> {
    let (store, id) = (&context.store, &regulation.id);
    if !store.begin_regulation(id).await? {
        return Ok(()); // It was withdrawn.
    }
    if let Some(waiting) = store.waits(id).await? {
        store.served(id, &waiting.task_token).await?;
    }
    for mut task in store.tasks(id).await?.into_iter().filter(|task| !task.status.is_final()) {
        let before = task.status;
        let message = format!(
            "{} executions ended without a seal; see why in Step Functions, then retry",
            RESTARTS + 1
        );
        task.end(TaskStatus::Failed, Some(message), now);
        store.save_task_if(id, &task, before).await?;
    }
    store.note_due(id, kept_until(now)).await?;
    store.end_attempt(regulation, Status::Failed, now).await?;
    tracing::error!(regulation = %id, regulation.attempt, "failed: its executions end without a seal");
    Ok(())
}

async fn start(context: &Context) -> Result<()> {
    if context.store.locked_by().await?.is_some() {
        return Ok(());
    }
    let run = RunId::new();
    tracing::info!(%run, "starting a purge run");
    context.workflow.start_run(&run).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overdue_is_told_apart_from_what_is_due_soon() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 100);
        let due = |hours: &[i64]| {
            let due: Vec<_> = hours.iter().map(|hours| now + SignedDuration::from_hours(*hours)).collect();
            deadlines(&due, now)
        };
        let counts = |overdue, soon| vec![(Metric::Overdue, overdue), (Metric::DueSoon, soon)];
        assert_eq!(due(&[]), counts(0.0, 0.0));
        assert_eq!(due(&[-48, 0]), counts(2.0, 0.0));
        let mut three = counts(1.0, 2.0);
        three.push((Metric::DeadlineDaysLeft, 1.5));
        assert_eq!(due(&[-1, 36, 100]), three);
    }
}
