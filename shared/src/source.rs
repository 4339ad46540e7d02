//! Sources: where events come from. A source has write keys, which its SDKs send, and connections, which say
//! where its events went and when.
//!
//! A source's id is the name of its folder in archives (`segment-logs/{source id}/…`), so that what is found
//! there can be told to have come from it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::failure::{Failure, Result};
use crate::id::{DestinationId, WriteKeyId};
use crate::subject::hex;

/// The most write keys that a source has at a time: enough to rotate them one platform at a time.
const MAX_KEYS: usize = 20;

/// The most connections that a source has, ended ones included.
const MAX_CONNECTIONS: usize = 500;

/// Names a source: a folder's name, chosen by whoever connects it, or made up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", examples("web"))]
#[serde(try_from = "String", into = "String")]
pub struct SourceId(String);

impl SourceId {
    /// A new id, which no other source has.
    #[allow(clippy::new_without_default, reason = "every call gives another one")]
    pub fn new() -> Self {
        Self(format!("src_{}", Uuid::now_v7().simple()))
    }

    /// The id as it is written everywhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SourceId {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(plain) {
            let message = "a source's id has 1 to 64 letters, digits, hyphens and underscores";
            return Err(Failure::invalid(message).field("id"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for SourceId {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<SourceId> for String {
    fn from(id: SourceId) -> Self {
        id.0
    }
}

/// A write key as its owner sees it, once. `Debug` shows nothing.
#[derive(Clone, Serialize, ToSchema)]
#[serde(transparent)]
pub struct WriteKey(String);

impl WriteKey {
    /// A new key: 32 characters, as Segment's have.
    #[allow(clippy::new_without_default, reason = "every call gives another one")]
    pub fn new() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// What is kept of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }
}

impl fmt::Debug for WriteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteKey(redacted)")
    }
}

/// What is kept of a write key: its SHA-256, in hex. Keys are random, so that a plain hash gives nothing away.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(String);

impl KeyHash {
    /// The hash of a key as a client sent it.
    pub fn of(key: &str) -> Self {
        Self(hex(&Sha256::digest(key)))
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A write key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptKey {
    /// Names it.
    pub id: WriteKeyId,
    /// What it is recognised by.
    pub hash: KeyHash,
    /// When it was made.
    pub created_at: Timestamp,
}

/// That a source's events go, or went, to a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// Where to.
    pub destination_id: DestinationId,
    /// Since when.
    pub from: Timestamp,
    /// Until when; still, if left out.
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

/// A source, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// What people call it.
    pub name: String,
    /// Its write keys.
    pub write_keys: Vec<KeptKey>,
    /// Where its events go and went.
    pub connections: Vec<Connection>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted: it collects nothing since. It is kept, since it says where old events went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_at: Option<Timestamp>,
    /// How often it was changed: of two changes at once, one is refused.
    pub revision: u64,
}

impl Source {
    /// Adds a write key and answers it, for the only time.
    ///
    /// # Errors
    /// `Invalid`, if the source has many or is deleted.
    pub fn add_key(&mut self, now: Timestamp) -> Result<(WriteKeyId, WriteKey)> {
        self.must_exist()?;
        if self.write_keys.len() >= MAX_KEYS {
            return Err(Failure::invalid(format!("a source has at most {MAX_KEYS} write keys: remove one")));
        }
        let (id, key) = (WriteKeyId::new(), WriteKey::new());
        self.write_keys.push(KeptKey { id: id.clone(), hash: key.hash(), created_at: now });
        Ok((id, key))
    }

    /// Makes it collect nothing any more.
    pub fn delete(&mut self, now: Timestamp) {
        self.write_keys.clear();
        self.deleted_at.get_or_insert(now);
        for connection in &mut self.connections {
            connection.until.get_or_insert(now.max(connection.from));
        }
    }

    /// The destinations that get its events at a time.
    pub fn connected_at(&self, time: Timestamp) -> impl Iterator<Item = &DestinationId> {
        self.connections.iter().filter(move |c| c.holds_at(time)).map(|c| &c.destination_id)
    }

    fn must_exist(&self) -> Result<()> {
        match self.deleted_at {
            Some(_) => Err(Failure::invalid("this source is deleted")),
            None => Ok(()),
        }
    }
}

/// A source as the API shows it: the hashes of its keys are nobody's business.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Source)]
pub struct SourceView {
    /// Its id, which is also its folder's name in archives.
    id: SourceId,
    /// What people call it.
    name: String,
    /// Its write keys, without the keys.
    write_keys: Vec<WriteKeyView>,
    /// Where its events go and went.
    connections: Vec<Connection>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was deleted: it collects nothing since.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WriteKeyView {
    id: WriteKeyId,
    created_at: Timestamp,
}

impl From<Source> for SourceView {
    fn from(source: Source) -> Self {
        let key = |key: KeptKey| WriteKeyView { id: key.id, created_at: key.created_at };
        Self {
            id: source.id,
            name: source.name,
            write_keys: source.write_keys.into_iter().map(key).collect(),
            connections: source.connections,
            created_at: source.created_at,
            deleted_at: source.deleted_at,
        }
    }
}

/// The body of `POST /sources`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "Website", "id": "web" }))]
pub struct NewSource {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Its id and folder's name in archives; made up if left out.
    #[schema(value_type = Option<SourceId>)]
    id: Option<String>,
    /// Where its events go and went; to everything that is connected, from now on, if left out.
    #[schema(max_items = 500)]
    connections: Option<Vec<NewConnection>>,
}

/// The body of `PATCH /sources/{id}`: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "Site" }))]
pub struct SourceChange {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where its events go and went, all of it.
    #[schema(max_items = 500)]
    connections: Option<Vec<NewConnection>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewConnection {
    /// Where to.
    destination_id: DestinationId,
    /// Since when; from now on, if left out.
    from: Option<Timestamp>,
    /// Until when; still, if left out.
    until: Option<Timestamp>,
}

impl NewSource {
    /// Checks the request and makes the source of it, with a first write key. `destinations` are those that may
    /// be connected; all of them are, if the request names none.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(
        self,
        destinations: &[DestinationId],
        now: Timestamp,
    ) -> Result<(Source, WriteKeyId, WriteKey)> {
        let id: SourceId = self.id.map_or_else(|| Ok(SourceId::new()), |id| id.parse())?;
        if id.as_str() == crate::person::WORKSPACE {
            return Err(Failure::invalid("this id stands for the whole workspace").field("id"));
        }
        let connect =
            |id: &DestinationId| NewConnection { destination_id: id.clone(), from: None, until: None };
        let wanted = self.connections.unwrap_or_else(|| destinations.iter().map(connect).collect());
        let mut source = Source {
            id,
            name: check_name(self.name)?,
            write_keys: Vec::new(),
            connections: check_connections(wanted, destinations, now)?,
            created_at: now,
            deleted_at: None,
            revision: 0,
        };
        let (key_id, key) = source.add_key(now)?;
        Ok((source, key_id, key))
    }
}

impl SourceChange {
    /// Checks the request and changes the source. The connections given replace those there were.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn apply(self, source: &mut Source, destinations: &[DestinationId], now: Timestamp) -> Result<()> {
        source.must_exist()?;
        if let Some(name) = self.name {
            source.name = check_name(name)?;
        }
        if let Some(connections) = self.connections {
            source.connections = check_connections(connections, destinations, now)?;
        }
        Ok(())
    }
}

fn check_name(name: String) -> Result<String> {
    if name.trim().is_empty() || name.len() > 100 {
        return Err(Failure::invalid("name must have 1 to 100 characters").field("name"));
    }
    Ok(name)
}

fn check_connections(
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
    use serde_json::{Value, json};

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    fn accept(body: Value, destinations: &[DestinationId]) -> Result<(Source, WriteKey)> {
        let new: NewSource = serde_json::from_value(body).expect("of the form");
        new.accept(destinations, time("2026-11-02T00:00:00Z")).map(|(source, _, key)| (source, key))
    }

    #[test]
    fn a_source_is_connected_to_everything_unless_told_otherwise() {
        let all = [DestinationId::new(), DestinationId::new()];
        let (source, key) = accept(json!({"name": "Web", "id": "web"}), &all).expect("valid");
        assert_eq!(source.id.as_str(), "web");
        assert_eq!(source.connected_at(source.created_at).cloned().collect::<Vec<_>>(), all);
        assert_eq!(source.write_keys[0].hash, key.hash());
        let (source, _) = accept(json!({"name": "Web", "connections": []}), &all).expect("valid");
        assert!(source.connections.is_empty());
    }

    #[test]
    fn bad_requests_name_the_field() {
        let id = DestinationId::new();
        let connect = |from: &str, until: &str| json!({"destinationId": id, "from": from, "until": until});
        let (a, b, c) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
        for (body, field) in [
            (json!({"name": " "}), "name"),
            (json!({"name": "n", "id": "a/b"}), "id"),
            (json!({"name": "n", "id": ""}), "id"),
            (json!({"name": "n", "connections": [{"destinationId": DestinationId::new()}]}), "connections"),
            (json!({"name": "n", "connections": [connect(b, a)]}), "connections"),
            (json!({"name": "n", "connections": [connect(a, c), connect(b, c)]}), "connections"),
        ] {
            let failure = accept(body.clone(), std::slice::from_ref(&id)).expect_err("invalid");
            assert_eq!(failure.field, Some(field), "{body}");
        }
        let twice = json!({"name": "n", "connections": [connect(a, b), connect(b, c)]});
        assert!(accept(twice, std::slice::from_ref(&id)).is_ok(), "one after the other");
    }

    #[test]
    fn a_deleted_source_keeps_its_past_and_has_no_keys() {
        let (mut source, _) = accept(json!({"name": "n"}), &[DestinationId::new()]).expect("valid");
        source.delete(time("2026-12-01T00:00:00Z"));
        source.delete(time("2027-01-01T00:00:00Z"));
        assert!(source.write_keys.is_empty());
        assert_eq!(source.connections[0].until, Some(time("2026-12-01T00:00:00Z")));
        assert_eq!(source.connected_at(time("2027-01-01T00:00:00Z")).count(), 0);
        assert!(source.add_key(time("2027-01-01T00:00:00Z")).is_err());
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

    #[test]
    fn a_write_key_is_never_shown_by_accident() {
        let key = WriteKey::new();
        assert_eq!(key.0.len(), 32);
        assert!(!format!("{key:?}").contains(&key.0));
        let (source, _) = accept(json!({"name": "n"}), &[]).expect("valid");
        let hash = source.write_keys[0].hash.clone();
        let shown = json!(SourceView::from(source)).to_string();
        assert!(!shown.contains(hash.as_str()), "{shown}");
    }
}
