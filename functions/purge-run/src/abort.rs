//! Gives a run up. Its regulations wait for the next one; after the third in vain they are told that it failed.

use archive::run_plan::RunPlan;
use aws::bucket::Key;
use jiff::Timestamp;
use model::failure::Result;
use model::id::RunId;
use model::purge_run::Phase;
use model::status::TaskStatus;

use crate::context::Context;
use crate::run::{answer, end};

/// How many runs may be given up before a regulation stops waiting for another.
const PATIENCE: usize = 3;

pub async fn abort(context: &Context, run: &RunId, error: &str) -> Result<()> {
    let stopped = context.store.run(run).await?.is_some_and(|record| record.stop_requested);
    let error = if stopped { "somebody stopped it" } else { error };
    tracing::warn!(%run, error, "giving a purge run up");
    if let Some(plan) = context.files.read::<RunPlan>(Key::RunPlan(run)).await? {
        for member in &plan.members {
            context.store.note_abort(&member.regulation_id, run).await?;
            let Some(waiting) = context.store.waits(&member.regulation_id).await? else { continue };
            if waiting.aborted_runs.len() < PATIENCE {
                continue;
            }
            for archive in &member.archives {
                let mut task = context.store.task(&member.regulation_id, archive).await?;
                let message = format!("{PATIENCE} purge runs were given up, the last because {error}; retry");
                task.end(TaskStatus::Failed, Some(message), Timestamp::now());
                context.store.save_task(&member.regulation_id, &task).await?;
            }
            answer(context, member).await?;
        }
        context.files.delete(Key::RunPlan(run)).await?;
    }
    end(context, run, Phase::Aborted).await
}
