//! People whom a place was not searched for, since it knows none of their identifiers: never done there.

use std::collections::BTreeSet;
use std::fmt;

use crate::subject::{Subject, SubjectType};

/// The name under which evidence counts them.
pub const NO_IDENTIFIER: &str = "noIdentifier";

/// People who are given by no identifier of the kinds that a place finds people by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing<'a> {
    /// How many they are.
    pub people: usize,
    /// How many people there are in all.
    pub of: usize,
    kinds: &'a BTreeSet<SubjectType>,
}

impl<'a> Missing<'a> {
    /// Those of these people whom a place that finds people by these kinds was not searched for; none, if it was
    /// searched for all, or finds people by no kind, since it holds nothing.
    pub fn of(people: &[Vec<Subject>], kinds: &'a BTreeSet<SubjectType>) -> Option<Self> {
        let is_missing = |person: &&Vec<Subject>| !person.iter().any(|subject| kinds.contains(&subject.kind));
        let missing = people.iter().filter(is_missing).count();
        (missing > 0 && !kinds.is_empty()).then_some(Self { people: missing, of: people.len(), kinds })
    }

    /// Whether it was searched for nobody.
    pub fn is_everyone(&self) -> bool {
        self.people == self.of
    }
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // That a hash does, too, goes without saying.
        let is_said = |kind: &&SubjectType| match kind {
            SubjectType::Hash(hashed) => !self.kinds.contains(&hashed.of()),
            _ => true,
        };
        let kinds: Vec<_> = self.kinds.iter().filter(is_said).map(SubjectType::as_str).collect();
        let (missing, all) = (self.people, self.of);
        write!(
            f,
            "{missing} of {all} people are given by no identifier that people are found by here ({}): they were not \
             looked for; send one",
            kinds.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_looked_for_by_any_identifier_of_a_kind_that_counts() {
        let of = |kind: &str| Subject { kind: kind.parse().expect("a kind"), id: "1".into() };
        let people = [vec![of("USER_ID"), of("EMAIL")], vec![of("EMAIL")], vec![of("crm")]];
        let missing = |kinds: &[&str]| {
            let kinds = kinds.iter().map(|kind| of(kind).kind).collect();
            Missing::of(&people, &kinds).map_or(0, |missing| missing.people)
        };
        assert_eq!([missing(&["USER_ID"]), missing(&["EMAIL"]), missing(&["EMAIL", "crm"])], [2, 1, 0]);
        assert_eq!(missing(&[]), 0);
        let kinds = [of("PHONE").kind].into();
        let nobody = Missing::of(&people, &kinds).expect("all are missing");
        assert!(nobody.is_everyone());
        assert!(nobody.to_string().starts_with("3 of 3 people") && nobody.to_string().contains("(PHONE)"));
    }
}
