//! Works through one batch of a purge run; or looks through an archive for other identifiers of people
//! ([`resolve`](crate::resolve)), or answers the API's probe of one.
//!
//! 1. The plan holds the subjects, the batch the objects.
//! 2. Each core works on one object at a time: finds, forgets or verifies. Every few seconds the progress is noted, and
//!    the stop flag is checked.
//! 3. When time is up, the results are stored, and the state machine invokes the function again for the rest.

use std::cell::Cell;
use std::time::{Duration, Instant};

use app::resolving::Resolve;
use app::worker::{self, Event};
use archive::Archive;
use archive::filters::Filters;
use archive::ledger::Ledger;
use archive::purge::{Left, Purge};
use archive::run_plan::{Checkpoint, Entry, KeyOutcome, ObjectBatch, Results, RunPlan};
use aws::bucket::Key;
use engine::matching::{Matcher, SubjectSet};
use futures::future::ready;
use futures::{StreamExt, stream};
use lambda::clock::{self, Ticks};
use model::failure::{Failure, Result};
use model::id::RunId;
use model::purge_run::Phase;
use serde::{Deserialize, Serialize};
use store::Run;
use tokio::select;

use crate::context::Context;
use crate::probe;
use crate::record::Record;
use crate::resolve::resolve;

/// How often a batch notes its progress, and checks whether it is to stop.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// How often it stores its results, in case the invocation does not end.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// What a state machine asks for.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Work {
    /// Other identifiers of the people, before anything is erased.
    Resolve(Resolve),
    /// A batch of a purge run.
    Purge(Request),
}

/// Does as much of the work as time allows, or answers a probe.
///
/// # Errors
/// `Transient`, if AWS throttles or cannot be reached; `Permanent`, if the run was stopped or has ended, or the archive
/// cannot be listed.
pub async fn handle(context: &Context, event: Event<Work>, until: Instant) -> Result<worker::Reply<Reply>> {
    let step = async |work, until| match work {
        Work::Resolve(Resolve { request, .. }) => resolve(context, request, until).await,
        Work::Purge(request) => purge(context, request, until).await,
    };
    worker::handle(event, until, step, async |probe, until| probe::look(context, probe, until).await).await
}

/// A batch of a phase.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    run_id: RunId,
    phase: Phase,
    batch: usize,
}

/// The answer to the state machine.
#[derive(Serialize)]
pub struct Reply {
    /// Whether the work is done; otherwise it continues in the next invocation.
    pub(crate) done: bool,
}

/// Does as much of a batch as time allows, one object per core at a time, and stores its results.
async fn purge(context: &Context, request: Request, until: Instant) -> Result<Reply> {
    let Request { run_id, phase, batch: number } = request;
    let until = until.min(Instant::now() + context.slice);
    let stopped = || Failure::permanent(format!("{run_id} was stopped"));
    if is_stopped(context, &run_id).await? {
        return Err(stopped());
    }
    let files = &context.files;
    let plan: RunPlan = files.expect(Key::RunPlan(&run_id)).await?;
    let batch: ObjectBatch = files.expect(Key::Batch(&run_id, phase, number)).await?;
    let mut record = Record::open(files, Key::Results(&run_id, phase, number), &batch).await?;
    // Verifying works through the same batches as forgetting.
    let forgot: Option<Results> = match phase {
        Phase::Verify => files.read(Key::Results(&run_id, Phase::Forget, number)).await?,
        _ => None,
    };
    let forgot = forgot.map(|results| results.results).unwrap_or_default();
    let matcher = Matcher::new(&batch.rules, &SubjectSet::new(plan.subjects));
    let index_key = context.index_key.clone();
    let purge = Purge {
        archive: Archive::new(context.s3.clone(), batch.bucket, batch.request_payer),
        filters: Filters::new(files.clone(), batch.archive, batch.rules, &matcher, index_key),
        ledger: Ledger::new(files.clone(), run_id.clone()),
        until,
        matcher,
    };
    let tell = async |record: &Record<'_>| {
        context.store.note_progress(&run_id, phase, number, record.progress()).await?;
        is_stopped(context, &run_id).await
    };
    let left: Vec<_> = (batch.entries.iter().enumerate())
        .filter(|(place, _)| !record.is_done(*place))
        .map(|(place, entry)| (place, entry, record.checkpoints(place, &entry.key)))
        .collect();
    // After `until` or a stop nothing new begins but a first object, so that every invocation makes progress; what has
    // begun is finished or paused, so that no upload is left half-way.
    let leave_off = Cell::new(false);
    let goes_on = |begun: usize| begun == 0 || !leave_off.get() && Instant::now() < until;
    if record.is_careful() {
        for (begun, (place, entry, from)) in left.into_iter().enumerate() {
            if !goes_on(begun) {
                break;
            }
            record.work_alone_on(place).await?;
            let left = one(&purge, phase, entry, from, forgot.get(&place)).await;
            record.take(place, left);
            leave_off.set(tell(&record).await?);
        }
    } else {
        let mut outcomes = stream::iter(left.into_iter().enumerate())
            .take_while(|(begun, _)| ready(goes_on(*begun)))
            .map(async |(_, (place, entry, from))| {
                (place, one(&purge, phase, entry, from, forgot.get(&place)).await)
            })
            .buffer_unordered(context.cores)
            .boxed_local();
        let mut ticks = Ticks::every(TELL_EVERY);
        let mut saved = clock::now();
        loop {
            select! {
                biased;
                () = ticks.tick() => {
                    leave_off.set(tell(&record).await?);
                    if clock::now() > saved + SAVE_EVERY {
                        record.save().await?;
                        saved = clock::now();
                    }
                }
                outcome = outcomes.next() => match outcome {
                    Some((place, left)) => record.take(place, left),
                    None => break,
                },
            }
        }
    }
    record.close().await?;
    tell(&record).await?;
    let objects = record.done();
    tracing::info!(run = %run_id, phase = phase.as_str(), batch = number, objects, "batch");
    if leave_off.get() { Err(stopped()) } else { Ok(Reply { done: objects == batch.entries.len() }) }
}

async fn is_stopped(context: &Context, run: &RunId) -> Result<bool> {
    let ended = |run: Run| run.stop_requested || run.finished_at.is_some();
    Ok(context.store.run(run).await?.is_some_and(ended))
}

async fn one(
    purge: &Purge,
    phase: Phase,
    entry: &Entry,
    from: Checkpoint,
    forgot: Option<&KeyOutcome>,
) -> Left {
    match phase {
        Phase::Forget => purge.forget(entry, from).await,
        Phase::Verify => purge.verify(entry, from, forgot.and_then(|forgot| forgot.written.as_ref())).await,
        _ => purge.find(entry, from).await,
    }
}
