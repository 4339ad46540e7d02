//! Looks through an archive for other identifiers of a regulation's people, before anything is erased anywhere.

use std::time::Instant;

use app::resolving::{self, LookedUp};
use app::task_step::Request;
use archive::Archive;
use archive::resolve::{Progress, Resolver};
use aws::bucket::Key;
use destinations::archive::Settings;
use destinations::narrow;
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::probe::Finding;
use model::source_scope::SourceScope;
use model::subject::Subject;

use crate::context::Context;
use crate::handler::Reply;

/// Looks through an archive for as long as time allows. Where it stops, a file says, which is deleted in the end.
pub async fn resolve(context: &Context, request: Request, until: Instant) -> Result<Reply> {
    let (files, until) = (&context.files, until.min(Instant::now() + context.slice));
    let file = Key::LookUp(&request.regulation_id, &request.destination_id);
    let next = resolving::step(&context.store, &request, async |people, known| {
        let archive = context.store.destination(&request.destination_id).await?;
        let settings = archive.settings()?;
        let resolver = resolver(context, &archive, &settings, (people, known), until).await?;
        let mut progress: Progress = files.read(file).await?.unwrap_or_default();
        let save = async |progress: &Progress| files.write(file, progress).await;
        if !resolver.go_on(request.attempt, &mut progress, save).await? {
            files.write(file, &progress).await?;
            return Ok(None);
        }
        let unread = progress.unread().into_iter();
        let unread = unread.map(|(why, count)| (format!("{why}, not looked through"), count));
        Ok(Some(LookedUp {
            resolved: progress.resolved(known),
            looked_at: [("objects".to_owned(), progress.objects())].into(),
            unread: unread.collect(),
        }))
    })
    .await?;
    // A second invocation of the same may have ended meanwhile: nothing stays that this one wrote behind it.
    let done =
        next.done || context.store.is_resolved(&request.regulation_id, &request.destination_id).await?;
    if done {
        files.delete(file).await?;
    }
    Ok(Reply { done })
}

/// What an archive knows of people, by kind, if it can all be looked through at once.
pub async fn resolvable(
    context: &Context,
    archive: &Destination,
    people: &[Vec<Subject>],
    until: Instant,
) -> Result<Finding> {
    let settings = archive.settings()?;
    let resolver = resolver(context, archive, &settings, (people, people), until).await?;
    let mut progress = Progress::default();
    if !resolver.go_on(0, &mut progress, async |_| Ok(())).await? {
        return Err(Failure::transient("looking through it takes longer than a call may last"));
    }
    if !progress.unread().is_empty() {
        return Err(Failure::permanent("some of its objects cannot be read, and may know more"));
    }
    Ok(resolving::finding(&progress.resolved(people)))
}

async fn resolver<'a>(
    context: &Context,
    archive: &Destination,
    settings: &'a Settings,
    (people, known): (&'a [Vec<Subject>], &'a [Vec<Subject>]),
    until: Instant,
) -> Result<Resolver<'a>> {
    let sources = context.store.sources().await?.into_iter().filter(|source| source.trusted_to_link);
    let parts = sources.map(|source| SourceScope { source_id: source.id, collection: None });
    let folders: Vec<_> = parts.map(|part| narrow::archive_prefix(archive, &part)).collect::<Result<_>>()?;
    Ok(Resolver {
        archive: Archive::new(context.s3.clone(), settings.bucket.clone(), settings.request_payer),
        id: archive.id.clone(),
        settings,
        folders: folders.into_iter().flatten().collect(),
        people,
        known,
        files: context.files.clone(),
        index_key: context.index_key.clone(),
        cores: context.cores,
        until,
    })
}
