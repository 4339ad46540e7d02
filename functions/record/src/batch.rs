//! The events of a batch of messages, unpacked part by part.

use std::collections::{BTreeMap, VecDeque};

use aws::event_queue::Message;
use aws_lambda_events::sqs::SqsMessage;
use model::source::SourceId;
use model::tracking::Event;

use crate::file;

/// Bytes of lines to unpack before they are written: in memory their events take a few times as much.
pub const BUDGET: usize = 32 << 20;

/// Events of one source and day, and the messages that they came in.
#[derive(Default)]
pub struct Group {
    pub messages: Vec<String>,
    pub events: Vec<Event>,
}

/// Some messages of a batch.
#[derive(Default)]
pub struct Part {
    pub groups: BTreeMap<(SourceId, i64), Group>,
    /// The ids of messages that cannot be read.
    pub unreadable: Vec<String>,
}

/// Takes messages off the batch until they have `budget` bytes of lines; the last one may exceed it.
pub fn take(batch: &mut VecDeque<SqsMessage>, budget: usize) -> Part {
    let (mut part, mut bytes) = (Part::default(), 0);
    while bytes < budget
        && let Some(message) = batch.pop_front()
    {
        let id = message.message_id.unwrap_or_default();
        let (source, events) = match Message::read(message.body.as_deref().unwrap_or_default()) {
            Ok(read) => read,
            Err(failure) => {
                tracing::error!(message = id, "{failure}");
                part.unreadable.push(id);
                continue;
            }
        };
        for event in events {
            bytes += event.line.len();
            let group = part.groups.entry((source.clone(), file::day(event.received_at))).or_default();
            if group.messages.last() != Some(&id) {
                group.messages.push(id.clone());
            }
            group.events.push(event);
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn message(id: usize, lines: usize) -> SqsMessage {
        let line = r#"{"type":"page","userId":"u","messageId":"m","receivedAt":"2026-11-24T20:00:00.000Z"}"#;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(format!("{line}\n").repeat(lines).as_bytes()).expect("memory");
        let events = BASE64_STANDARD.encode(gzip.finish().expect("memory"));
        let mut message = SqsMessage::default();
        message.message_id = Some(id.to_string());
        message.body = Some(format!(r#"{{"sourceId":"web","events":"{events}"}}"#));
        message
    }

    #[test]
    fn a_batch_of_small_messages_that_hold_much_is_unpacked_bit_by_bit() {
        let mut batch: VecDeque<SqsMessage> = (0..10).map(|id| message(id, 1_000)).collect();
        batch.push_front(message(10, 100_000));
        let (mut parts, mut unreadable, mut messages) = (0, Vec::new(), Vec::new());
        while !batch.is_empty() {
            let part = take(&mut batch, 200_000);
            let bytes = |group: &Group| group.events.iter().map(|event| event.line.len()).sum::<usize>();
            assert!(part.groups.values().map(bytes).sum::<usize>() < 300_000);
            parts += 1;
            unreadable.extend(part.unreadable);
            messages.extend(part.groups.into_values().flat_map(|group| group.messages));
        }
        assert_eq!((parts, unreadable), (4, vec!["10".to_owned()]), "what exceeds a message is none of ours");
        assert_eq!(messages, (0..10).map(|id| id.to_string()).collect::<Vec<_>>(), "none is lost");
    }
}
