//! What a warehouse or an archive gave of the people of a regulation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::kind::SubjectType;
use crate::linking::MAX_COVERED;
use crate::subject::{Named, Subject};

/// The most identifiers of one kind that a place may give for one person.
pub const MOST: usize = MAX_COVERED;

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

/// How many identifiers warehouses and archives gave, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedNumbers {
    /// Those that are one person's alone.
    pub found: BTreeMap<SubjectType, u64>,
    /// Those that stand with several people, and are not used.
    pub shared: BTreeMap<SubjectType, u64>,
}

impl ResolvedNumbers {
    /// Adds what another place gave.
    pub fn add(&mut self, other: &Self) {
        for (all, more) in [(&mut self.found, &other.found), (&mut self.shared, &other.shared)] {
            for (kind, count) in more {
                *all.entry(*kind).or_default() += count;
            }
        }
    }
}

/// Whose each identifier is that was found.
pub struct Links<'a> {
    known: HashMap<&'a Subject, usize>,
    theirs: BTreeMap<Subject, usize>,
    shared: BTreeSet<Subject>,
}

impl<'a> Links<'a> {
    /// None is found yet. `known`: all identifiers that are known of each person.
    pub fn new(known: &'a [Vec<Subject>]) -> Self {
        let owners = known.iter().enumerate();
        let known = owners.flat_map(|(person, all)| all.iter().map(move |subject| (subject, person)));
        Self { known: known.collect(), theirs: BTreeMap::new(), shared: BTreeSet::new() }
    }

    /// Adds one that was found with a person. `is_alone`: whether it stands with nobody else there.
    pub fn add(&mut self, person: usize, subject: Subject, is_alone: bool) {
        let owner = self.known.get(&subject).or_else(|| self.theirs.get(&subject)).copied();
        match owner {
            Some(owner) if owner == person && (is_alone || self.known.contains_key(&subject)) => {}
            None if is_alone && !self.shared.contains(&subject) => drop(self.theirs.insert(subject, person)),
            _ => {
                self.theirs.remove(&subject);
                self.shared.insert(subject);
            }
        }
    }

    /// Those that are one person's alone, and how many are not.
    pub fn resolved(self) -> Resolved {
        let mut resolved = Resolved::default();
        for subject in self.shared {
            *resolved.shared.entry(subject.kind).or_default() += 1;
        }
        for (subject, person) in self.theirs {
            resolved.found.push(Named { person: u32::try_from(person).ok(), subject });
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(id: &str) -> Subject {
        Subject { kind: SubjectType::Email, id: id.into() }
    }

    #[test]
    fn a_value_is_used_only_if_it_is_one_persons_alone() {
        let known = [vec![Subject::user("1"), email("own@x")], vec![Subject::user("2")]];
        let mut links = Links::new(&known);
        for (person, id, is_alone) in [
            (0, "a@x", true),
            (0, "a@x", true),
            (0, "own@x", false),
            (1, "own@x", true),
            (0, "both@x", true),
            (1, "both@x", true),
            (0, "both@x", true),
            (1, "others@x", false),
            (1, "later@x", true),
            (1, "later@x", false),
            (1, "b@x", true),
        ] {
            links.add(person, email(id), is_alone);
        }
        let resolved = links.resolved();
        let found: Vec<_> = resolved.found.iter().map(|one| (one.person, one.subject.id.as_str())).collect();
        assert_eq!(found, [(Some(0), "a@x"), (Some(1), "b@x")]);
        assert_eq!(resolved.shared, [(SubjectType::Email, 4)].into());
    }
}
