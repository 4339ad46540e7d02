use std::collections::{BTreeMap, HashSet};

use aws::event_queue::Message;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use destinations::archive::Settings;
use lambda_runtime::Error;
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::source::SourceId;
use model::tracking::Event;
use store::Store;

use crate::file;

pub struct Context {
    pub store: Store,
    pub s3: Client,
}

/// Events of one source and day, and the messages that they came in.
#[derive(Default)]
struct Group {
    messages: Vec<String>,
    events: Vec<Event>,
}

/// Writes the events of a batch of messages. A message whose events are not all written is delivered again.
pub async fn record(context: &Context, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut groups: BTreeMap<(SourceId, i64), Group> = BTreeMap::new();
    let mut failed: Vec<String> = Vec::new();
    for message in event.records {
        let id = message.message_id.unwrap_or_default();
        match Message::read(message.body.as_deref().unwrap_or_default()) {
            Ok((source, events)) => {
                for event in events {
                    let group = groups.entry((source.clone(), file::day(event.received_at))).or_default();
                    if group.messages.last() != Some(&id) {
                        group.messages.push(id.clone());
                    }
                    group.events.push(event);
                }
            }
            Err(failure) => {
                tracing::error!(message = id, "{failure}");
                failed.push(id);
            }
        }
    }
    for ((source, day), group) in groups {
        if let Err(failure) = write(context, &source, day, &group).await {
            tracing::error!(%source, kind = %failure.kind, detail = failure.detail, "{}", failure.public);
            failed.extend(group.messages);
        }
    }
    failed.sort();
    failed.dedup();
    let failure = |id| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        failure
    };
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.into_iter().map(failure).collect();
    Ok(response)
}

/// 1. What came in after somebody was suppressed, or before they were erased, is dropped.
/// 2. The file is written to every archive that the source is connected to.
/// 3. If the suppression list changed meanwhile, everyone is looked up again; a file that somebody must not be in
///    any more is replaced. What changes later is the purge's: it lists the archive after the change.
async fn write(context: &Context, source: &SourceId, day: i64, group: &Group) -> Result<()> {
    let buckets = archives(context, source, group).await?;
    let mut before = context.store.changes().await?;
    let mut first = true;
    loop {
        let people =
            context.store.people(&group.events.iter().flat_map(Event::subjects).collect::<Vec<_>>()).await?;
        let keep = |event: &&Event| !people.drops_late(event, source) && !people.erased(event, source);
        let kept: Vec<&Event> = group.events.iter().filter(keep).collect();
        for (settings, events) in &buckets {
            let events: Vec<&Event> =
                kept.iter().copied().filter(|event| events.contains(&event.message_id.as_str())).collect();
            let key = file::key(&settings.prefix, source, day, &group.messages);
            put(&context.s3, &settings.bucket, &key, &events, first && !events.is_empty()).await?;
        }
        tracing::info!(%source, kept = kept.len(), dropped = group.events.len() - kept.len(), "recorded");
        let after = context.store.changes().await?;
        if after == before {
            return Ok(());
        }
        (before, first) = (after, false);
    }
}

/// The archives, each with the ids of the events that came in while the source was connected to it.
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

/// Writes a file. The first time it must not be there: if it is, these messages were delivered before, and what is
/// there is replaced if it is not the same, since it may hold somebody who must not be in it any more.
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
