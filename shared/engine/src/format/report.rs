//! Counts of what happened to an object.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::matching::Matcher;

/// How an object is compressed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// Not at all (Parquet compresses internally).
    #[default]
    Plain,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames.
    Zstd,
    /// One or more streams.
    Bzip2,
    /// RFC 1950, one stream.
    Zlib,
    /// In Snappy's framing format, not raw.
    Snappy,
}

/// What an object holds once decompressed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// One JSON object per line.
    #[default]
    JsonLines,
    /// JSON objects that are not one per line: array elements, pretty-printed, or without line feeds.
    JsonValues,
    /// Comma-separated values under a header line.
    Csv,
    /// Delimited text without a header, as the rules say.
    Delimited,
    /// Apache Parquet.
    Parquet,
    /// An Apache Avro object container file.
    Avro,
}

/// An object's format, detected from its bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// What the object holds.
    pub content: Content,
    /// How it is compressed.
    pub codec: Codec,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.content {
            Content::JsonLines => "JSON lines",
            Content::JsonValues => "JSON values",
            Content::Csv => "CSV",
            Content::Delimited => "delimited text",
            Content::Parquet => "Parquet",
            Content::Avro => "Avro",
        })?;
        f.write_str(match self.codec {
            Codec::Plain => "",
            Codec::Gzip => ", gzip",
            Codec::Zstd => ", zstd",
            Codec::Bzip2 => ", bzip2",
            Codec::Zlib => ", zlib",
            Codec::Snappy => ", framed Snappy",
        })
    }
}

/// What a scan found or a rewrite did.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The object's format.
    pub format: Format,
    /// Uncompressed bytes read.
    pub bytes: u64,
    /// Records read: lines (including blank ones) or rows.
    pub lines: u64,
    /// Records per subject, keyed by its index in the subject set. A record of two subjects counts for both.
    pub hits: BTreeMap<u32, u64>,
    /// Records of at least one subject, which a rewrite removes.
    pub removed: u64,
    /// Kept lines that are not readable records, including blank ones. [`crate::matching::BlockScan`] says what a fast
    /// scan takes for readable.
    pub unreadable: u64,
    /// Unreadable lines whose bytes contain an identifier: possible residue, for a person to review.
    pub suspect: u64,
    /// Kept records of typed formats that have a value at an identifier's path which cannot be compared, such as bytes
    /// that are neither text nor a UUID, or a float that several whole numbers round to, a subject's among them. Their
    /// owner cannot be determined.
    #[serde(default)]
    pub opaque: u64,
    /// Whether the first removed record may be an envelope of others' records.
    #[serde(default)]
    pub envelope: bool,
}

impl Report {
    /// Whether every record is removed, so that the object itself is to be deleted.
    pub fn leaves_nothing(&self) -> bool {
        self.removed > 0 && self.removed == self.lines
    }

    /// Adds the counts of another object; the format stays.
    pub fn merge(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.removed += other.removed;
        self.unreadable += other.unreadable;
        self.suspect += other.suspect;
        self.opaque += other.opaque;
        self.envelope |= other.envelope;
        for (&subject, lines) in &other.hits {
            *self.hits.entry(subject).or_default() += lines;
        }
    }

    /// Counts a kept line that is unreadable.
    pub(crate) fn count_unreadable(&mut self, line: &[u8], matcher: &Matcher) {
        self.unreadable += 1;
        self.suspect += u64::from(matcher.suspects(line));
    }

    /// Counts a JSON record that is removed.
    pub(crate) fn count_removed(&mut self, record: &[u8], hits: &[u32], matcher: &Matcher) {
        self.count(hits);
        self.envelope |= self.removed == 1 && matcher.is_envelope(record);
    }

    /// Whether the only record of the whole object would be removed, though it may be an envelope of others' records.
    pub(crate) fn removes_others(&self) -> bool {
        self.envelope && self.removed == 1 && self.lines - self.unreadable == 1
    }

    /// Counts a record that belongs to these subjects. Empty: to none of them.
    pub(crate) fn count(&mut self, hits: &[u32]) {
        self.removed += u64::from(!hits.is_empty());
        for &subject in hits {
            *self.hits.entry(subject).or_default() += 1;
        }
    }
}
