//! Connections: to which destinations a source's events go, and from when until when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::{Failure, Result};
use crate::id::DestinationId;

/// The most connections of a source, ended ones included.
const MAX_CONNECTIONS: usize = 500;

/// That a source's events go, or went, to a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// The destination that receives the source's events.
    pub destination_id: DestinationId,
    /// When that began.
    pub from: Timestamp,
    /// When that ended; it goes on, if left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
}

impl Connection {
    /// Whether events went there at that time.
    pub fn holds_at(&self, time: Timestamp) -> bool {
        self.from <= time && self.until.is_none_or(|until| time < until)
    }

    /// The part of a span of time during which events went there.
    pub fn overlap(&self, first: Timestamp, last: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let from = self.from.max(first);
        let until = self.until.map_or(last, |until| until.min(last));
        (from <= until).then_some((from, until))
    }
}

/// A requested connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewConnection {
    /// The destination that receives the source's events.
    pub(super) destination_id: DestinationId,
    /// When that began; now, if left out.
    pub(super) from: Option<Timestamp>,
    /// When that ended; it goes on, if left out.
    pub(super) until: Option<Timestamp>,
}

/// Checks requested connections, which may lead to `destinations` only.
///
/// # Errors
/// `Invalid`, naming the field.
pub(super) fn check_connections(
    wanted: Vec<NewConnection>,
    destinations: &[DestinationId],
    now: Timestamp,
) -> Result<Vec<Connection>> {
    let invalid = |message: String| Err(Failure::invalid(message).field("connections"));
    if wanted.len() > MAX_CONNECTIONS {
        return invalid(format!("connections are more than {MAX_CONNECTIONS}"));
    }
    let mut connections: Vec<Connection> = Vec::new();
    for (place, new) in wanted.into_iter().enumerate() {
        let made = Connection {
            destination_id: new.destination_id,
            from: new.from.unwrap_or(now),
            until: new.until,
        };
        if !destinations.contains(&made.destination_id) {
            return invalid(format!("connections[{place}].destinationId names no destination"));
        }
        if made.until.is_some_and(|until| until <= made.from) {
            return invalid(format!("connections[{place}].until is not after its from"));
        }
        let meets = |other: &Connection| {
            other.destination_id == made.destination_id
                && made.until.is_none_or(|until| other.from < until)
                && other.until.is_none_or(|until| made.from < until)
        };
        if connections.iter().any(meets) {
            return invalid(format!("connections[{place}] overlaps another to the same destination"));
        }
        connections.push(made);
    }
    Ok(connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn a_connection_tells_what_it_shares_with_a_span_of_time() {
        let connection = Connection {
            destination_id: DestinationId::new(),
            from: time("2026-02-01T00:00:00Z"),
            until: Some(time("2026-03-01T00:00:00Z")),
        };
        let (before, within, after) =
            (time("2026-01-01T00:00:00Z"), time("2026-02-10T00:00:00Z"), time("2026-04-01T00:00:00Z"));
        assert_eq!(connection.overlap(before, within), Some((connection.from, within)));
        assert_eq!(connection.overlap(within, after), Some((within, time("2026-03-01T00:00:00Z"))));
        assert_eq!(connection.overlap(after, after), None);
        assert_eq!(connection.overlap(before, before), None);
    }
}
