//! A position in an object from which decoding can resume.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::inflate::Memory;

/// A position in an object from which decoding can resume. The default is its start.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Plain bytes before the position.
    pub(super) plain: u64,
    /// Bytes of the object before the position.
    pub(super) raw: u64,
    /// The decoder's state, if the position is within a gzip member.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) inside: Option<Inside>,
}

/// The state of decoding within a gzip member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inside {
    pub(super) memory: Memory,
    /// CRC-32 of the member's plain bytes so far; `length` is their number modulo 2^32.
    pub(super) crc: u32,
    pub(super) length: u32,
    /// The last of those bytes: the ones that matches may refer to, and those not processed yet.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub(super) window: Vec<u8>,
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map_err(serde::de::Error::custom)
}
