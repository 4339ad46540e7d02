//! Opens a run: takes the lock, writes down whom it serves, and packs the archives' objects into batches.

use std::collections::{BTreeMap, BTreeSet};

use archive::Archive;
use archive::run_plan::{ObjectBatch, Packer, RunMember, RunPlan};
use aws::bucket::Key;
use destinations::archive::Settings;
use destinations::narrow;
use engine::matching::SubjectSet;
use jiff::Timestamp;
use model::destination::{Destination, DestinationKind};
use model::failure::{Failure, Result};
use model::id::{DestinationId, RunId};
use model::purge_run::Phase;
use model::source_scope::SourceScope;
use model::status::TaskStatus;
use store::{Run, Waiting};

use crate::context::Context;
use crate::run::{goes_on, write_manifest};

/// Answers how many batches there are to look through; none, if nobody waits or another run is on.
pub async fn open(context: &Context, run: &RunId) -> Result<usize> {
    if !context.store.lock(run).await? {
        tracing::info!(%run, "another run is on");
        return Ok(0);
    }
    context.store.create_run(&Run::new(run.clone(), false, Timestamp::now())).await?;
    let dry_run = goes_on(context, run).await?.dry_run;
    let (part, waiting) = company(context).await?;
    let mut plan = plan(context, run, &waiting, dry_run).await?;
    let mut listed = Listed::default();
    for archive in distinct(&plan) {
        let before = listed;
        match list(context, run, &archive, part.as_ref(), &mut listed).await {
            Ok(()) => {}
            Err(failure) if failure.is_transient() => return Err(failure),
            Err(failure) => {
                // What was listed of it before it failed is not looked at: the next archive's batches take its place.
                listed = before;
                plan.unreadable.insert(archive, failure.public);
            }
        }
    }
    context.files.write(Key::RunPlan(run), &plan).await?;
    write_manifest(context, run, Phase::Find, listed.batches).await?;
    context.store.begin_find(run, plan.members.len(), listed.versions, listed.bytes).await?;
    Ok(listed.batches)
}

/// Who has waited longest, and all who wait for the same part of the archives: a run looks for everybody in all that it
/// reads, so that what only one source's events are to lose needs a run of its own.
async fn company(context: &Context) -> Result<(Option<SourceScope>, Vec<Waiting>)> {
    let mut company = (None, Vec::new());
    for waiting in context.store.waiting().await? {
        let part = context.store.regulation(&waiting.regulation_id).await?.and_then(|r| r.part);
        if company.1.is_empty() {
            company.0 = part.clone();
        }
        if company.0 == part {
            company.1.push(waiting);
        }
    }
    Ok(company)
}

/// Gathers the subjects of all who wait, each once, and marks their tasks as begun, unless the run only looks.
async fn plan(context: &Context, run: &RunId, waiting: &[Waiting], dry_run: bool) -> Result<RunPlan> {
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
                    store.save_task(id, &task).await?;
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
    Ok(RunPlan { subjects: set.iter().cloned().collect(), members, unreadable: BTreeMap::new() })
}

fn distinct(plan: &RunPlan) -> BTreeSet<DestinationId> {
    plan.members.iter().flat_map(|member| &member.archives).cloned().collect()
}

/// How much there is to look through.
#[derive(Clone, Copy, Default)]
struct Listed {
    batches: usize,
    versions: u64,
    bytes: u64,
}

/// Writes an archive's batches as they fill up, so that no archive is too large to be listed.
async fn list(
    context: &Context,
    run: &RunId,
    archive: &DestinationId,
    part: Option<&SourceScope>,
    listed: &mut Listed,
) -> Result<()> {
    let destination = context.store.destination(archive).await?;
    let settings: Settings = destination.settings()?;
    let bucket = Archive::new(context.s3.clone(), settings.bucket.clone());
    let prefix = match part {
        None => settings.prefix.clone(),
        Some(part) => match narrow::archive_prefix(&destination, part)? {
            Some(prefix) => prefix,
            None => return Ok(()),
        },
    };
    let mut listing = bucket.list(&prefix);
    let (mut packer, first) = (Packer::new(context.batch_objects), listed.batches);
    let batch = |entries| ObjectBatch {
        archive: archive.clone(),
        bucket: settings.bucket.clone(),
        rules: settings.rules.clone(),
        entries,
    };
    loop {
        let page = listing.next().await?;
        let ended = page.is_none();
        if ended && listed.batches == first && packer.is_empty() && part.is_some() {
            must_have_folders(&bucket, &destination, &settings).await?;
        }
        let mut full: Vec<_> = Vec::new();
        for entry in page.unwrap_or_default() {
            listed.versions += entry.versions.len() as u64;
            listed.bytes += entry.versions.iter().map(|version| version.size).sum::<u64>();
            full.extend(packer.push(entry));
        }
        if ended {
            full.extend(packer.take());
        }
        for entries in full {
            context.files.write(Key::Batch(run, Phase::Find, listed.batches), &batch(entries)).await?;
            listed.batches += 1;
        }
        if ended {
            return Ok(());
        }
    }
}

/// A source without a folder has brought nothing only if the archive has folders of sources at all.
async fn must_have_folders(bucket: &Archive, archive: &Destination, settings: &Settings) -> Result<()> {
    let anything = async |prefix: &str| Ok(bucket.list(prefix).next().await?.is_some());
    if anything(&narrow::source_folders(archive)).await? || !anything(&settings.prefix).await? {
        return Ok(());
    }
    Err(Failure::permanent(
        "the archive has no folders of sources (segment-logs/{source}/): it cannot be narrowed to one, and nothing was erased; make this a regulation of the workspace",
    ))
}
