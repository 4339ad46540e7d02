//! What a warehouse gave of the people of a regulation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kind::SubjectType;
use crate::subject::Named;

/// Other identifiers of the people of a regulation. `Debug` shows no identifier.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Those that are one person's alone, with the person's place in the regulation.
    pub found: Vec<Named>,
    /// How many, by kind, are not used, since they stand with several people.
    pub shared: BTreeMap<SubjectType, u64>,
}

impl Resolved {
    /// How many there are, by kind.
    pub fn numbers(&self) -> ResolvedNumbers {
        let mut numbers = ResolvedNumbers { shared: self.shared.clone(), ..ResolvedNumbers::default() };
        for one in &self.found {
            *numbers.found.entry(one.subject.kind).or_default() += 1;
        }
        numbers
    }
}

/// How many identifiers warehouses gave, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedNumbers {
    /// Those that are one person's alone.
    pub found: BTreeMap<SubjectType, u64>,
    /// Those that stand with several people, and are not used.
    pub shared: BTreeMap<SubjectType, u64>,
}

impl ResolvedNumbers {
    /// Adds what another warehouse gave.
    pub fn add(&mut self, other: &Self) {
        for (all, more) in [(&mut self.found, &other.found), (&mut self.shared, &other.shared)] {
            for (kind, count) in more {
                *all.entry(*kind).or_default() += count;
            }
        }
    }
}
