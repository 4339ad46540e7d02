//! Collects, during a scan, every value at an identifier's path.

use std::collections::BTreeSet;

use super::ids::{Ids, odd_uuid};
use super::key::IndexKey;

/// Values remembered so that a repeated one is not hashed again: one user's events come in bursts.
const RECENT: usize = 1 << 13;
/// Hashes collected before the first deduplication.
const TIDY: usize = 1 << 16;

/// The keyed hashes of all values seen in one object. A superset of the identifiers is fine: the index built from it
/// may then require a scan that finds nothing, but never misses one that would.
pub(crate) struct SeenIds {
    key: IndexKey,
    hashes: Vec<u64>,
    tidy_at: usize,
    recent: Vec<(usize, String)>,
    opaque: bool,
}

impl SeenIds {
    pub(super) fn new(key: IndexKey) -> Self {
        Self {
            key,
            hashes: Vec::new(),
            tidy_at: TIDY,
            recent: vec![(0, String::new()); RECENT],
            opaque: false,
        }
    }

    /// `which` is the index of identifiers in which the value would be looked up.
    pub(super) fn value(&mut self, which: usize, ids: &Ids, value: &str) {
        let slot = ids.slot(value) % RECENT;
        let (known, recent) = &mut self.recent[slot];
        if *known == which + 1 && recent == value {
            return;
        }
        *known = which + 1;
        recent.clear();
        recent.push_str(value);
        if !value.trim().is_empty() {
            self.hashes.push(ids.index_hash(&self.key, value));
        }
        // Questions are asked in some spellings of a UUID, and not in letters of both cases.
        if let Some(uuid) = odd_uuid(value.as_bytes()) {
            self.hashes.push(ids.index_hash(&self.key, &uuid.to_string()));
        }
        if self.hashes.len() >= self.tidy_at {
            self.tidy();
            self.tidy_at = TIDY.max(self.hashes.len() * 2);
        }
    }

    /// Notes that something in the object could not be read, so that no subject can be ruled out.
    pub(super) fn opaque(&mut self) {
        self.opaque = true;
    }

    /// All hashes without duplicates; `None`, if something in the object could not be read.
    pub(super) fn finish(mut self) -> Option<Vec<u64>> {
        self.tidy();
        (!self.opaque).then_some(self.hashes)
    }

    fn tidy(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
    }
}

/// The hashes under which an index may contain any of the subjects.
pub(super) fn questions(ids: &[Ids], key: &IndexKey) -> Vec<u64> {
    let all: BTreeSet<u64> =
        ids.iter().flat_map(|ids| ids.iter().map(|id| ids.index_hash(key, &id))).collect();
    all.into_iter().collect()
}
