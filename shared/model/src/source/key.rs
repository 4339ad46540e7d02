//! Write keys: what a source's SDKs send.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::id::WriteKeyId;
use crate::subject::hex;

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

    /// The hash that is stored.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }
}

impl fmt::Debug for WriteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteKey(redacted)")
    }
}

/// The SHA-256 of a write key, in hex, which is all that is stored. Keys are random, so a plain hash reveals nothing.
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
    /// Its id.
    pub id: WriteKeyId,
    /// The hash of the key.
    pub hash: KeyHash,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_key_is_never_shown_by_accident() {
        let key = WriteKey::new();
        assert_eq!(key.0.len(), 32);
        assert!(!format!("{key:?}").contains(&key.0));
    }
}
