//! What happened to an object, in numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::matching::Matcher;

/// How an object is compressed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// Not at all (Parquet compresses within).
    #[default]
    Plain,
    /// RFC 1952, one member or many.
    Gzip,
    /// RFC 8878, one frame or many.
    Zstd,
}

/// What an object holds once decompressed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// One JSON object per line.
    #[default]
    JsonLines,
    /// JSON objects that are not one to a line: elements of an array, pretty-printed, or without line feeds.
    JsonValues,
    /// Comma-separated values under a header line.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// An Apache Avro object container file.
    Avro,
}

/// What an object is, told by its bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// What it holds.
    pub content: Content,
    /// How that is compressed.
    pub codec: Codec,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.content {
            Content::JsonLines => "JSON lines",
            Content::JsonValues => "JSON values",
            Content::Csv => "CSV",
            Content::Parquet => "Parquet",
            Content::Avro => "Avro",
        })?;
        f.write_str(match self.codec {
            Codec::Plain => "",
            Codec::Gzip => ", gzip",
            Codec::Zstd => ", zstd",
        })
    }
}

/// What a scan found, or a rewrite did.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What the object is.
    pub format: Format,
    /// Uncompressed bytes read.
    pub bytes: u64,
    /// Records read: lines (blank ones too), rows.
    pub lines: u64,
    /// Records per subject, by its index in the subject set. A record of two subjects counts for both.
    pub hits: BTreeMap<u32, u64>,
    /// Records of at least one subject: what a rewrite leaves out.
    pub removed: u64,
    /// Kept lines that are no readable record (blank ones too). See [`crate::matching::BlockScan`] for what a fast scan takes as readable.
    pub unreadable: u64,
    /// Unreadable lines whose bytes hold an identifier: possible residue, for a person to look at.
    pub suspect: u64,
    /// Kept records of typed formats with a value in an identifier's place that cannot be compared, such as bytes that
    /// are neither text nor a UUID, or a float that may be a subject's number or another one. Nobody can tell whose they
    /// are.
    #[serde(default)]
    pub opaque: u64,
}

impl Report {
    /// Nothing would be left of the object: every record in it goes, so the object itself goes.
    pub fn leaves_nothing(&self) -> bool {
        self.removed > 0 && self.removed == self.lines
    }

    /// Adds the numbers of another object; the format stays.
    pub fn merge(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.removed += other.removed;
        self.unreadable += other.unreadable;
        self.suspect += other.suspect;
        self.opaque += other.opaque;
        for (&subject, lines) in &other.hits {
            *self.hits.entry(subject).or_default() += lines;
        }
    }

    /// Counts a kept line that cannot be read.
    pub(crate) fn count_unreadable(&mut self, line: &[u8], matcher: &Matcher) {
        self.unreadable += 1;
        self.suspect += u64::from(matcher.suspects(line));
    }

    /// Counts a record of these subjects, or of nobody.
    pub(crate) fn count(&mut self, hits: &[u32]) {
        self.removed += u64::from(!hits.is_empty());
        for &subject in hits {
            *self.hits.entry(subject).or_default() += 1;
        }
    }
}
