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
use model::rules::Rule;
use model::subject::SubjectType;

/// Bits of the bitmap per identifier: it rules out most values that name no subject.
const BITS_PER_ID: usize = 16;

/// Maps values to subjects, for one kind of identifier and one way of comparing.
pub(super) struct Ids {
    kind: SubjectType,
    comparison: Comparison,
    /// Whether values are compared byte by byte.
    exact: bool,
    subjects: SubjectSet,
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
        let of_kind = || subjects.iter().enumerate().filter(|(_, subject)| subject.kind == rule.kind);
        let count = of_kind().map(|(_, subject)| 1 + uuid_spellings(&subject.id).count()).sum::<usize>();
        let bits = (count * BITS_PER_ID).next_power_of_two().max(1 << 12);
        let mut ids = Self {
            kind: rule.kind,
            comparison: rule.comparison,
            exact: rule.comparison.is_exact(),
            subjects: subjects.clone(),
            hash: RandomState::default(),
            table: HashTable::with_capacity(count),
            bitmap: vec![0; bits / 64].into(),
            lengths: 0,
            uuids: HashMap::default(),
            rounded: HashSet::default(),
        };
        for (index, subject) in of_kind() {
            if let Ok(uuid) = Uuid::try_parse(subject.id.trim()) {
                ids.uuids.entry(uuid).or_default().push(index as u32);
            }
            ids.rounded.extend(Rounded::of(&subject.id));
            // In their normal forms, some spellings are the same.
            let normal: BTreeSet<String> =
                spellings(&subject.id).map(|text| ids.comparison.normal(&text).into_owned()).collect();
            for spelling in &normal {
                ids.lengths |= length_bit(spelling.len());
                let hash = ids.hash(spelling.as_bytes());
                let bit = ids.bit(hash);
                ids.bitmap[bit / 64] |= 1 << (bit % 64);
                // The capacity is reserved, so nothing is hashed again.
                ids.table.insert_unique(hash, index as u32, |_| unreachable!("the table does not grow"));
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
    }

    /// The subjects that a value names: more than one only if the comparison makes two identifiers equal.
    pub(super) fn find<'a>(&'a self, value: &'a str) -> impl Iterator<Item = u32> + 'a {
        let value = self.comparison.normal(value);
        let hash = self.hash(value.as_bytes());
        let found = if self.in_bitmap(hash) { Some(self.table.iter_hash(hash).copied()) } else { None };
        found.into_iter().flatten().filter(move |&index| {
            *self.comparison.normal(self.id(index)) == *value || self.is(index, value.as_bytes())
        })
    }

    /// The subjects whose identifier is this UUID.
    pub(super) fn find_uuid(&self, uuid: Uuid) -> impl Iterator<Item = u32> {
        self.uuids.get(&uuid).into_iter().flatten().copied()
    }

    /// Whether a float may be some subject's number.
    pub(super) fn rounds_to(&self, rounded: Rounded) -> bool {
        self.rounded.contains(&rounded)
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
        id.as_bytes() == value
            || Uuid::try_parse_ascii(value).is_ok_and(|uuid| Uuid::try_parse(id.trim()) == Ok(uuid))
    }

    fn id(&self, index: u32) -> &str {
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
    Uuid::try_parse(id.trim()).ok().into_iter().flat_map(spelled)
}

fn length_bit(length: usize) -> u128 {
    1 << length.min(127)
}
