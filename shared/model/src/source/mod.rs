//! Sources: where events come from. A source has write keys, which its SDKs send, and connections, which say
//! where its events went and when.
//!
//! A source's id is the name of its folder in archives (`segment-logs/{source id}/…`), which tells from which source
//! the data there came.

mod connection;
mod id;
mod key;
mod recipient;
mod request;
mod seen;
mod upstream;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::destination::{Destination, DestinationKind};
use crate::failure::{Failure, Result};
use crate::id::{DestinationId, WriteKeyId};

pub use connection::Connection;
pub use id::SourceId;
pub use key::{KeptKey, KeyHash, WriteKey};
pub use recipient::{Recipient, recipients};
pub use request::{NewSource, SourceChange, SourceView};
pub use seen::{SeenAt, Sightings};
pub use upstream::{NewUpstream, UPSTREAM_SECONDS, Upstream, UpstreamFormat, UpstreamView};

/// The most write keys of a source: enough to rotate them one platform at a time.
const MAX_KEYS: usize = 20;

/// A source, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Its name.
    pub name: String,
    /// Its write keys.
    pub write_keys: Vec<KeptKey>,
    /// Its connections, ended ones included.
    pub connections: Vec<Connection>,
    /// Whether its events may say that a user id is another user's former one. Only for a source whose write keys
    /// stay on servers: a browser's is public.
    #[serde(default)]
    pub trusted_to_link: bool,
    /// Another tracking API that receives what it lets in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream: Option<Upstream>,
    /// When it was last left without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted and stopped collecting. It is kept, since it says where old events went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_at: Option<Timestamp>,
    /// Number of changes so far: of two concurrent changes, one is refused.
    pub revision: u64,
}

impl Source {
    /// Whether a request to its upstream may have been under way at a time or since.
    pub fn sends_on_since(&self, at: Timestamp) -> bool {
        self.upstream.is_some() || self.upstream_until.is_some_and(|until| until >= at)
    }

    /// Adds a write key and returns it, for the only time.
    ///
    /// # Errors
    /// `Invalid`, if the source has 20 keys already or is deleted.
    pub fn add_key(&mut self, now: Timestamp) -> Result<(WriteKeyId, WriteKey)> {
        self.must_exist()?;
        if self.write_keys.len() >= MAX_KEYS {
            return Err(Failure::invalid(format!("a source has at most {MAX_KEYS} write keys: remove one")));
        }
        let (id, key) = (WriteKeyId::new(), WriteKey::new());
        self.write_keys.push(KeptKey { id: id.clone(), hash: key.hash(), created_at: now });
        Ok((id, key))
    }

    /// Deletes it: removes its keys and ends its connections.
    pub fn delete(&mut self, now: Timestamp) {
        self.write_keys.clear();
        self.deleted_at.get_or_insert(now);
        for connection in &mut self.connections {
            connection.until.get_or_insert(now.max(connection.from));
        }
    }

    /// The destinations that receive its events at a time.
    pub fn connected_at(&self, time: Timestamp) -> impl Iterator<Item = &DestinationId> {
        self.connections.iter().filter(move |c| c.holds_at(time)).map(|c| &c.destination_id)
    }

    /// The archives among these destinations that receive its events at a time.
    pub fn archives_at<'a>(
        &self,
        time: Timestamp,
        destinations: &'a [Destination],
    ) -> impl Iterator<Item = &'a Destination> {
        let connected: Vec<&DestinationId> = self.connected_at(time).collect();
        destinations.iter().filter(move |destination| {
            destination.kind == DestinationKind::Archive
                && destination.enabled_until.is_none_or(|until| time < until)
                && connected.contains(&&destination.id)
        })
    }

    fn must_exist(&self) -> Result<()> {
        match self.deleted_at {
            Some(_) => Err(Failure::invalid("this source is deleted")),
            None => Ok(()),
        }
    }
}
