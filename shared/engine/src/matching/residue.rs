//! Finds identifiers in bytes that no parser can read.
//!
//! This is rarely needed, so it is small and constant in memory rather than fast: for each length of identifier, a
//! rolling hash runs over the bytes; where the hash table has it, the bytes are compared.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foldhash::HashSet;

use super::SubjectSet;
use super::ids::spellings;

/// The multiplier of the rolling hash: any large odd number works.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

pub(super) struct Residue {
    fold: bool,
    /// Hashes of the identifiers by length.
    by_length: BTreeMap<usize, HashSet<u64>>,
    subjects: SubjectSet,
    /// Other texts that stand for subjects.
    more: Vec<String>,
}

impl Residue {
    /// `fold`: ignores ASCII case.
    pub(super) fn new(subjects: &SubjectSet, more: Vec<String>, fold: bool) -> Self {
        let mut by_length: BTreeMap<usize, HashSet<u64>> = BTreeMap::new();
        for id in texts(subjects, &more) {
            let id = id.as_bytes();
            let hash = id.iter().fold(0, |hash, &byte| roll(hash, case(fold, byte)));
            by_length.entry(id.len()).or_default().insert(hash);
        }
        Self { fold, by_length, subjects: subjects.clone(), more }
    }

    pub(super) fn found_in(&self, bytes: &[u8]) -> bool {
        self.by_length.iter().any(|(&length, hashes)| self.found_of(length, hashes, bytes))
    }

    fn found_of(&self, length: usize, hashes: &HashSet<u64>, bytes: &[u8]) -> bool {
        let leaving = (1..length).fold(1u64, |power, _| power.wrapping_mul(BASE));
        let mut hash = 0u64;
        for (at, &byte) in bytes.iter().enumerate() {
            if at >= length {
                let old = u64::from(case(self.fold, bytes[at - length])) + 1;
                hash = hash.wrapping_sub(old.wrapping_mul(leaving));
            }
            hash = roll(hash, case(self.fold, byte));
            if at + 1 >= length && hashes.contains(&hash) && self.is_id(&bytes[at + 1 - length..=at]) {
                return true;
            }
        }
        false
    }

    /// Called only when the hash matches, which almost always ends the search: a linear scan is enough.
    fn is_id(&self, bytes: &[u8]) -> bool {
        texts(&self.subjects, &self.more).any(|id| {
            let id = id.as_bytes();
            if self.fold { id.eq_ignore_ascii_case(bytes) } else { id == bytes }
        })
    }
}

fn texts<'a>(subjects: &'a SubjectSet, more: &'a [String]) -> impl Iterator<Item = Cow<'a, str>> {
    let ids = subjects.iter().flat_map(|subject| spellings(&subject.id));
    ids.chain(more.iter().map(|text| Cow::Borrowed(text.as_str())))
}

fn roll(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1)
}

fn case(fold: bool, byte: u8) -> u8 {
    if fold { byte.to_ascii_lowercase() } else { byte }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::subject::Subject;

    #[test]
    fn finds_ids_of_every_length_anywhere_and_nothing_else() {
        let subjects =
            SubjectSet::new(["7x", "ada@example.com", "é", "longer than the line"].map(Subject::user));
        let exact = Residue::new(&subjects, vec!["a hash".to_owned()], false);
        for hit in ["7x", "..7x", "7x..", "\u{0}ada@example.com", "caf\u{e9}", "<a hash>"] {
            assert!(exact.found_in(hit.as_bytes()), "{hit}");
        }
        for miss in ["", "7", "x7", "7X", "ada@example.co", "ADA@example.com", "longer than the lin"] {
            assert!(!exact.found_in(miss.as_bytes()), "{miss}");
        }
        assert!(Residue::new(&subjects, Vec::new(), true).found_in(b"--ADA@Example.com--"));
    }
}
