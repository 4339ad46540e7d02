//! The queues between `collect` and the archives, and between `collect` and other tracking APIs.
//!
//! A message holds events of one source: gzip of their lines, as base64. One message is at most 1 MiB, so that a
//! request may need two.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use model::failure::{Failure, Result};
use model::source::SourceId;
use model::tracking::Event;

/// The most bytes of lines in a message: base64 of what cannot be compressed is still below 1 MiB then.
const MESSAGE: usize = 700_000;

/// SQS's limits for one call with many messages.
const BATCH: usize = 10;
const BATCH_BYTES: usize = 1 << 20;

/// Events of one source.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    source_id: SourceId,
    events: String,
}

impl Message {
    /// Packs events of one source.
    ///
    /// # Errors
    /// `Permanent`, if they cannot be packed.
    pub fn text<'a>(source: &SourceId, events: impl IntoIterator<Item = &'a Event>) -> Result<String> {
        let message = Self::new(source, events)?;
        serde_json::to_string(&message).map_err(|e| Failure::permanent("events cannot be packed").detail(e))
    }

    fn new<'a>(source: &SourceId, events: impl IntoIterator<Item = &'a Event>) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let written = events.into_iter().try_for_each(|event| {
            gzip.write_all(&event.line)?;
            gzip.write_all(b"\n")
        });
        let packed = written.and_then(|()| gzip.finish());
        let packed = packed.map_err(|e| Failure::permanent("events cannot be packed").detail(e))?;
        Ok(Self { source_id: source.clone(), events: BASE64_STANDARD.encode(packed) })
    }

    /// Reads a message's text. Unpacks no more than a message of ours can hold.
    ///
    /// # Errors
    /// `Permanent`, if it is not of the expected form.
    pub fn read(text: &str) -> Result<(SourceId, Vec<Event>)> {
        let foreign = || Failure::permanent("a message in the queue of events is not of the expected form");
        let message: Self = serde_json::from_str(text).map_err(|_| foreign())?;
        let packed = BASE64_STANDARD.decode(message.events).map_err(|_| foreign())?;
        let mut lines = Vec::new();
        let mut gzip = GzDecoder::new(&packed[..]).take(MESSAGE as u64 + 1);
        gzip.read_to_end(&mut lines).map_err(|_| foreign())?;
        if lines.len() > MESSAGE {
            return Err(foreign());
        }
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let events = lines.map(|line| Event::stored(line).map_err(|_| foreign())).collect::<Result<_>>()?;
        Ok((message.source_id, events))
    }
}

/// A queue of accepted events on their way.
#[derive(Debug, Clone)]
pub struct EventQueue {
    client: Client,
    url: String,
}

impl EventQueue {
    /// The queue of this URL.
    pub fn new(config: &SdkConfig, url: String) -> Self {
        Self { client: Client::new(config), url }
    }

    /// Sends events. Once it returns, they are durable.
    ///
    /// # Errors
    /// `Transient`, if SQS throttles or cannot be reached; `Permanent`, if it refuses the call. Some may then be sent
    /// and others not.
    pub async fn send(&self, source: &SourceId, events: &[&Event]) -> Result<()> {
        for part in parts(events) {
            let text = Message::text(source, part.iter().copied())?;
            let request = self.client.send_message().queue_url(&self.url).message_body(text);
            request.send().await.map_err(|e| crate::failure("SQS", &e))?;
        }
        Ok(())
    }
}

impl EventQueue {
    /// Sends events to a FIFO queue, each person's in one [lane](Event::lane). Once it returns, they are durable.
    ///
    /// # Errors
    /// As [`EventQueue::send`].
    pub async fn send_in_lanes(&self, source: &SourceId, events: &[&Event]) -> Result<()> {
        let mut lanes: BTreeMap<u8, Vec<&Event>> = BTreeMap::new();
        events.iter().for_each(|event| lanes.entry(event.lane()).or_default().push(event));
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for (lane, events) in &lanes {
            for part in parts(events) {
                let text = Message::text(source, part.iter().copied())?;
                if entries.len() == BATCH || bytes + text.len() > BATCH_BYTES {
                    self.send_batch(std::mem::take(&mut entries)).await?;
                    bytes = 0;
                }
                bytes += text.len();
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(entries.len().to_string())
                    .message_group_id(format!("{source}-{lane}"))
                    .message_body(text);
                entries.push(
                    entry.build().map_err(|e| Failure::permanent("a message cannot be built").detail(e))?,
                );
            }
        }
        if entries.is_empty() { Ok(()) } else { self.send_batch(entries).await }
    }

    async fn send_batch(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<()> {
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let reply = request.send().await.map_err(|e| crate::failure("SQS", &e))?;
        match reply.failed.first() {
            Some(one) => Err(Failure::transient("SQS took only some of the messages").detail(&one.code)),
            None => Ok(()),
        }
    }
}

/// Splits events into parts, each of which fits into a message.
fn parts<'a>(events: &[&'a Event]) -> Vec<Vec<&'a Event>> {
    let mut parts: Vec<Vec<&Event>> = Vec::new();
    let mut bytes = MESSAGE;
    for event in events {
        bytes += event.line.len() + 1;
        if bytes > MESSAGE {
            parts.push(Vec::new());
            bytes = event.line.len() + 1;
        }
        if let Some(part) = parts.last_mut() {
            part.push(event);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::tracking::{Call, read};

    #[test]
    fn what_is_sent_is_what_arrives_and_no_message_is_too_long() {
        let body = format!(
            r#"{{"batch": [{}]}}"#,
            vec![format!(r#"{{"type": "page", "userId": "u", "name": "{}"}}"#, "x".repeat(900)); 2_000]
                .join(",")
        );
        let now = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
        let events = read(Call::Batch, body.as_bytes(), now).expect("good").events;
        let all: Vec<&Event> = events.iter().collect();
        let source = "web".parse().expect("an id");
        let mut arrived = Vec::new();
        for part in parts(&all) {
            assert!(part.iter().map(|event| event.line.len() + 1).sum::<usize>() <= MESSAGE);
            let text = Message::text(&source, part).expect("packed");
            let (from, events) = Message::read(&text).expect("readable");
            assert_eq!(from, source);
            arrived.extend(events.into_iter().map(|event| event.line));
        }
        assert_eq!(arrived, events.into_iter().map(|event| event.line).collect::<Vec<_>>());
        assert!(parts(&[]).is_empty());
        assert!(Message::read("{}").is_err());
    }
}
