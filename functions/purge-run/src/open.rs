//! Opens a run: takes the lock, and chooses the regulations that the run serves.
//!
//! 1. The lock is taken. If another run holds it, there is nothing to do.
//! 2. The plan is written once. If this runs twice, at once or after a crash, the first plan stands.
//! 3. The reply says how long to wait before the archives may be listed.

use archive::run_plan::{RunMember, RunPlan};
use aws::bucket::Key;
use engine::matching::SubjectSet;
use jiff::{SignedDuration, Timestamp};
use lambda::clock;
use model::destination::DestinationKind;
use model::failure::Result;
use model::id::RunId;
use model::source_scope::SourceScope;
use model::status::TaskStatus;
use store::{Run, Waiting};

use crate::context::Context;
use crate::run::goes_on;

/// Returns the seconds to wait before the archives are listed.
pub async fn open(context: &Context, run: &RunId) -> Result<u64> {
    if !context.store.lock(run, clock::now()).await? {
        tracing::info!(%run, "another run is on");
        return Ok(0);
    }
    context.store.create_run(&Run::new(run.clone(), false, clock::now())).await?;
    let dry_run = match goes_on(context, run).await {
        Err(failure) if !failure.is_transient() => {
            // It has ended or was stopped: nothing else may unlock, if no state waits for this reply any more.
            context.store.unlock(run).await?;
            return Err(failure);
        }
        record => record?.dry_run,
    };
    let (part, waiting) = members(context).await?;
    let plan = plan(context, run, part, &waiting, dry_run).await?;
    context.files.write_json_once(Key::RunPlan(run), &plan).await?;
    if context.store.run(run).await?.is_some_and(|record| record.finished_at.is_some()) {
        // Another invocation was faster, and the run has ended since: nothing else would clear this away.
        context.files.delete(Key::RunPlan(run)).await?;
        context.store.unlock(run).await?;
        return Ok(0);
    }
    let plan: RunPlan = context.files.expect(Key::RunPlan(run)).await?;
    Ok(plan.seconds_to_wait(clock::now()))
}

/// The regulation that has waited longest, and all that wait for the same part of the archives. A run looks for all its
/// subjects in everything that it reads, so a regulation about one source needs a run of its own.
async fn members(context: &Context) -> Result<(Option<SourceScope>, Vec<Waiting>)> {
    let mut members = (None, Vec::new());
    for waiting in context.store.waiting().await? {
        let part = context.store.regulation(&waiting.regulation_id).await?.and_then(|r| r.part);
        if members.1.is_empty() {
            members.0 = part.clone();
        }
        if members.0 == part {
            members.1.push(waiting);
        }
    }
    Ok(members)
}

/// Gathers the subjects of all waiting regulations, each once, and marks their tasks as begun, unless it is a dry run.
async fn plan(
    context: &Context,
    run: &RunId,
    part: Option<SourceScope>,
    waiting: &[Waiting],
    dry_run: bool,
) -> Result<RunPlan> {
    let store = &context.store;
    let mut wanted = Vec::new();
    for waiting in waiting {
        wanted.push(store.everyone(&waiting.regulation_id).await?);
    }
    let set = SubjectSet::new(wanted.iter().flatten().cloned());
    let mut members = Vec::new();
    for (waiting, subjects) in waiting.iter().zip(wanted) {
        let id = &waiting.regulation_id;
        let mut archives = Vec::new();
        for mut task in store.tasks(id).await? {
            if task.kind == DestinationKind::Archive && !task.status.is_final() {
                if !dry_run {
                    task.progressed(TaskStatus::Running);
                    task.progress = serde_json::json!({ "purgeRun": run });
                    // A slower invocation must not open again what the run has ended since.
                    if !store.save_step(id, &task).await? {
                        continue;
                    }
                }
                archives.push(task.destination_id);
            }
        }
        members.push(RunMember {
            regulation_id: id.clone(),
            attempt: store.regulation(id).await?.map_or(1, |regulation| regulation.attempt),
            task_token: waiting.task_token.clone(),
            archives,
            subjects: subjects.iter().filter_map(|subject| set.index_of(subject)).collect(),
        });
    }
    // Waiting regulations were suppressed and counted before; a recorder that began earlier may still write.
    let list_from = list_from(waiting, context.record_ends).filter(|_| !dry_run);
    Ok(RunPlan { subjects: set.iter().cloned().collect(), members, part, list_from })
}

/// When every recorder has ended that began before the youngest of those who wait was suppressed.
fn list_from(waiting: &[Waiting], record_ends: SignedDuration) -> Option<Timestamp> {
    waiting.iter().map(|waiting| waiting.since).max().map(|since| since + record_ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_for_the_youngest() {
        let waits = |since: &str| {
            serde_json::from_value(serde_json::json!({
                "sk": "reg_0193aeb1c2d37f6f8c1e5a7b9d0e2f41", "since": since, "taskToken": "t",
            }))
            .expect("one that waits")
        };
        let waiting = ["2026-01-01T00:00:10Z", "2026-01-01T00:00:30Z", "2026-01-01T00:00:20Z"].map(waits);
        let from = list_from(&waiting, SignedDuration::from_secs(130));
        assert_eq!(from, Some("2026-01-01T00:02:40Z".parse().expect("a time")));
        assert_eq!(list_from(&[], SignedDuration::ZERO), None);
    }
}
