//! Which records belong to which subject. Pure.
//!
//! 1. [`SubjectSet`] holds every subject of one purge run; a subject is known by its index from there on.
//! 2. [`Rules`] say which paths of a record hold which kind of identifier.
//! 3. [`Matcher`] joins the two. Its word on a line is what a full JSON parse says (`record`): the value at
//!    each path, by meaning (escapes, key order and spaces do not matter; of duplicate keys the last counts).
//! 4. `residue` searches lines that no parser can read for the raw bytes of an identifier.

mod ids;
mod number;
mod record;
mod residue;
mod rules;
mod subjects;

use std::sync::Arc;

pub use record::Verdict;
pub use rules::{RuleError, Rules};
pub use subjects::SubjectSet;

use ids::Ids;
use record::Node;
use residue::Residue;

/// Decides which subjects a record belongs to. Cheap to clone, shared between threads.
#[derive(Clone)]
pub struct Matcher(Arc<Plan>);

/// What [`Matcher`] works out once per purge run.
struct Plan {
    rules: Rules,
    /// One index of identifiers per kind and way of comparing; `rule_ids[rule]` names the one a rule asks.
    ids: Vec<Ids>,
    rule_ids: Vec<usize>,
    root: Node,
    residue: Residue,
}

impl Matcher {
    /// Joins rules and subjects: one hash index per kind of identifier and way of comparing.
    pub fn new(rules: &Rules, subjects: &SubjectSet) -> Self {
        let mut ids: Vec<Ids> = Vec::new();
        let rule_ids = rules
            .iter()
            .map(|rule| {
                let known = ids.iter().position(|ids| ids.serves(rule));
                known.unwrap_or_else(|| {
                    ids.push(Ids::new(rule, subjects));
                    ids.len() - 1
                })
            })
            .collect();
        let fold = rules.iter().any(|rule| rule.fold_case);
        Self(Arc::new(Plan {
            rules: rules.clone(),
            ids,
            rule_ids,
            root: Node::new(rules),
            residue: Residue::new(subjects, fold),
        }))
    }

    /// What a full parse of one line (without its line feed) says. `hits` ends as the subjects the line
    /// belongs to: sorted, each once.
    pub fn line(&self, line: &[u8], hits: &mut Vec<u32>) -> Verdict {
        record::decide(&self.0, line, hits)
    }

    /// Whether an identifier of any subject stands anywhere in these bytes.
    pub fn raw_bytes_hold_an_identifier(&self, bytes: &[u8]) -> bool {
        self.0.residue.found_in(bytes)
    }
}
