//! Aborts a run. Its regulations wait for the next one; after the third aborted run, their tasks fail.

use archive::run_plan::RunPlan;
use aws::bucket::Key;
use lambda::clock;
use model::failure::Result;
use model::id::RunId;
use model::purge_run::Phase;
use model::status::TaskStatus;

use crate::context::Context;
use crate::evidence::keep_forgot;
use crate::run::{answer, end};
use crate::tally::tally;

/// How many runs may be aborted before a regulation stops waiting for another.
const MAX_ABORTED_RUNS: usize = 3;

pub async fn abort(context: &Context, run: &RunId, error: &str) -> Result<()> {
    let stopped = context.store.run(run).await?.is_some_and(|record| record.stop_requested);
    let error = if stopped { "somebody stopped it" } else { error };
    tracing::warn!(%run, error, "giving a purge run up");
    if let Some(plan) = context.files.read::<RunPlan>(Key::RunPlan(run)).await? {
        keep_what_was_removed(context, run, &plan).await?;
        for member in &plan.members {
            context.store.note_abort(&member.regulation_id, &member.task_token, run).await?;
            let Some(waiting) = context.store.waits(&member.regulation_id).await? else { continue };
            if waiting.task_token != member.task_token || waiting.aborted_runs.len() < MAX_ABORTED_RUNS {
                continue;
            }
            for archive in &member.archives {
                let mut task = context.store.task(&member.regulation_id, archive).await?;
                let message =
                    format!("{MAX_ABORTED_RUNS} purge runs were given up, the last because {error}; retry");
                task.end(TaskStatus::Failed, Some(message), clock::now());
                context.store.save_step(&member.regulation_id, &task).await?;
            }
            answer(context, member).await?;
        }
        context.files.delete(Key::RunPlan(run)).await?;
    }
    end(context, run, Phase::Aborted).await
}

/// The guard stored what was found. What the run removed since is stored, too, as far as its batches tell; if they
/// cannot be read, the lock must be freed all the same.
async fn keep_what_was_removed(context: &Context, run: &RunId, plan: &RunPlan) -> Result<()> {
    let is_dry = context.store.run(run).await?.is_some_and(|record| record.dry_run);
    if is_dry || context.files.bytes(Key::Manifest(run, Phase::Forget)).await?.is_none() {
        return Ok(());
    }
    match tally(context, run).await {
        Ok(archives) => keep_forgot(context, run, plan, &archives).await,
        Err(failure) if failure.is_transient() => Err(failure),
        Err(failure) => {
            tracing::error!(%run, %failure, "what the run removed cannot be told");
            Ok(())
        }
    }
}
