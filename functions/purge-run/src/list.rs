//! Packs the archives' objects into batches: as many as one invocation has time for; the next continues.
//!
//! 1. Listing waits until every recorder has ended that began before the last member was suppressed.
//! 2. Each invocation numbers its batches in a range of its own. Should two run at once, neither overwrites the
//!    other's, and the last to end says which batches count.
//! 3. When all archives are listed, the manifest is written and the run continues with find.

use std::ops::RangeFrom;
use std::time::Instant;

use archive::Archive;
use archive::listing::{ListingProgress, Packer};
use archive::run_plan::{Entry, ObjectBatch, RunPlan};
use aws::bucket::Key;
use destinations::archive::Settings;
use destinations::narrow;
use lambda::clock;
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::{DestinationId, RunId};
use model::purge_run::Phase;

use crate::context::Context;
use crate::run::{goes_on, unstopped, write_manifest};

/// Batch numbers of an invocation: more than it can use.
const NUMBERS: usize = 10_000_000;

/// Returns how many batches there are so far, and whether there is more to list.
pub async fn list(context: &Context, run: &RunId) -> Result<(usize, bool)> {
    let until = Instant::now() + context.list_slice;
    // Without a plan, another run was under way.
    let Some(plan) = context.files.read::<RunPlan>(Key::RunPlan(run)).await? else { return Ok((0, false)) };
    goes_on(context, run).await?;
    if plan.seconds_to_wait(clock::now()) > 0 {
        return Err(Failure::transient("a recorder may still write to the archives: too early to list them"));
    }
    let progress: Option<ListingProgress> = context.files.read(Key::Listing(run)).await?;
    let mut progress = progress.unwrap_or_default();
    let mut numbers = context.store.count_listing(run).await? * NUMBERS..;
    for archive in plan.archives() {
        if progress.done.contains(archive) {
            continue;
        }
        match list_archive(context, run, &plan, archive, &mut progress, &mut numbers, until).await {
            Ok(true) => progress.finish(archive, None),
            Ok(false) => {
                context.files.write(Key::Listing(run), &progress).await?;
                return Ok((progress.listed.batches.len(), true));
            }
            Err(failure) if failure.is_transient() => return Err(failure),
            Err(failure) => progress.finish(archive, Some(failure.public)),
        }
    }
    context.files.write(Key::Listing(run), &progress).await?;
    let listed = progress.listed;
    write_manifest(context, run, Phase::Find, &listed.batches).await?;
    let members = plan.members.len();
    unstopped(context.store.begin_find(run, members, listed.versions, listed.bytes).await?)?;
    Ok((listed.batches.len(), false))
}

/// Writes an archive's batches as they fill up, so that no archive is too large to be listed. Returns whether it
/// reached the end before time was up.
async fn list_archive(
    context: &Context,
    run: &RunId,
    plan: &RunPlan,
    archive: &DestinationId,
    progress: &mut ListingProgress,
    numbers: &mut RangeFrom<usize>,
    until: Instant,
) -> Result<bool> {
    let destination = context.store.destination(archive).await?;
    let settings: Settings = destination.settings()?;
    let bucket = Archive::new(context.s3.clone(), settings.bucket.clone(), settings.request_payer);
    let prefix = match &plan.part {
        None => settings.prefix.clone(),
        Some(part) => match narrow::archive_prefix(&destination, part)? {
            Some(prefix) => prefix,
            None => return Ok(true),
        },
    };
    let mut listing = bucket.list(&prefix).after(progress.after.clone());
    let mut packer = Packer::new(context.batch_objects);
    let batch = |entries: Vec<Entry>| ObjectBatch {
        archive: archive.clone(),
        bucket: settings.bucket.clone(),
        request_payer: settings.request_payer,
        rules: settings.rules.clone(),
        entries,
    };
    loop {
        let page = listing.next().await?;
        let ended = page.is_none();
        if ended && progress.listed == progress.whole && packer.is_empty() && plan.part.is_some() {
            must_have_folders(&bucket, &destination, &settings).await?;
        }
        let page = page.unwrap_or_default();
        progress.after = page.last().map(|entry| entry.key.clone()).or(progress.after.take());
        let mut full = Vec::new();
        for entry in page {
            if settings.excludes(&entry.key) {
                *progress.excluded.entry(archive.clone()).or_default() += 1;
                continue;
            }
            progress.listed.versions += entry.versions.len() as u64;
            progress.listed.bytes += entry.versions.iter().map(|version| version.size).sum::<u64>();
            full.extend(packer.push(entry));
        }
        let enough = ended || Instant::now() >= until;
        if enough {
            full.extend(packer.take());
        }
        for (entries, number) in full.into_iter().zip(&mut *numbers) {
            context.files.write(Key::Batch(run, Phase::Find, number), &batch(entries)).await?;
            progress.listed.batches.push(number);
        }
        if enough {
            return Ok(ended);
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
