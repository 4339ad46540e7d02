//! Who received a person's events: the destinations that were connected while a source saw the person.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Sightings, Source, SourceId};
use crate::destination::{Destination, DestinationKind};
use crate::id::DestinationId;

/// A destination that a source's events about somebody went to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// The source that the events came from.
    pub source_id: SourceId,
    /// The destination that received them.
    pub destination_id: DestinationId,
    /// The destination's name.
    pub name: String,
    /// The destination's vendor.
    pub vendor: String,
    /// The destination's kind.
    pub kind: DestinationKind,
    /// The first day, in UTC, on which it may have received them.
    #[schema(value_type = String, format = Date)]
    pub first: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub last: Date,
}

/// The recipients of a person's events, given the days on which each source saw the person. Only days are known: events
/// of the day on which a connection began or ended count as sent to it.
pub fn recipients(seen: &Sightings, sources: &[Source], destinations: &[Destination]) -> Vec<Recipient> {
    let mut all = Vec::new();
    for source in sources {
        let Some((first, last)) = seen.days(&source.id) else { continue };
        for connection in &source.connections {
            let Some((from, until)) = connection.overlap(begin(first), end(last)) else { continue };
            let Some(destination) = destinations.iter().find(|d| d.id == connection.destination_id) else {
                continue;
            };
            all.push(Recipient {
                source_id: source.id.clone(),
                destination_id: destination.id.clone(),
                name: destination.name.clone(),
                vendor: destination.vendor.clone(),
                kind: destination.kind,
                first: day(from),
                last: day(until),
            });
        }
    }
    all
}

fn begin(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}

fn end(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(23, 59, 59, 999_999_999)).unwrap_or(Timestamp::MAX)
}

fn day(time: Timestamp) -> Date {
    Offset::UTC.to_datetime(time).date()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_was_connected_while_somebody_was_seen_received_their_events() {
        let id = DestinationId::new;
        let (braze, warehouse, later) = (id(), id(), id());
        let destination = |id: &DestinationId, name: &str| -> Destination {
            serde_json::from_value(json!({
                "id": id, "name": name, "vendor": "braze", "kind": "CLOUD", "settings": {},
                "enabledFrom": "2026-01-01T00:00:00Z",
            }))
            .expect("a destination")
        };
        let source: Source = serde_json::from_value(json!({
            "id": "web", "name": "Web", "writeKeys": [], "createdAt": "2026-01-01T00:00:00Z", "revision": 0,
            "connections": [
                {"destinationId": braze, "from": "2026-01-01T00:00:00Z", "until": "2026-02-10T12:00:00Z"},
                {"destinationId": warehouse, "from": "2026-02-20T12:00:00Z"},
                {"destinationId": later, "from": "2026-04-01T00:00:00Z"},
            ],
        }))
        .expect("a source");
        let day = |text: &str| text.parse::<Date>().expect("a day");
        let seen = [(source.id.clone(), (day("2026-02-01"), day("2026-03-01")))].into_iter().collect();
        let all = [destination(&braze, "B"), destination(&warehouse, "W"), destination(&later, "L")];
        let found = recipients(&seen, &[source], &all);
        let found: Vec<_> = found.iter().map(|r| (r.name.as_str(), r.first, r.last)).collect();
        assert_eq!(
            found,
            [("B", day("2026-02-01"), day("2026-02-10")), ("W", day("2026-02-20"), day("2026-03-01"))]
        );
        assert_eq!(recipients(&Sightings::default(), &[], &all), []);
    }
}
