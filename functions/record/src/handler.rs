use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use destinations::archive::Settings;
use jiff::Timestamp;
use lambda::clock;
use lambda_runtime::Error;
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::person::{People, REMEMBERED};
use model::source::SourceId;
use model::tracking::Event;
use store::Store;

use crate::batch::{self, BUDGET, Group};
use crate::file;

/// What an invocation uses, made once at cold start.
pub struct Context {
    /// The tables.
    pub store: Store,
    /// The archives.
    pub s3: Client,
}

/// How long messages are unpacked; what is left of the batch then is delivered again.
const UNPACK_FOR: Duration = Duration::from_secs(60);

/// 1. Messages are unpacked up to a number of bytes.
/// 2. Their events are written to the archives, then the next messages follow.
/// 3. A message is delivered again if it cannot be read, its events are not all written, or its turn did not come.
///
/// # Errors
/// None: what fails is delivered again.
pub async fn record(context: &Context, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let start = Instant::now();
    let mut batch: VecDeque<SqsMessage> = event.records.into();
    let mut failed: BTreeSet<String> = BTreeSet::new();
    while !batch.is_empty() && start.elapsed() < UNPACK_FOR {
        let part = batch::take(&mut batch, BUDGET);
        failed.extend(part.unreadable);
        for ((source, day), group) in part.groups {
            if let Err(failure) = write(context, &source, day, &group).await {
                tracing::error!(%source, kind = %failure.kind, detail = failure.detail, "{}", failure.public);
                failed.extend(group.messages);
            }
        }
    }
    failed.extend(batch.into_iter().filter_map(|message| message.message_id));
    let failure = |id| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        failure
    };
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.into_iter().map(failure).collect();
    Ok(response)
}

/// 1. All subjects are looked up. Events received after their suppression, or before their erasure, are dropped.
/// 2. The file is written to every archive that the source is connected to.
/// 3. If the suppression list changed meanwhile, they are looked up again, and the file is replaced if it holds an
///    event that must no longer be kept. This ends once a look drops nothing: later changes are left to the purge,
///    which lists the archive after the change.
async fn write(context: &Context, source: &SourceId, day: i64, group: &Group) -> Result<()> {
    not_too_old(group, clock::now())?;
    let buckets = archives(context, source, group).await?;
    let mut kept: Vec<&Event> = group.events.iter().collect();
    let mut first = true;
    loop {
        let before = context.store.changes().await?;
        let people =
            context.store.people(&kept.iter().flat_map(|event| event.subjects()).collect::<Vec<_>>()).await?;
        if !drop_some(&mut kept, &people, source) && !first {
            return Ok(());
        }
        for (settings, events) in &buckets {
            let events: Vec<&Event> =
                kept.iter().copied().filter(|event| events.contains(&event.message_id.as_str())).collect();
            let key = file::key(&settings.prefix, source, day, &group.messages);
            put(&context.s3, &settings.bucket, &key, &events, first && !events.is_empty()).await?;
        }
        tracing::info!(%source, kept = kept.len(), dropped = group.events.len() - kept.len(), "recorded");
        if context.store.changes().await? == before {
            return Ok(());
        }
        first = false;
    }
}

/// Refuses events for which an erasure may have been forgotten meanwhile: messages that were sent once more from the dead
/// letters.
fn not_too_old(group: &Group, now: Timestamp) -> Result<()> {
    match group.events.iter().any(|event| event.received_at < now - REMEMBERED) {
        true => Err(Failure::permanent(
            "events have waited for over 30 days: their people may have been erased since",
        )),
        false => Ok(()),
    }
}

/// Drops the events that must not be kept. Returns whether there were any. A dropped event stays dropped: however often
/// the list changes, this drops something at most as often as there are events.
fn drop_some(kept: &mut Vec<&Event>, people: &People, source: &SourceId) -> bool {
    let before = kept.len();
    kept.retain(|event| !people.drops_late(event, source) && !people.erased(event, source));
    kept.len() < before
}

/// The archives, each with the message ids of the events received while the source was connected to it.
async fn archives<'a>(
    context: &Context,
    source: &SourceId,
    group: &'a Group,
) -> Result<Vec<(Settings, HashSet<&'a str>)>> {
    let source = context.store.source(source).await?;
    let source = source.ok_or_else(|| Failure::permanent("the source of some events is gone"))?;
    let destinations = context.store.destinations().await?;
    let mut ids: BTreeMap<&DestinationId, (&Destination, HashSet<&str>)> = BTreeMap::new();
    for event in &group.events {
        for archive in source.archives_at(event.received_at, &destinations) {
            let (_, theirs) = ids.entry(&archive.id).or_insert((archive, HashSet::new()));
            theirs.insert(&event.message_id);
        }
    }
    if ids.is_empty() {
        let message = "a source is connected to no archive: connect it, and the events are written";
        return Err(Failure::permanent(message));
    }
    ids.into_values().map(|(archive, ids)| Ok((archive.settings()?, ids))).collect()
}

/// Writes a file. The first time it must not exist. If it does, these messages were delivered before, and all its
/// versions are replaced: they may hold people who must no longer be in them.
async fn put(s3: &Client, bucket: &str, key: &str, events: &[&Event], first: bool) -> Result<()> {
    let failure = |e: &dyn std::fmt::Display| Failure::transient("an archive cannot be written").detail(e);
    let body = file::content(events).map_err(|e| failure(&e))?;
    if first {
        let request = s3.put_object().bucket(bucket).key(key).if_none_match("*").body(body.clone().into());
        match request.send().await {
            Ok(_) => return Ok(()),
            Err(e) if e.code() == Some("PreconditionFailed") => {}
            Err(e) => return Err(failure(&e.code().unwrap_or("no answer"))),
        }
    }
    let versions = s3.list_object_versions().bucket(bucket).prefix(key).send().await;
    let versions = versions.map_err(|e| failure(&e.code().unwrap_or("no answer")))?;
    let versions: Vec<_> = versions.versions().iter().filter(|version| version.key() == Some(key)).collect();
    if versions.is_empty() && events.is_empty() {
        return Ok(());
    }
    if !events.is_empty() {
        let request = s3.put_object().bucket(bucket).key(key).body(body.into());
        request.send().await.map_err(|e| failure(&e.code().unwrap_or("no answer")))?;
    }
    for version in versions {
        // An archive without versions has been overwritten already.
        if version.version_id().is_none_or(|id| id == "null") && !events.is_empty() {
            continue;
        }
        let request = s3.delete_object().bucket(bucket).key(key).set_version_id(version.version_id.clone());
        request.send().await.map_err(|e| failure(&e.code().unwrap_or("no answer")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use model::person::{Person, SuppressionScope};
    use model::subject::Subject;
    use model::tracking::{Call, read};

    use super::*;

    #[test]
    fn events_for_which_an_erasure_may_be_forgotten_are_refused() {
        let now: Timestamp = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
        let event = |days: i64| {
            let at = now - SignedDuration::from_hours(24 * days);
            read(Call::Batch, br#"{"batch": [{"type": "page", "userId": "a"}]}"#, at)
                .expect("a body")
                .events
                .remove(0)
        };
        for (days, is_taken) in [(0, true), (30, true), (31, false)] {
            let group = Group { events: vec![event(0), event(days)], ..Group::default() };
            assert_eq!(not_too_old(&group, now).is_ok(), is_taken, "{days} days");
        }
    }

    /// With hundreds of regulations a minute the list never rests: once, a file was written again for each.
    #[test]
    fn a_look_that_drops_nothing_new_ends_it_even_if_somebody_is_let_in_again() {
        let source: SourceId = "web".parse().expect("an id");
        let body = br#"{"batch": [{"type": "page", "userId": "a"}, {"type": "page", "userId": "b"}]}"#;
        let events = read(Call::Batch, body, "2026-11-24T20:00:00Z".parse().expect("a timestamp"));
        let events = events.expect("a body").events;
        let mut kept: Vec<&Event> = events.iter().collect();
        let mut people = People::default();
        assert!(!drop_some(&mut kept, &people, &source));
        let suppressed = Person { scopes: [SuppressionScope::Workspace].into(), ..Person::default() };
        people.insert(Subject::user("a"), suppressed);
        assert!(drop_some(&mut kept, &people, &source));
        assert!(!drop_some(&mut kept, &people, &source), "she is dropped already");
        assert!(!drop_some(&mut kept, &People::default(), &source));
        assert_eq!(kept.len(), 1, "what was dropped stays so");
    }
}
