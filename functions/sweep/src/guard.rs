//! Between finding and forgetting: packs the objects that were hit into the batches of the next phases.

use shared::archive::manifest::{Batch, Entry, Phase, Results, pack};
use shared::archive::workspace::Key;
use shared::failure::Result;
use shared::id::RunId;

use crate::handler::Context;
use crate::open::write_manifest;

/// Answers how many batches hold objects with hits. Forgetting and verifying work through the same batches.
pub async fn guard(context: &Context, run: &RunId) -> Result<usize> {
    let found: Vec<serde_json::Value> = context.workspace.expect(Key::Manifest(run, Phase::Find)).await?;
    let mut hit = Vec::new();
    for number in 0..found.len() {
        let Some(results) = context.workspace.read::<Results>(Key::Results(run, Phase::Find, number)).await?
        else {
            continue;
        };
        let batch: Batch = context.workspace.expect(Key::Batch(run, Phase::Find, number)).await?;
        let outcomes = results.results.into_iter().filter(|outcome| outcome.is_hit());
        let entries = outcomes.map(|o| Entry { versions: o.clean(), key: o.key });
        hit.extend(pack(entries).into_iter().map(|entries| Batch { entries, ..batch.clone() }));
    }
    for (number, batch) in hit.iter().enumerate() {
        for phase in [Phase::Forget, Phase::Verify] {
            context.workspace.write(Key::Batch(run, phase, number), batch).await?;
        }
    }
    for phase in [Phase::Forget, Phase::Verify] {
        write_manifest(context, run, phase, hit.len()).await?;
    }
    if let Some(mut record) = context.store.run(run).await? {
        record.phase = Phase::Forget;
        context.store.save_run(&record).await?;
    }
    Ok(hit.len())
}
