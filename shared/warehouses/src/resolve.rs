//! Resolves people: looks up their other identifiers in the company's own tables, before these are erased.
//!
//! 1. Each table of the settings is asked for the people that it can know: by identifiers that the request names, never by
//!    others that were found.
//! 2. A value is used only if it is one person's alone: of that table, of this request, and of all tables asked before.
//! 3. More than [`MOST`] values of one kind are nobody's: such an id is shared by many people, or a test.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Engine;
use model::failure::Result;
use model::linking::MAX_COVERED;
use model::normal;
use model::resolved::Resolved;
use model::subject::{Named, Subject, fault};

/// The most identifiers of one kind that a table may give for one person.
pub const MOST: usize = MAX_COVERED;

/// The most identifiers that one look-up takes.
const AT_ONCE: usize = 1_000;

/// A value that stands in the rows of an identifier. It may be an identifier itself: there is no `Debug`.
#[derive(Clone)]
pub struct Standing {
    /// The identifier, by its place among those that were looked up.
    pub id: usize,
    /// The value.
    pub value: String,
    /// Whether it stands in no other person's rows.
    pub is_alone: bool,
}

/// Looks up the people in every table of the settings. `known` are the same people with what other warehouses gave.
///
/// # Errors
/// `Transient`, if the warehouse cannot be reached; `Permanent`, if it refuses the role, or the settings name what is not
/// there. Nothing is left out silently.
pub async fn resolve<E: Engine>(
    engine: &mut E,
    people: &[Vec<Subject>],
    known: &[Vec<Subject>],
) -> Result<Resolved> {
    let mut links = Links::new(known);
    for table in engine.resolves() {
        let ids: Vec<(usize, &str)> = people
            .iter()
            .enumerate()
            .flat_map(|(person, subjects)| subjects.iter().map(move |subject| (person, subject)))
            .filter(|(_, subject)| subject.kind == table.from.r#type)
            .map(|(person, subject)| (person, subject.id.as_str()))
            .collect();
        for to in &table.to {
            for some in ids.chunks(AT_ONCE) {
                let texts: Vec<&str> = some.iter().map(|(_, id)| *id).collect();
                let standing = engine.resolve(&table, to, &texts).await?;
                let mut of_each: BTreeMap<usize, Vec<Standing>> = BTreeMap::new();
                standing.into_iter().for_each(|one| of_each.entry(one.id).or_default().push(one));
                for (id, standing) in of_each {
                    let Some((person, _)) = some.get(id) else { continue };
                    let too_many = standing.len() > MOST;
                    for Standing { value, is_alone, .. } in standing {
                        let Ok(form) = normal::form(to.r#type, &value) else { continue };
                        if fault(&form).is_none() {
                            let subject = Subject { kind: to.r#type, id: form };
                            links.add(*person, subject, is_alone && !too_many);
                        }
                    }
                }
            }
        }
    }
    Ok(links.resolved())
}

/// Whose each value is.
struct Links<'a> {
    known: HashMap<&'a Subject, usize>,
    theirs: BTreeMap<Subject, usize>,
    shared: BTreeSet<Subject>,
}

impl<'a> Links<'a> {
    fn new(known: &'a [Vec<Subject>]) -> Self {
        let owners = known.iter().enumerate();
        let known = owners.flat_map(|(person, all)| all.iter().map(move |subject| (subject, person)));
        Self { known: known.collect(), theirs: BTreeMap::new(), shared: BTreeSet::new() }
    }

    fn add(&mut self, person: usize, subject: Subject, is_alone: bool) {
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

    fn resolved(self) -> Resolved {
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
    use model::subject::SubjectType;

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
