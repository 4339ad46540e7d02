//! Opens a run: takes the lock, writes down whom it serves, and packs the archives' objects into batches.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shared::archive::manifest::{Batch, Entry, Member, Phase, Roster, pack};
use shared::archive::workspace::Key;
use shared::archive::{Archive, Settings};
use shared::destination::Kind;
use shared::failure::Result;
use shared::id::{DestinationId, RunId};
use shared::matching::SubjectSet;
use shared::status::TaskStatus;
use shared::store::{Run, Waiting};

use crate::context::Context;
use crate::run::write_manifest;

/// Answers how many batches there are to look through; none, if nobody waits or another run is on.
pub async fn open(context: &Context, run: &RunId) -> Result<usize> {
    if !context.store.lock(run).await? {
        tracing::info!(%run, "another run is on");
        return Ok(0);
    }
    let known = context.store.run(run).await?;
    let mut record = known.unwrap_or_else(|| Run::new(run.clone(), false, Timestamp::now()));
    let waiting = context.store.waiting().await?;
    let mut roster = roster(context, &waiting, record.dry_run).await?;
    let mut batches = Vec::new();
    for archive in distinct(&roster) {
        match list(context, &archive).await {
            Ok(listed) => batches.extend(listed),
            Err(failure) if failure.is_transient() => return Err(failure),
            Err(failure) => drop(roster.unreadable.insert(archive, failure.public)),
        }
    }
    context.workspace.write(Key::Roster(run), &roster).await?;
    for (number, batch) in batches.iter().enumerate() {
        context.workspace.write(Key::Batch(run, Phase::Find, number), batch).await?;
    }
    write_manifest(context, run, Phase::Find, batches.len()).await?;
    let versions = || batches.iter().flat_map(|b| &b.entries).flat_map(|entry| &entry.versions);
    record.phase = Phase::Find;
    record.regulations = roster.members.len();
    record.objects = versions().count() as u64;
    record.bytes = versions().map(|version| version.size).sum();
    context.store.save_run(&record).await?;
    Ok(batches.len())
}

/// Gathers the subjects of all who wait, each once, and marks their tasks as begun, unless the run only looks.
async fn roster(context: &Context, waiting: &[Waiting], dry_run: bool) -> Result<Roster> {
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
            if task.kind == Kind::Archive && !task.status.is_final() {
                if !dry_run {
                    task.progressed(TaskStatus::Running);
                    store.save_task(id, &task).await?;
                }
                archives.push(task.destination_id);
            }
        }
        members.push(Member {
            regulation_id: id.clone(),
            attempt: store.regulation(id).await?.map_or(1, |regulation| regulation.attempt),
            task_token: waiting.task_token.clone(),
            archives,
            subjects: subjects.iter().filter_map(|subject| set.index_of(subject)).collect(),
        });
    }
    Ok(Roster { subjects: set.iter().cloned().collect(), members, unreadable: BTreeMap::new() })
}

fn distinct(roster: &Roster) -> BTreeSet<DestinationId> {
    roster.members.iter().flat_map(|member| &member.archives).cloned().collect()
}

async fn list(context: &Context, archive: &DestinationId) -> Result<Vec<Batch>> {
    let settings: Settings = context.store.destination(archive).await?.settings()?;
    let entries = Archive::new(context.s3.clone(), settings.bucket.clone()).list(&settings.prefix).await?;
    let batch = |entries: Vec<Entry>| Batch {
        archive: archive.clone(),
        bucket: settings.bucket.clone(),
        rules: settings.rules.clone(),
        entries,
    };
    Ok(pack(entries).into_iter().map(batch).collect())
}
