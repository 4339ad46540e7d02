//! Which records belong to which subject. Pure.
//!
//! 1. [`SubjectSet`] holds every subject of one purge run; a subject is known by its index from there on.
//! 2. [`Rules`] say which paths of a record hold which kind of identifier.
//! 3. [`Matcher`] joins the two. Its word on a line is what a full JSON parse says (`record`): the value at
//!    each path, by meaning (escapes, key order and spaces do not matter; of duplicate keys the last counts).
//! 4. `fast` comes to the same word for whole blocks of lines, parsing hardly any.
//! 5. `residue` searches lines that no parser can read for the raw bytes of an identifier.
//! 6. `typed` compares the values of typed formats, which are no text.
//! 7. `sample` takes note of the ids in the beginning of an object.
//! 8. `seen` takes note of whose records there are, by keyed hashes (`key`), for an index; only when asked to.

mod fast;
mod ids;
mod key;
mod prefilter;
mod record;
mod residue;
mod sample;
mod seen;
mod subjects;
#[cfg(test)]
pub(crate) mod tests;
mod typed;

use std::sync::{Arc, Mutex, PoisonError};

pub use fast::BlockScan;
pub use key::IndexKey;
pub(crate) use key::TAG;
pub use record::Verdict;
pub(crate) use record::{Found, Node};
pub use sample::note_ids;
pub use subjects::SubjectSet;
pub(crate) use typed::Typed;

use fast::{Escapes, Key};
use ids::Ids;
use residue::Residue;
use seen::SeenIds;

use model::rules::Rules;

/// Decides which subjects a record belongs to. Cheap to clone, shared between threads.
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

/// What [`Matcher`] works out once per purge run.
struct Plan {
    rules: Rules,
    /// One index of identifiers per kind and way of comparing; `rule_ids[rule]` names the one a rule asks.
    ids: Vec<Ids>,
    rule_ids: Vec<usize>,
    root: Node,
    keys: Vec<Key>,
    escapes: Escapes,
    residue: Residue,
}

impl Matcher {
    /// Joins rules and subjects: one hash index per kind of identifier and way of comparing.
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
        let keys = Key::of(rules, &rule_ids);
        let fold = rules.iter().any(|rule| rule.comparison.fold_case);
        let plan = Plan {
            rules: rules.clone(),
            ids,
            rule_ids,
            root: Node::new(rules),
            escapes: Escapes::of(&keys),
            keys,
            residue: Residue::new(&of_kinds(subjects, rules), fold),
        };
        Self { plan: Arc::new(plan), strict: false, seen: None }
    }

    /// The same matcher, parsing every line in full: about half as fast, and no unreadable line goes uncounted.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// Goes through blocks of lines with the same decisions as [`Self::line`], only faster.
    pub fn blocks(&self) -> BlockScan<'_> {
        BlockScan::new(self)
    }

    /// What a full parse of one line (without its line feed) says. `hits` ends as the subjects the line
    /// belongs to: sorted, each once.
    pub fn line(&self, line: &[u8], hits: &mut Vec<u32>) -> Verdict {
        record::decide(self, line, hits)
    }

    /// What rules look for in a record.
    pub(crate) fn root(&self) -> &Node {
        &self.plan.root
    }

    /// What rules look for at a path, for formats that know their columns beforehand.
    pub(crate) fn at<'a>(&self, path: impl Iterator<Item = &'a str>) -> Option<&Node> {
        self.plan.root.at(path)
    }

    /// Whether a text at a place may name somebody: what is ruled out here needs no [`Found`]. Of a matcher that
    /// takes note of values every one does, as it has to be noted.
    fn may_concern(&self, node: &Node, text: &str) -> bool {
        self.seen.is_some()
            || node.goes_deeper()
            || node.rules().any(|rule| self.plan.ids[self.plan.rule_ids[rule]].may_hold(text.as_bytes()))
    }

    /// An empty record, to be told its values one by one.
    pub(crate) fn record(&self) -> Found<'_> {
        Found::new(self)
    }

    /// A matcher that also notes whose records it comes across, in one object.
    pub(crate) fn collecting(&self, key: IndexKey) -> Self {
        Self { seen: Some(Arc::new(Mutex::new(SeenIds::new(key)))), ..self.clone() }
    }

    /// The hashes of all values seen; `None` when something could not be read.
    pub(crate) fn collected(self) -> Option<Vec<u64>> {
        let seen = Arc::into_inner(self.seen?)?;
        seen.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }

    /// The hashes under which an index may know the subjects.
    pub(crate) fn questions(&self, key: &IndexKey) -> Vec<u64> {
        seen::questions(&self.plan.ids, key)
    }

    /// Takes note of a value, when asked to. `which`: the identifiers it would be looked up in.
    #[inline]
    fn note(&self, which: usize, value: &[u8]) {
        if let (Some(seen), Ok(value)) = (&self.seen, str::from_utf8(value)) {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.value(which, &self.plan.ids[which], value);
        }
    }

    /// Takes note, when asked to, that something cannot be read, so that nobody is ruled out.
    fn note_opaque(&self) {
        if let Some(seen) = &self.seen {
            seen.lock().unwrap_or_else(PoisonError::into_inner).opaque();
        }
    }

    /// Takes note of a line that cannot be read, when asked to. A blank one hides nobody.
    fn note_unreadable(&self, line: &[u8]) {
        if !line.trim_ascii().is_empty() {
            self.note_opaque();
        }
    }

    /// Whether an identifier of any subject stands anywhere in the bytes of an unreadable line.
    pub(crate) fn suspects(&self, line: &[u8]) -> bool {
        self.note_unreadable(line);
        self.raw_bytes_hold_an_identifier(line)
    }

    /// Whether an identifier of any subject stands anywhere in these bytes.
    pub fn raw_bytes_hold_an_identifier(&self, bytes: &[u8]) -> bool {
        self.plan.residue.found_in(bytes)
    }
}
