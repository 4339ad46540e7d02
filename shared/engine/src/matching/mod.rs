//! Which records belong to which subject. Pure.
//!
//! 1. [`SubjectSet`] holds every subject of a purge run; from there on, a subject is an index into it.
//! 2. [`Rules`] say which paths of a record hold which kind of identifier.
//! 3. [`Matcher`] joins the two. It decides about a line by a full JSON parse (`record`): it compares the value at each
//!    path by meaning (escapes, key order and spaces do not matter; of duplicate keys the last counts).
//!    `node` is the tree of the rules' paths by which it reads.
//! 4. `fast` makes the same decisions for whole blocks of lines, and parses few of them.
//! 5. `residue` searches unreadable lines for the raw bytes of an identifier.
//! 6. `typed` compares values of typed formats, which are not text.
//! 7. `sample` notes the ids at the beginning of an object.
//! 8. A subject may be given by a hash alone: values of its kind are hashed then, and nothing else can rule it out.
//! 9. `seen` notes all identifiers in an object, by keyed hashes (`key`), for its filter; only on request.

mod fast;
mod ids;
mod key;
mod node;
mod prefilter;
mod record;
mod residue;
mod sample;
mod seen;
mod subjects;
#[cfg(test)]
pub(crate) mod tests;
mod typed;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

pub use fast::BlockScan;
pub use key::IndexKey;
pub(crate) use key::TAG;
pub(crate) use node::Node;
pub(crate) use prefilter::has_controls;
pub(crate) use record::Found;
pub use record::Verdict;
pub use sample::note_ids;
pub use subjects::SubjectSet;
pub(crate) use typed::Typed;

use fast::{Escapes, Key};
use ids::Ids;
use residue::Residue;
use seen::SeenIds;

use model::hashed;
use model::rules::{Dialect, Rules};
use model::subject::{Subject, SubjectType};

/// Decides which subjects a record belongs to. Cheap to clone, and can be shared between threads.
#[derive(Clone)]
pub struct Matcher {
    plan: Arc<Plan>,
    strict: bool,
    seen: Option<Arc<Mutex<SeenIds>>>,
}

/// The subjects of the kinds that rules look for.
fn of_kinds(subjects: &SubjectSet, rules: &Rules) -> SubjectSet {
    let kinds = rules.kinds();
    match subjects.iter().all(|subject| kinds.contains(&subject.kind)) {
        true => subjects.clone(),
        false => subjects.iter().filter(|subject| kinds.contains(&subject.kind)).cloned().collect(),
    }
}

/// The subjects' hashes where rules look for hashes, in every spelling.
fn hashes(subjects: &SubjectSet, rules: &Rules) -> Vec<String> {
    let kinds: BTreeSet<SubjectType> = rules.iter().map(|rule| rule.kind).collect();
    let kinds = kinds.into_iter().filter(|kind| matches!(kind, SubjectType::Hash(_)));
    let of_kind = |kind| subjects.iter().filter_map(move |subject: &Subject| subject.at(kind));
    kinds.flat_map(of_kind).flat_map(|hash| hashed::spellings(&hash)).collect()
}

/// What [`Matcher`] prepares once per purge run.
struct Plan {
    rules: Rules,
    /// One index of identifiers per kind and way of comparing; `rule_ids[rule]` is a rule's.
    ids: Vec<Ids>,
    rule_ids: Vec<usize>,
    root: Node,
    keys: Vec<Key>,
    escapes: Escapes,
    residue: Residue,
    /// Whether some subject is known by a hash alone: it may be anybody's whatever cannot be read.
    has_hashes: bool,
}

impl Plan {
    /// Whether a text has the last name of a rule's path in it, as JSON writes names.
    fn has_a_key(&self, text: &str) -> bool {
        self.keys.iter().any(|key| key.begins_in(text))
    }
}

impl Matcher {
    /// Joins rules and subjects.
    pub fn new(rules: &Rules, subjects: &SubjectSet) -> Self {
        let mut ids: Vec<Ids> = Vec::new();
        let rule_ids: Vec<usize> = rules
            .iter()
            .map(|rule| {
                let known = ids.iter().position(|ids| ids.serves(rule));
                known.unwrap_or_else(|| {
                    ids.push(Ids::new(rule, subjects));
                    ids.len() - 1
                })
            })
            .collect();
        let root = Node::new(rules);
        let keys = Key::of(rules, &rule_ids, &root);
        let fold = rules.iter().any(|rule| rule.comparison.fold_case);
        let plan = Plan {
            rules: rules.clone(),
            escapes: Escapes::of(&keys, rules),
            residue: Residue::new(&of_kinds(subjects, rules), hashes(subjects, rules), fold),
            has_hashes: ids.iter().any(Ids::has_hashes),
            ids,
            rule_ids,
            root,
            keys,
        };
        Self { plan: Arc::new(plan), strict: false, seen: None }
    }

    /// The same matcher, but it parses every line in full: about half as fast, and it counts every unreadable line.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// Makes the same decisions as [`Self::line`] for blocks of lines, but faster.
    pub fn blocks(&self) -> BlockScan<'_> {
        BlockScan::new(self)
    }

    /// Decides about a line (without its line feed) by a full parse. Sets `hits` to the subjects that the line belongs
    /// to, sorted and without duplicates.
    pub fn line(&self, line: &[u8], hits: &mut Vec<u32>) -> Verdict {
        record::decide(self, line, hits)
    }

    /// How text is written, if it has no header.
    pub(crate) fn headerless(&self) -> Option<Dialect> {
        self.plan.rules.headerless()
    }

    /// The root of the rules' paths.
    pub(crate) fn root(&self) -> &Node {
        &self.plan.root
    }

    /// The rules' node at a path, for formats whose columns are known beforehand.
    pub(crate) fn at<'a>(&self, path: impl Iterator<Item = &'a str>) -> Option<&Node> {
        self.plan.root.at(path)
    }

    /// Whether a text at a node may name somebody; if not, it need not be added to [`Found`]. Always true for a matcher
    /// that collects values.
    fn may_concern(&self, node: &Node, text: &str) -> bool {
        self.seen.is_some()
            || node.goes_deeper()
            || record::is_container(text)
            || text.starts_with('"')
            || node.rules().any(|rule| self.plan.ids[self.plan.rule_ids[rule]].may_hold(text.as_bytes()))
    }

    /// Whether a text is some subject's identifier, of whatever kind.
    pub(crate) fn names(&self, text: &str) -> bool {
        self.plan.ids.iter().any(|ids| ids.find(text).next().is_some())
    }

    /// An empty record, to which values are added one by one.
    pub(crate) fn record(&self) -> Found<'_> {
        Found::new(self)
    }

    /// The same matcher, but it also collects all identifiers in one object.
    pub(crate) fn collecting(&self, key: IndexKey) -> Self {
        Self { seen: Some(Arc::new(Mutex::new(SeenIds::new(key)))), ..self.clone() }
    }

    /// The hashes of all collected identifiers; `None`, if something could not be read.
    pub(crate) fn collected(self) -> Option<Vec<u64>> {
        let seen = Arc::into_inner(self.seen?)?;
        seen.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }

    /// The hashes by which a filter may know the subjects; none, if it cannot know some, who are given by a hash of
    /// another kind.
    pub(crate) fn questions(&self, key: &IndexKey) -> Option<Vec<u64>> {
        (!self.plan.has_hashes).then(|| seen::questions(&self.plan.ids, key))
    }

    /// Notes a value, if this matcher collects. `which`: the index in which the value is looked up.
    #[inline]
    fn note(&self, which: usize, value: &[u8]) {
        if let (Some(seen), Ok(value)) = (&self.seen, str::from_utf8(value)) {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.value(which, &self.plan.ids[which], value);
        }
    }

    /// Notes that something cannot be read, so that the filter rules nobody out; if this matcher collects.
    fn note_opaque(&self) {
        if let Some(seen) = &self.seen {
            seen.lock().unwrap_or_else(PoisonError::into_inner).opaque();
        }
    }

    /// Notes a line that cannot be read, unless it is blank; if this matcher collects.
    fn note_unreadable(&self, line: &[u8]) {
        if !line.trim_ascii().is_empty() {
            self.note_opaque();
        }
    }

    /// Whether the bytes of an unreadable line contain an identifier of any subject.
    pub(crate) fn suspects(&self, line: &[u8]) -> bool {
        self.note_unreadable(line);
        self.raw_bytes_hold_an_identifier(line)
    }

    /// Whether these bytes contain, or may contain, an identifier of any subject.
    pub fn raw_bytes_hold_an_identifier(&self, bytes: &[u8]) -> bool {
        self.plan.has_hashes && !bytes.trim_ascii().is_empty() || self.plan.residue.found_in(bytes)
    }
}
