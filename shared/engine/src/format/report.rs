//! Counts of what happened to an object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::matching::{Matcher, Verdict};

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
    /// Kept records that name a subject and others in an array, and nobody outside of arrays: whose record it is cannot
    /// be determined, and to remove it would remove the others' data.
    #[serde(default)]
    pub shared: u64,
    /// Subjects whom a dictionary of Parquet names in a row group without a record of theirs, each counted once per
    /// dictionary. A rewrite removes them; they stand in `hits`, with the number of their records.
    #[serde(default)]
    pub stale: u64,
}

impl Report {
    /// Whether a rewrite changes the object: something of a subject is in it.
    pub fn is_hit(&self) -> bool {
        self.removed + self.stale > 0
    }

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
        self.shared += other.shared;
        self.stale += other.stale;
        for (&subject, lines) in &other.hits {
            *self.hits.entry(subject).or_default() += lines;
        }
    }

    /// Counts a kept line that is unreadable.
    pub(crate) fn count_unreadable(&mut self, line: &[u8], matcher: &Matcher) {
        self.unreadable += 1;
        self.suspect += u64::from(matcher.suspects(line));
    }

    /// Counts a record by what was decided about it. `bytes`: the record's, for formats with unreadable ones.
    pub(crate) fn decided(&mut self, verdict: Verdict, hits: &[u32], bytes: &[u8], matcher: &Matcher) {
        match verdict {
            Verdict::Keep => {}
            Verdict::Remove => self.count(hits),
            Verdict::Opaque => self.opaque += 1,
            Verdict::Shared => self.shared += 1,
            Verdict::Unreadable => self.count_unreadable(bytes, matcher),
        }
    }

    /// Counts subjects whom only a dictionary names.
    pub(crate) fn count_stale(&mut self, subjects: BTreeSet<u32>) {
        self.stale += subjects.len() as u64;
        for subject in subjects {
            self.hits.entry(subject).or_default();
        }
    }

    /// Counts a record that belongs to these subjects. Empty: to none of them.
    pub(crate) fn count(&mut self, hits: &[u32]) {
        self.removed += u64::from(!hits.is_empty());
        for &subject in hits {
            *self.hits.entry(subject).or_default() += 1;
        }
    }
}
