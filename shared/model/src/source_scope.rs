//! What one source brought: the part of the data that a regulation about one source reaches.

use serde::{Deserialize, Serialize};

use crate::destination::DestinationKind;
use crate::source::SourceId;

/// The longest name of a collection, in bytes; warehouses take no longer names of tables.
pub const MAX_COLLECTION: usize = 127;

/// What one source brought; of a cloud source, one of its collections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceScope {
    /// The source.
    pub source_id: SourceId,
    /// The collection: a table of the source's schema.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collection: Option<String>,
}

impl SourceScope {
    /// Whether a destination of this kind can hold any of it: objects of cloud sources lie in warehouses alone.
    pub fn may_lie_in(&self, kind: DestinationKind) -> bool {
        self.collection.is_none() || kind == DestinationKind::Warehouse
    }
}
