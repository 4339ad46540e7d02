//! Ids of sources.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::failure::{Failure, Result};

/// The id of a source, which is also its folder's name in archives; chosen by the client, or generated.
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
