//! Resolves people: looks up their other identifiers in the company's own tables, before these are erased.
//!
//! 1. Each table of the settings is asked for the people that it can know: by identifiers that the request names, never by
//!    others that were found.
//! 2. A value is used only if it is one person's alone: of that table, of this request, and of all tables asked before.
//! 3. More than [`MOST`] values of one kind are nobody's: such an id is shared by many people, or a test.

use std::collections::BTreeMap;

use crate::Engine;
use model::failure::Result;
use model::normal;
use model::resolved::{Links, MOST, Resolved};
use model::subject::{Subject, fault};

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

/// Looks up the people in every table of the settings. `known` are the same people with what other places gave.
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
