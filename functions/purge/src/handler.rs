use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use futures::future::ready;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::archive::Archive;
use shared::archive::filters::Filters;
use shared::archive::ledger::Ledger;
use shared::archive::manifest::{Batch, Entry, Outcome, Phase, Results, Roster};
use shared::archive::purge::Purge;
use shared::archive::workspace::{Key, Workspace};
use shared::failure::{Failure, Result};
use shared::id::RunId;
use shared::index::IndexKey;
use shared::matching::{Matcher, SubjectSet};
use shared::store::{Progress, Store};

/// How often a batch tells how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub struct Context {
    pub store: Store,
    pub workspace: Workspace,
    pub index_key: IndexKey,
    pub s3: Client,
    pub cores: usize,
    /// How long an invocation works before it leaves the rest to the next.
    pub slice: Duration,
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
    let until = until.min(Instant::now() + context.slice);
    if context.store.run(&run_id).await?.is_some_and(|run| run.stop_requested) {
        return Err(Failure::permanent(format!("{run_id} was stopped")));
    }
    let roster: Roster = context.workspace.expect(Key::Roster(&run_id)).await?;
    let batch: Batch = context.workspace.expect(Key::Batch(&run_id, phase, number)).await?;
    let key = Key::Results(&run_id, phase, number);
    let mut results = context.workspace.read(key).await?.unwrap_or_else(|| Results {
        archive: batch.archive.clone(),
        bucket: batch.bucket.clone(),
        results: BTreeMap::new(),
    });
    let matcher = Matcher::new(&batch.rules, &SubjectSet::new(roster.subjects));
    let (workspace, index_key) = (context.workspace.clone(), context.index_key.clone());
    let purge = Purge {
        archive: Archive::new(context.s3.clone(), batch.bucket),
        filters: Filters::new(workspace.clone(), batch.archive, batch.rules, &matcher, index_key),
        ledger: Ledger::new(workspace, run_id.clone()),
        until,
        matcher,
    };
    let done: BTreeSet<usize> = results.results.keys().copied().collect();
    let left = batch.entries.iter().enumerate().filter(|(place, _)| !done.contains(place));
    // Nothing new begins after `until`, but for one object, so that every invocation gets on; what has begun is
    // finished or paused, so that no upload is left half-way.
    let mut outcomes = stream::iter(left.enumerate())
        .take_while(|(begun, _)| ready(*begun == 0 || Instant::now() < until))
        .map(async |(_, (place, entry))| (place, one(&purge, phase, entry).await))
        .buffered(context.cores)
        .boxed_local();
    let mut told = Instant::now();
    while let Some((place, outcome)) = outcomes.next().await {
        results.results.extend(outcome.map(|outcome| (place, outcome)));
        if told.elapsed() > TELL_EVERY {
            context.store.note_progress(&run_id, phase, number, progress(&results)).await?;
            told = Instant::now();
        }
    }
    context.workspace.write(key, &results).await?;
    context.store.note_progress(&run_id, phase, number, progress(&results)).await?;
    let objects = results.results.len();
    tracing::info!(run = %run_id, phase = phase.as_str(), batch = number, objects, "batch");
    Ok(Reply { done: objects == batch.entries.len() })
}

async fn one(purge: &Purge, phase: Phase, entry: &Entry) -> Option<Outcome> {
    match phase {
        Phase::Forget => purge.forget(entry).await,
        Phase::Verify => Some(purge.verify(entry).await),
        _ => Some(purge.find(entry).await),
    }
}

fn progress(results: &Results) -> Progress {
    let seen = || results.results.values().flat_map(|outcome| &outcome.seen);
    Progress {
        objects: results.results.len() as u64,
        bytes: seen().map(|seen| seen.report.bytes).sum(),
        hits: seen().map(|seen| seen.report.removed).sum(),
    }
}
