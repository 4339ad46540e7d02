//! Between finding and forgetting: how much would go?
//!
//! A dry run ends here. A run that would remove a larger share of an archive's lines than the archive permits
//! waits for somebody to confirm it. The objects that were hit are packed into the batches of the next phases.

use shared::archive::Settings;
use shared::archive::manifest::{Batch, Entry, Phase, Results, pack};
use shared::archive::workspace::Key;
use shared::failure::Result;
use shared::id::RunId;

use crate::context::Context;
use crate::report::write_report;
use crate::run::{goes_on, write_manifest};
use crate::tally::tally;

/// Answers how many batches hold objects with hits, and whether somebody has to confirm the run first.
pub async fn guard(context: &Context, run: &RunId) -> Result<(usize, bool)> {
    let mut record = goes_on(context, run).await?;
    if record.dry_run {
        write_report(context, run).await?;
        return Ok((0, false));
    }
    let batches = pack_hits(context, run).await?;
    record.question = too_much(context, run).await?;
    record.phase = if record.question.is_some() { Phase::Guard } else { Phase::Forget };
    context.store.save_run(&record).await?;
    Ok((batches, record.question.is_some()))
}

/// Forgetting and verifying work through the same batches.
async fn pack_hits(context: &Context, run: &RunId) -> Result<usize> {
    let found: Vec<serde_json::Value> = context.workspace.expect(Key::Manifest(run, Phase::Find)).await?;
    let mut hit = Vec::new();
    for number in 0..found.len() {
        let results = context.workspace.read::<Results>(Key::Results(run, Phase::Find, number)).await?;
        let Some(results) = results else { continue };
        let batch: Batch = context.workspace.expect(Key::Batch(run, Phase::Find, number)).await?;
        let outcomes = results.results.into_values().filter(|outcome| outcome.is_hit());
        let entries = outcomes.map(|outcome| Entry { versions: outcome.clean(), key: outcome.key });
        hit.extend(pack(entries).into_iter().map(|entries| Batch { entries, ..batch.clone() }));
    }
    for phase in [Phase::Forget, Phase::Verify] {
        for (number, batch) in hit.iter().enumerate() {
            context.workspace.write(Key::Batch(run, phase, number), batch).await?;
        }
        write_manifest(context, run, phase, hit.len()).await?;
    }
    Ok(hit.len())
}

/// What to ask before the run goes on, if it would remove more than an archive permits.
async fn too_much(context: &Context, run: &RunId) -> Result<Option<String>> {
    for (archive, tally) in tally(context, run).await? {
        let destination = context.store.destination(&archive).await?;
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
