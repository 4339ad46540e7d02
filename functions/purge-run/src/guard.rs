//! Between find and forget: decides whether the run may remove what it found.
//!
//! What was found is stored as evidence. A dry run ends here. A run that would remove a larger share of an archive's
//! lines than the archive permits waits for confirmation. The objects with hits are packed into the batches of the next
//! phases.

use std::collections::HashMap;
use std::pin::pin;

use archive::listing::Packer;
use archive::run_plan::{Entry, KeyOutcome, ObjectBatch, RunPlan};
use aws::bucket::Key;
use destinations::archive::Settings;
use futures::TryStreamExt;
use model::failure::{Failure, Result};
use model::id::{DestinationId, RunId};
use model::purge_run::Phase;

use crate::context::Context;
use crate::evidence::keep_found;
use crate::run::{goes_on, unstopped, write_manifest};
use crate::tally::{Tally, batches, tally};

/// Returns how many batches hold objects with hits, and whether the run has to be confirmed first.
pub async fn guard(context: &Context, run: &RunId) -> Result<(usize, bool)> {
    if goes_on(context, run).await?.dry_run {
        return Ok((0, false));
    }
    let batches = pack_hits(context, run).await?;
    let archives = tally(context, run).await?;
    let plan: RunPlan = context.files.expect(Key::RunPlan(run)).await?;
    keep_found(context, run, &plan, &archives).await?;
    let question = too_much(context, &archives).await?;
    let record = unstopped(context.store.pass_guard(run, question.as_deref()).await?)?;
    Ok((batches, record.question.is_some()))
}

/// Answers a run that waits for confirmation, if it was confirmed or stopped before it listened.
pub async fn listen(context: &Context, run: &RunId) -> Result<()> {
    let token = context.store.confirmation(run).await?;
    let token = token.ok_or_else(|| Failure::transient(format!("{run} does not listen yet")))?;
    let record = context.store.run(run).await?;
    match record.and_then(|record| record.may_go_on()) {
        Some(may_go_on) => context.workflow.answer_run(&token, may_go_on).await,
        None => Ok(()),
    }
}

/// Packs the objects with hits into the batches of forget and verify, which are the same.
async fn pack_hits(context: &Context, run: &RunId) -> Result<usize> {
    let (mut packed, mut packer) = (0, Packer::new(context.batch_objects));
    let mut write = async |of: &ObjectBatch, entries: Option<Vec<Entry>>| -> Result<()> {
        let Some(entries) = entries else { return Ok(()) };
        let batch = ObjectBatch { entries, ..of.clone() };
        for phase in [Phase::Forget, Phase::Verify] {
            context.files.write(Key::Batch(run, phase, packed), &batch).await?;
        }
        packed += 1;
        Ok(())
    };
    let mut found = pin!(batches(context, run, Phase::Find).await?);
    let mut last: Option<ObjectBatch> = None;
    while let Some((batch, outcomes)) = found.try_next().await? {
        if let Some(other) = last.filter(|last| last.archive != batch.archive) {
            write(&other, packer.take()).await?;
        }
        for outcome in outcomes.into_iter().filter(KeyOutcome::is_hit) {
            let entry = Entry { versions: outcome.clean(), key: outcome.key };
            write(&batch, packer.push(entry)).await?;
        }
        last = Some(batch);
    }
    if let Some(last) = last {
        write(&last, packer.take()).await?;
    }
    for phase in [Phase::Forget, Phase::Verify] {
        write_manifest(context, run, phase, &Vec::from_iter(0..packed)).await?;
    }
    Ok(packed)
}

/// The question to ask before the run goes on, if it would remove more than an archive permits.
async fn too_much(context: &Context, archives: &HashMap<DestinationId, Tally>) -> Result<Option<String>> {
    for (archive, tally) in archives {
        let destination = context.store.destination(archive).await?;
        let settings: Settings = destination.settings()?;
        let share = tally.theirs as f64 / tally.lines.max(1) as f64;
        if share > settings.max_share.0 {
            return Ok(Some(format!(
                "it would remove {} of {} lines ({:.2} %) from {}; at most {:.2} % go unconfirmed",
                tally.theirs,
                tally.lines,
                share * 100.0,
                destination.name,
                settings.max_share.0 * 100.0,
            )));
        }
    }
    Ok(None)
}
