//! A hash index of the identifiers of one kind, for one way of comparing them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};
use hashbrown::HashTable;
use uuid::Uuid;

use super::typed::Rounded;
use super::{SubjectSet, key::IndexKey};
use model::comparison::Comparison;
use model::hashed::Hashed;
use model::rules::Rule;
use model::subject::SubjectType;
use model::uuid_text::parse as uuid;

/// Bits of the bitmap per identifier: it rules out most values that name no subject.
const BITS_PER_ID: usize = 16;

/// Maps values to subjects, for one kind of identifier and one way of comparing.
pub(super) struct Ids {
    kind: SubjectType,
    comparison: Comparison,
    /// Whether values are compared byte by byte, and not by a hash of theirs.
    exact: bool,
    subjects: SubjectSet,
    /// Where values are hashes: those of the subjects that are not given by theirs.
    derived: HashMap<u32, String>,
    /// Where values are no hashes: those by which subjects are given, of each kind.
    hashes: Vec<(Hashed, HashMap<String, Vec<u32>>)>,
    hash: RandomState,
    table: HashTable<u32>,
    bitmap: Box<[u64]>,
    /// The identifiers' lengths, one bit each; the last bit stands for all longer ones.
    lengths: u128,
    /// The identifiers that are UUIDs, in any spelling.
    uuids: HashMap<Uuid, Vec<u32>>,
    /// The floats to which identifiers that are large whole numbers round.
    rounded: HashSet<Rounded>,
}

impl Ids {
    pub(super) fn new(rule: &Rule, subjects: &SubjectSet) -> Self {
        let texts = || {
            let texts = (0..).zip(subjects.iter());
            texts.filter_map(|(index, subject)| Some((index, subject.at(rule.kind)?)))
        };
        let count = texts().map(|(_, id)| 1 + uuid_spellings(&id).count()).sum::<usize>();
        let hashes = given_as_hashes(rule.kind, subjects);
        let bits = (count * BITS_PER_ID).next_power_of_two().max(1 << 12);
        let mut ids = Self {
            kind: rule.kind,
            comparison: rule.comparison,
            exact: rule.comparison.is_exact() && hashes.is_empty(),
            subjects: subjects.clone(),
            derived: HashMap::default(),
            hashes,
            hash: RandomState::default(),
            table: HashTable::with_capacity(count),
            bitmap: vec![0; bits / 64].into(),
            lengths: 0,
            uuids: HashMap::default(),
            rounded: HashSet::default(),
        };
        for (index, id) in texts() {
            if let Some(uuid) = uuid(id.trim().as_bytes()) {
                ids.uuids.entry(uuid).or_default().push(index);
                ids.lengths |= UUID_LENGTHS.iter().fold(0, |bits, length| bits | length_bit(*length));
            }
            ids.rounded.extend(Rounded::of(&id));
            // In their normal forms, some spellings are the same.
            let normal: BTreeSet<String> =
                spellings(&id).map(|text| ids.comparison.normal(&text).into_owned()).collect();
            for spelling in &normal {
                ids.lengths |= length_bit(spelling.len());
                let hash = ids.hash(spelling.as_bytes());
                let bit = ids.bit(hash);
                ids.bitmap[bit / 64] |= 1 << (bit % 64);
                // The capacity is reserved, so nothing is hashed again.
                ids.table.insert_unique(hash, index, |_| unreachable!("the table does not grow"));
            }
            if let Cow::Owned(id) = id {
                ids.derived.insert(index, id);
            }
        }
        ids
    }

    /// Whether this index serves a rule.
    pub(super) fn serves(&self, rule: &Rule) -> bool {
        (self.kind, self.comparison) == (rule.kind, rule.comparison)
    }

    /// Whether some subject may have this value, given as the raw bytes of a JSON string without escapes.
    #[inline]
    pub(super) fn may_hold(&self, value: &[u8]) -> bool {
        if !self.exact {
            return str::from_utf8(value).map_or(true, |value| self.find(value).next().is_some());
        }
        if self.lengths & length_bit(value.len()) == 0 {
            return false;
        }
        let hash = self.hash(value);
        self.in_bitmap(hash) && self.table.find(hash, |&index| self.is(index, value)).is_some()
            || !self.uuids.is_empty() && odd_uuid(value).is_some_and(|uuid| self.uuids.contains_key(&uuid))
    }

    /// The subjects that a value names: more than one only if the comparison makes two identifiers equal, or some are
    /// given by hashes.
    pub(super) fn find<'a>(&'a self, value: &'a str) -> impl Iterator<Item = u32> + 'a {
        let value = self.comparison.normal(value);
        let hashed = self.find_hash_of(&value);
        let mixed = if self.uuids.is_empty() { None } else { odd_uuid(value.as_bytes()) };
        let hash = self.hash(value.as_bytes());
        let found = if self.in_bitmap(hash) { Some(self.table.iter_hash(hash).copied()) } else { None };
        found
            .into_iter()
            .flatten()
            .filter(move |&index| {
                *self.comparison.normal(self.id(index)) == *value || self.is(index, value.as_bytes())
            })
            .chain(hashed)
            .chain(mixed.into_iter().flat_map(|uuid| self.find_uuid(uuid)))
    }

    /// The subjects that are given by the hash of a value.
    fn find_hash_of(&self, value: &str) -> Vec<u32> {
        let known = self.hashes.iter().filter(|_| !value.trim().is_empty());
        known.filter_map(|(hashed, known)| known.get(&hashed.hash(value))).flatten().copied().collect()
    }

    /// Whether the values that are compared are hashes.
    pub(super) fn holds_hashes(&self) -> bool {
        matches!(self.kind, SubjectType::Hash(_))
    }

    /// Whether some subject is known by a hash alone that values have to be hashed for: nobody knows how it is written.
    pub(super) fn has_hashes(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// The subjects whose identifier is this UUID.
    pub(super) fn find_uuid(&self, uuid: Uuid) -> impl Iterator<Item = u32> {
        self.uuids.get(&uuid).into_iter().flatten().copied()
    }

    /// Whether a float may be some subject's number.
    pub(super) fn rounds_to(&self, rounded: Rounded) -> bool {
        self.has_hashes() || self.rounded.contains(&rounded)
    }

    /// A value's slot in a table.
    pub(super) fn slot(&self, value: &str) -> usize {
        (self.hash(value.as_bytes()) >> 8) as usize
    }

    /// The hash by which an object's filter knows a value.
    pub(super) fn index_hash(&self, key: &IndexKey, value: &str) -> u64 {
        key.hash(self.kind, self.comparison, &self.comparison.normal(value))
    }

    /// All identifiers; UUIDs in every spelling.
    pub(super) fn iter(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.table.iter().flat_map(|&index| spellings(self.id(index)))
    }

    /// Whether a value is a subject's identifier, or its UUID in another spelling.
    fn is(&self, index: u32, value: &[u8]) -> bool {
        let id = self.id(index);
        id.as_bytes() == value || uuid(value).is_some_and(|value| uuid(id.trim().as_bytes()) == Some(value))
    }

    fn id(&self, index: u32) -> &str {
        if let Some(id) = self.derived.get(&index) {
            return id;
        }
        self.subjects.get(index).map_or("", |subject| &subject.id)
    }

    #[inline]
    fn in_bitmap(&self, hash: u64) -> bool {
        let bit = self.bit(hash);
        self.bitmap[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// A value's bit in the bitmap, from the hash's upper bits: the table uses the others.
    fn bit(&self, hash: u64) -> usize {
        (hash >> 24) as usize & (self.bitmap.len() * 64 - 1)
    }

    fn hash(&self, value: &[u8]) -> u64 {
        let mut hasher = self.hash.build_hasher();
        hasher.write(value);
        hasher.finish()
    }
}

/// The subjects that are given by hashes of identifiers of a kind.
fn given_as_hashes(kind: SubjectType, subjects: &SubjectSet) -> Vec<(Hashed, HashMap<String, Vec<u32>>)> {
    let known = |hashed: Hashed| {
        let mut known: HashMap<String, Vec<u32>> = HashMap::default();
        for (index, subject) in (0..).zip(subjects.iter()) {
            if subject.kind == SubjectType::Hash(hashed) {
                known.entry(subject.id.clone()).or_default().push(index);
            }
        }
        (!known.is_empty()).then_some((hashed, known))
    };
    Hashed::all_of(kind).filter_map(known).collect()
}

/// An identifier; if it is a UUID, in every spelling that programs write.
pub(super) fn spellings(id: &str) -> impl Iterator<Item = Cow<'_, str>> {
    std::iter::once(Cow::Borrowed(id)).chain(uuid_spellings(id).map(Cow::Owned))
}

/// If an identifier is a UUID: with and without hyphens, in braces and as a URN, each in lower and upper case.
fn uuid_spellings(id: &str) -> impl Iterator<Item = String> {
    let spelled = |uuid: Uuid| {
        let (lower, upper) = (format!("{uuid:x}"), format!("{uuid:X}"));
        let shouted = format!("URN:UUID:{upper}");
        let others = [lower, upper].into_iter().flat_map(|text| {
            [text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}"), text]
        });
        others.chain([shouted])
    };
    uuid(id.trim().as_bytes()).into_iter().flat_map(spelled)
}

/// How long UUIDs are as text: 32 digits, with hyphens or without, bare, in braces or as a URN.
const UUID_LENGTHS: [usize; 6] = [32, 34, 36, 38, 41, 45];

/// The UUID that a text is, if its spelling may not be one of [`spellings`].
#[inline]
pub(super) fn odd_uuid(text: &[u8]) -> Option<Uuid> {
    // Of all letters, so that it becomes vector instructions.
    let has_upper = || text.iter().fold(false, |found, byte| found | byte.is_ascii_uppercase());
    let is_odd = match text.len() {
        34 | 41 => true,
        32 | 36 | 38 | 45 => has_upper(),
        _ => false,
    };
    if is_odd { uuid(text) } else { None }
}

fn length_bit(length: usize) -> u128 {
    1 << length.min(127)
}
