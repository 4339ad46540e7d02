use std::time::Instant;

use aws_sdk_s3::Client;
use futures::future::ready;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::archive::manifest::{Batch, Entry, Outcome, Phase, Results, Roster};
use shared::archive::workspace::{Key, Workspace};
use shared::archive::{Archive, purge};
use shared::failure::Result;
use shared::id::RunId;
use shared::matching::{Matcher, SubjectSet};

pub struct Context {
    pub workspace: Workspace,
    pub s3: Client,
    pub cores: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    run_id: RunId,
    phase: Phase,
    batch: usize,
}

#[derive(Serialize)]
pub struct Reply {
    /// Whether the batch is through; otherwise it goes on in the next invocation.
    done: bool,
}

/// Does as much of a batch as fits, an object a core at a time, and keeps how far it came.
pub async fn purge(context: &Context, request: Request, until: Instant) -> Result<Reply> {
    let Request { run_id, phase, batch: number } = request;
    let roster: Roster = context.workspace.expect(Key::Roster(&run_id)).await?;
    let batch: Batch = context.workspace.expect(Key::Batch(&run_id, phase, number)).await?;
    let key = Key::Results(&run_id, phase, number);
    let mut results = context.workspace.read(key).await?.unwrap_or_else(|| Results {
        archive: batch.archive.clone(),
        bucket: batch.bucket.clone(),
        results: Vec::new(),
    });
    let matcher = Matcher::new(&batch.rules, &SubjectSet::new(roster.subjects));
    let archive = Archive::new(context.s3.clone(), batch.bucket);
    let left = batch.entries.get(results.results.len()..).unwrap_or_default();
    // Nothing new begins after `until`; what has begun is finished, so that no upload is left half-way.
    let outcomes: Vec<_> = stream::iter(left)
        .take_while(|_| ready(Instant::now() < until))
        .map(|entry| one(&archive, phase, entry, &matcher))
        .buffered(context.cores)
        .collect()
        .await;
    results.results.extend(outcomes);
    context.workspace.write(key, &results).await?;
    tracing::info!(run = %run_id, phase = phase.as_str(), batch = number, objects = results.results.len(), "batch");
    Ok(Reply { done: results.results.len() == batch.entries.len() })
}

async fn one(archive: &Archive, phase: Phase, entry: &Entry, matcher: &Matcher) -> Outcome {
    match phase {
        Phase::Forget => purge::forget(archive, entry, matcher).await,
        Phase::Verify => purge::verify(archive, entry, matcher).await,
        _ => purge::find(archive, entry, matcher).await,
    }
}
