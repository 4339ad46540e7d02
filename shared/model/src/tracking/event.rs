//! One event: checked, completed, and attributed to its subjects.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::EventKind;
use super::fields::Fields;
use crate::number::plain as plain_number;
use crate::subject::{MAX_ID_BYTES, Subject, SubjectType};
use crate::suppression;

/// The deepest nesting of objects and arrays: what common parsers take.
const MAX_DEPTH: usize = 100;

/// An event, ready for the archive.
#[derive(Debug, Clone)]
pub struct Event {
    /// The event as one line of JSON, without the line feed.
    pub line: Vec<u8>,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its id, by which duplicates are recognised.
    pub message_id: String,
    /// The user that it names.
    pub user: Option<Subject>,
    /// The device or browser that it names.
    pub anonymous: Option<Subject>,
    /// The `previousId` of an `alias`, which may be an id of either kind.
    pub previous: Option<String>,
    /// The email addresses and phone numbers that it carries, as the suppression list holds them.
    pub contacts: Vec<Subject>,
}

impl Event {
    pub(super) fn new(
        mut fields: Fields<'_>,
        kind: Option<EventKind>,
        now: Timestamp,
    ) -> Result<Self, &'static str> {
        let kind = match kind {
            Some(kind) => kind,
            None => fields
                .get("type")
                .and_then(|kind| serde_json::from_str(kind.get()).ok())
                .ok_or("its type is not one of identify, track, page, screen, group, alias")?,
        };
        let user = identifier(fields.get("userId"), "userId is neither a string nor a number")?;
        let anonymous =
            identifier(fields.get("anonymousId"), "anonymousId is neither a string nor a number")?;
        let previous = match kind {
            EventKind::Alias => {
                identifier(fields.get("previousId"), "previousId is neither a string nor a number")?
            }
            _ => None,
        };
        if user.is_none() && anonymous.is_none() && previous.is_none() {
            return Err("it has neither a userId nor an anonymousId");
        }
        if kind == EventKind::Track && fields.text("event").is_none_or(|name| name.is_empty()) {
            return Err("it is a track call without the name of an event");
        }
        let message_id = fields.text("messageId").filter(|id| !id.is_empty());
        let message_id = message_id.unwrap_or_else(|| Uuid::now_v7().to_string());
        let received = format!("{now:.3}");
        let (sent, original) = (time(&fields, "sentAt"), time(&fields, "originalTimestamp"));
        let original = original.or_else(|| time(&fields, "timestamp"));
        fields.remove("writeKey");
        fields.set("type", kind.as_str());
        fields.set("messageId", &message_id);
        fields.set("receivedAt", &received);
        // The client's clock may be wrong, but not between its own two readings of it:
        // https://segment.com/docs/connections/spec/common/#timestamps
        let happened = match (original, sent) {
            (Some(original), Some(sent)) => now.checked_sub(original.duration_until(sent)).unwrap_or(now),
            (Some(original), None) => original,
            (None, _) => now,
        };
        fields.set("originalTimestamp", &original.map_or(received, |time| format!("{time:.3}")));
        fields.set("timestamp", &format!("{happened:.3}"));
        let line = fields.line();
        if depth(&line) > MAX_DEPTH {
            return Err("it is nested more than 100 levels deep");
        }
        // What is stored must be readable by every parser: half of a surrogate pair is not, nor is the number 1e999.
        let value: Value = serde_json::from_slice(&line)
            .map_err(|_| "it holds text that is not Unicode, or a number out of range")?;
        Ok(Self {
            contacts: contacts(&value),
            line,
            received_at: now,
            message_id,
            user: user.map(Subject::user),
            anonymous: anonymous.map(|id| Subject { kind: SubjectType::AnonymousId, id }),
            previous,
        })
    }

    /// Reads an event from a line that [`super::read`] made.
    ///
    /// # Errors
    /// If the line is not one that [`super::read`] made.
    pub fn stored(line: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored<'a> {
            #[serde(rename = "type")]
            kind: EventKind,
            received_at: Timestamp,
            message_id: String,
            #[serde(borrow)]
            user_id: Option<&'a RawValue>,
            #[serde(borrow)]
            anonymous_id: Option<&'a RawValue>,
            #[serde(borrow)]
            previous_id: Option<&'a RawValue>,
        }
        let stored: Stored<'_> = serde_json::from_slice(line)?;
        let id = |raw| identifier(raw, "").ok().flatten();
        Ok(Self {
            contacts: contacts(&serde_json::from_slice(line)?),
            line: line.to_vec(),
            received_at: stored.received_at,
            message_id: stored.message_id,
            user: id(stored.user_id).map(Subject::user),
            anonymous: id(stored.anonymous_id).map(|id| Subject { kind: SubjectType::AnonymousId, id }),
            previous: id(stored.previous_id).filter(|_| stored.kind == EventKind::Alias),
        })
    }

    /// The subjects that it names, as the suppression list holds them. The `previousId` of an `alias` may be an id of
    /// either kind.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        let previous = self.previous.iter().flat_map(|id| {
            [SubjectType::UserId, SubjectType::AnonymousId].map(|kind| Subject { kind, id: id.clone() })
        });
        let named = self.user.iter().chain(&self.anonymous).chain(&self.contacts);
        named.cloned().chain(previous)
    }
}

/// The email addresses and phone numbers of an event, where Segment's spec puts them, and a user id that is an address.
/// What is neither is no one's.
fn contacts(event: &Value) -> Vec<Subject> {
    let places = [&event["traits"], &event["context"]["traits"], &event["properties"]];
    let fields = [(SubjectType::Email, "email"), (SubjectType::Phone, "phone")];
    let given = places.into_iter().flat_map(|place| fields.map(|(kind, name)| (kind, &place[name])));
    let given = given.chain([(SubjectType::Email, &event["userId"])]);
    let mut contacts: Vec<Subject> = given
        .filter_map(|(kind, value)| Some((kind, value.as_str()?)))
        .filter(|(kind, text)| text.contains(if *kind == SubjectType::Email { '@' } else { '+' }))
        .filter_map(|(kind, text)| suppression::held(kind, text).ok())
        .collect();
    contacts.sort_unstable();
    contacts.dedup();
    contacts
}

/// An identifier as it is compared everywhere: text, or a number's plain digits. Null and empty text identify nobody.
fn identifier(raw: Option<&RawValue>, wrong: &'static str) -> Result<Option<String>, &'static str> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else { return Ok(None) };
    let id = match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(raw).map_err(|_| wrong)?,
        Some(b'-' | b'0'..=b'9') => plain_number(raw).unwrap_or_else(|| raw.to_owned()),
        _ => return Err(wrong),
    };
    if id.len() > MAX_ID_BYTES {
        return Err("an identifier has more than 1024 bytes");
    }
    Ok(Some(id).filter(|id| !id.is_empty()))
}

fn time(fields: &Fields<'_>, name: &str) -> Option<Timestamp> {
    fields.text(name)?.parse().ok()
}

fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'{' | b'[' if !text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
