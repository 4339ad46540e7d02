//! The archive files that events are written to.

use std::collections::HashSet;
use std::io::Write;

use destinations::layout;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use model::source::SourceId;
use model::tracking::Event;
use sha2::{Digest, Sha256};

const DAY_MS: i64 = 86_400_000;

/// The day an event was received, as UTC midnight in Unix milliseconds.
pub fn day(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(DAY_MS) * DAY_MS
}

/// The key of a file, which is named by the messages whose events it holds: if they are delivered again together, they
/// are written to the same file.
pub fn key(prefix: &str, source: &SourceId, day: i64, messages: &[String]) -> String {
    let mut messages = messages.to_vec();
    messages.sort();
    let hash = Sha256::digest(messages.join("\n"));
    let name: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{name}.gz", layout::day_folder(prefix, source, day))
}

/// The content of a file: one event per line, each message id once.
pub fn content(events: &[&Event]) -> std::io::Result<Vec<u8>> {
    let mut seen = HashSet::new();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    for event in events.iter().filter(|event| seen.insert(&event.message_id)) {
        gzip.write_all(&event.line)?;
        gzip.write_all(b"\n")?;
    }
    gzip.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_segment_puts_them_and_are_the_same_for_the_same_messages() {
        let source = "web".parse().expect("an id");
        let day = day("2026-11-02T23:59:59Z".parse().expect("a timestamp"));
        assert_eq!(day, 1_793_577_600_000);
        let one = key("", &source, day, &["a".into(), "b".into()]);
        assert!(one.starts_with("segment-logs/web/1793577600000/") && one.ends_with(".gz"), "{one}");
        assert_eq!(one, key("segment-logs/", &source, day, &["b".into(), "a".into()]));
        assert!(key("backup/", &source, day, &[]).starts_with("backup/segment-logs/web/"));
    }
}
