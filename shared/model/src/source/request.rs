//! Requests to `/sources`, and the source as it is shown there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::connection::{Connection, NewConnection, check_connections};
use super::{KeptKey, Source, SourceId, UpstreamView, WriteKey};
use crate::failure::{Failure, Result};
use crate::id::{DestinationId, WriteKeyId};
use crate::name;

/// A source as the API shows it, without the hashes of its keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Source)]
pub struct SourceView {
    /// Its id, which is also its folder's name in archives.
    id: SourceId,
    /// Its name.
    name: String,
    /// Its write keys, without the keys.
    write_keys: Vec<WriteKeyView>,
    /// Where its events go and went.
    connections: Vec<Connection>,
    /// Whether its events may say that a user id is another user's former one. Only for a source whose write keys stay on
    /// servers: a browser's is public.
    trusted_to_link: bool,
    /// Another tracking API that receives what it lets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<UpstreamView>,
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
            trusted_to_link: source.trusted_to_link,
            upstream: source.upstream.map(UpstreamView::from),
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
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Its id, which is also its folder's name in archives; generated, if left out.
    #[schema(value_type = Option<SourceId>)]
    id: Option<String>,
    /// Where its events go and went; to every enabled destination from now on, if left out.
    #[schema(max_items = 500)]
    connections: Option<Vec<NewConnection>>,
    /// Whether its events may say that a user id is another user's former one. Only for a source whose write keys stay on
    /// servers: a browser's is public.
    #[serde(default)]
    trusted_to_link: bool,
}

/// The body of `PATCH /sources/{id}`: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "name": "Site" }))]
pub struct SourceChange {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where its events go and went. Replaces all connections.
    #[schema(max_items = 500)]
    connections: Option<Vec<NewConnection>>,
    /// Whether its events may say that a user id is another user's former one. Only for a source whose write keys stay on
    /// servers: a browser's is public.
    trusted_to_link: Option<bool>,
}

impl NewSource {
    /// Checks the request and makes the source, with a first write key. `destinations` are those that may be connected;
    /// all of them are, if the request names none.
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
            trusted_to_link: self.trusted_to_link,
            upstream: None,
            upstream_until: None,
            created_at: now,
            deleted_at: None,
            revision: 0,
        };
        let (key_id, key) = source.add_key(now)?;
        Ok((source, key_id, key))
    }
}

impl SourceChange {
    /// Checks the request and changes the source. The connections given replace the existing ones.
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
        source.trusted_to_link = self.trusted_to_link.unwrap_or(source.trusted_to_link);
        Ok(())
    }
}

fn check_name(name: String) -> Result<String> {
    name::check(&name)?;
    Ok(name)
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
    fn no_source_is_trusted_to_link_unless_told() {
        let (mut source, _) = accept(json!({"name": "n"}), &[]).expect("valid");
        assert!(!source.trusted_to_link);
        for (change, trusted) in [
            (json!({"trustedToLink": true}), true),
            (json!({"name": "m"}), true),
            (json!({"trustedToLink": false}), false),
        ] {
            let change: SourceChange = serde_json::from_value(change).expect("of the form");
            change.apply(&mut source, &[], time("2026-11-02T00:00:00Z")).expect("valid");
            assert_eq!(source.trusted_to_link, trusted);
        }
        let (source, _) = accept(json!({"name": "n", "trustedToLink": true}), &[]).expect("valid");
        assert!(source.trusted_to_link);
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
    fn the_hash_of_a_write_key_is_shown_to_nobody() {
        let (source, _) = accept(json!({"name": "n"}), &[]).expect("valid");
        let hash = source.write_keys[0].hash.clone();
        let shown = json!(SourceView::from(source)).to_string();
        assert!(!shown.contains(hash.as_str()), "{shown}");
    }
}
