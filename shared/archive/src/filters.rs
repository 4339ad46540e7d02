//! The index: a filter for each version, in Lethe's bucket, that tells which subjects cannot be in it.
//!
//! A filter is bound to the version, its entity tag and the archive's rules. One that is missing, stale or damaged
//! only costs a scan.

use sha2::{Digest, Sha256};

use crate::run_plan::Version;
use aws::bucket::{Bucket, Key};
use engine::filter::{Filter, FilterSource, IndexKey, Questions};
use engine::matching::Matcher;
use model::id::DestinationId;
use model::rules::Rules;
use model::subject::hex;

/// The filters of one archive, and the questions they are asked.
#[derive(Clone)]
pub struct Filters {
    files: Bucket,
    archive: DestinationId,
    rules: Rules,
    questions: std::sync::Arc<Questions>,
    pub(crate) key: IndexKey,
}

/// What a filter says about the subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterVerdict {
    /// None of them is in the version, which has this many lines.
    RuledOut { lines: u64 },
    /// One of them may be in it.
    MayHold,
}

impl Filters {
    /// The filters of `archive`, asked about the subjects of `matcher`.
    pub fn new(
        files: Bucket,
        archive: DestinationId,
        rules: Rules,
        matcher: &Matcher,
        key: IndexKey,
    ) -> Self {
        let questions = Questions::new(matcher, &key).into();
        Self { files, archive, rules, questions, key }
    }

    /// What the filter of a version says, if it has one, and the filter's size in bytes.
    pub(crate) async fn ask(&self, key: &str, version: &Version) -> (Option<FilterVerdict>, u64) {
        let stored = self.files.bytes(Key::Filter(&self.archive, &hash(key, version))).await;
        // Without its filter a version is read: a failure costs only time.
        let stored = stored.unwrap_or_else(|failure| {
            tracing::warn!(detail = failure.detail, "a filter cannot be read: {}", failure.public);
            None
        });
        let stored = stored.unwrap_or_default();
        (self.word(&stored, version), stored.len() as u64)
    }

    fn word(&self, stored: &[u8], version: &Version) -> Option<FilterVerdict> {
        let (lines, sealed) = stored.split_first_chunk()?;
        let filter = Filter::open(sealed, &self.source(version), &self.key)?;
        Some(match filter.may_contain(&self.questions) {
            true => FilterVerdict::MayHold,
            false => FilterVerdict::RuledOut { lines: u64::from_le_bytes(*lines) },
        })
    }

    /// Stores the filter of a version that was read.
    pub(crate) async fn keep(&self, key: &str, version: &Version, lines: u64, filter: &Filter) {
        let sealed = filter.seal(&self.source(version), &self.key);
        let stored = [&lines.to_le_bytes()[..], &sealed].concat();
        let kept = self.files.write_bytes(Key::Filter(&self.archive, &hash(key, version)), stored).await;
        if let Err(failure) = kept {
            tracing::warn!(%failure, "a filter was not kept: the version will be read again");
        }
    }

    /// Drops the filter of a version that was deleted: it holds fingerprints of people who are gone. A filter that is left
    /// because this fails expires with the others.
    pub(crate) async fn drop(&self, key: &str, version: &Version) {
        if let Err(failure) = self.files.delete(Key::Filter(&self.archive, &hash(key, version))).await {
            tracing::warn!(%failure, "the filter of a deleted version was not dropped");
        }
    }

    fn source<'a>(&'a self, version: &'a Version) -> FilterSource<'a> {
        FilterSource { etag: &version.etag, version: Some(&version.id), rules: &self.rules }
    }
}

fn hash(key: &str, version: &Version) -> String {
    hex(&Sha256::new().chain_update(key).chain_update([0]).chain_update(&version.id).finalize())
}
