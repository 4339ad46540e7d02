//! A place in an object from which decoding can go on.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::inflate::Memory;

/// A place in an object from which decoding can go on. The default is its start.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Plain bytes before it.
    pub(super) plain: u64,
    /// Bytes of the object before it.
    pub(super) raw: u64,
    /// What a gzip member needs beside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) inside: Option<Inside>,
}

/// Within a gzip member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inside {
    pub(super) memory: Memory,
    /// Of the member's plain bytes so far.
    pub(super) crc: u32,
    pub(super) length: u32,
    /// The last of them: what matches look back at, and what no record was made of yet.
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
