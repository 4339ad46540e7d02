//! Segment's tracking API: what SDKs send, read and made ready for an archive.
//!
//! 1. [`Call::at`] finds the call by its path.
//! 2. A [`Body`] is taken apart one level deep to find its write key. That is cheap and linear in its length, since the
//!    caller is not authenticated yet.
//! 3. [`Body::events`] takes it apart into events. Each is checked alone: a bad one is rejected by its place, with a
//!    reason, and its neighbours are kept.
//! 4. An [`Event`] is a line for the archive, with its subjects. The line is byte for byte what the client wrote, but
//!    for the fields that the API sets.
//!
//! Limits and responses are those of <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/>.

mod event;
mod fields;
#[cfg(test)]
mod tests;
mod upstream;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use event::Event;
use fields::Fields;

/// The most bytes of an event.
pub const MAX_EVENT: usize = 32 << 10;
/// The most bytes of a body.
pub const MAX_BODY: usize = 500 << 10;
/// The most events of a batch.
pub const MAX_EVENTS: usize = 2_500;
/// The most bytes of a batch's events together, each with the fields that the batch sets for all.
const MAX_LINES: usize = 16 * MAX_BODY;

/// A call of the tracking API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Many events of any type.
    Batch,
    /// One event of this type.
    One(EventKind),
}

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// Traits of a user.
    Identify,
    /// What the user did.
    Track,
    /// Which page the user saw.
    Page,
    /// Which screen the user saw.
    Screen,
    /// Which group the user belongs to.
    Group,
    /// Two ids that are one user's.
    Alias,
}

impl EventKind {
    /// Every type.
    pub const ALL: [Self; 6] =
        [Self::Identify, Self::Track, Self::Page, Self::Screen, Self::Group, Self::Alias];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }
}

impl Call {
    /// The call at a path below `/v1/`: its name, or its first letter, as the browser's SDK writes it. Older SDKs
    /// call the batch `import`.
    pub fn at(name: &str) -> Option<Self> {
        match name {
            "batch" | "b" | "import" => Some(Self::Batch),
            _ => {
                let mut kinds = EventKind::ALL.into_iter();
                let kind = kinds.find(|kind| kind.as_str() == name || kind.as_str()[..1] == *name);
                kind.map(Self::One)
            }
        }
    }
}

/// The events of a request.
#[derive(Debug, Default)]
pub struct Incoming {
    /// The valid events.
    pub events: Vec<Event>,
    /// The invalid ones.
    pub rejected: Vec<Rejected>,
}

/// An event that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why it is rejected; repeats nothing of the event.
    pub reason: &'static str,
}

/// Why a whole body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(pub &'static str);

/// Reads a body. `now` becomes the events' `receivedAt`.
///
/// # Errors
/// [`Problem`], if no event can be read from it.
pub fn read(call: Call, body: &[u8], now: Timestamp) -> Result<Incoming, Problem> {
    Body::open(body)?.events(call, now)
}

/// A body, taken apart one level deep.
#[derive(Debug)]
pub struct Body<'a> {
    size: usize,
    fields: Fields<'a>,
}

impl<'a> Body<'a> {
    /// Takes a body apart one level deep.
    ///
    /// # Errors
    /// [`Problem`], if it is not a JSON object or has too many fields.
    pub fn open(body: &'a [u8]) -> Result<Self, Problem> {
        let body = simdutf8::basic::from_utf8(body).map_err(|_| Problem("the body is not UTF-8"))?;
        let no_object = Problem("the body is not a JSON object of at most 1000 fields");
        let fields = serde_json::from_str(body).map_err(|_| no_object)?;
        Ok(Self { size: body.trim_ascii().len(), fields })
    }

    /// The write key, if the body holds one.
    pub fn write_key(&self) -> Option<String> {
        self.fields.text("writeKey").filter(|key| !key.is_empty())
    }

    /// The events of the body. `now` becomes their `receivedAt`.
    ///
    /// # Errors
    /// [`Problem`], if no event can be read from it.
    pub fn events(self, call: Call, now: Timestamp) -> Result<Incoming, Problem> {
        let mut incoming = Incoming::default();
        let kind = match call {
            Call::One(kind) => {
                incoming.add(0, self.size, self.fields, Some(kind), now);
                return Ok(incoming);
            }
            Call::Batch => None,
        };
        let batch = self.fields.get("batch").ok_or(Problem("the body has no batch"))?;
        let batch: Vec<&RawValue> =
            serde_json::from_str(batch.get()).map_err(|_| Problem("batch is not an array"))?;
        let mut left = MAX_LINES;
        for (index, event) in batch.into_iter().enumerate() {
            if index >= MAX_EVENTS {
                incoming.reject(index, "the batch has more than 2500 events");
                continue;
            }
            let Ok(mut own) = serde_json::from_str::<Fields<'_>>(event.get()) else {
                incoming.reject(index, "it is not an object of at most 1000 fields");
                continue;
            };
            let size = event.get().len() + own.inherit(&self.fields);
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => {
                    incoming.reject(index, "the batch's events have more than 8 MB with what they share");
                    continue;
                }
            }
            incoming.add(index, size, own, kind, now);
        }
        Ok(incoming)
    }
}

impl Incoming {
    fn add(
        &mut self,
        index: usize,
        size: usize,
        fields: Fields<'_>,
        kind: Option<EventKind>,
        now: Timestamp,
    ) {
        if size > MAX_EVENT {
            return self.reject(index, "it has more than 32 KB");
        }
        match Event::new(fields, kind, now) {
            Ok(event) => self.events.push(event),
            Err(reason) => self.reject(index, reason),
        }
    }

    fn reject(&mut self, index: usize, reason: &'static str) {
        self.rejected.push(Rejected { index, reason });
    }
}
