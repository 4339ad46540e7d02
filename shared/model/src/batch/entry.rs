//! What a line of a batch's file holds, and in which columns the identifiers are.

use std::borrow::Cow;

use crate::failure::Result;
use crate::regulation::Individual;
use crate::subject::{self, Subject};
use crate::suppression;

/// The most identifiers of one person.
const MAX_IDENTIFIERS: usize = 1_000;

/// What the lines name people by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A user id each, in the column of this name; in one of the usual names, if there is none.
    ByUserId(Option<String>),
    /// Several identifiers each, in the columns or fields of the API. Whether each person is to be suppressed.
    ByAll {
        /// Each needs an identifier that the suppression list holds.
        suppressed: bool,
    },
}

/// Names of identifier columns, compared without `_`, `-`, spaces and case: the first one present counts.
const NAMES: [&str; 4] = ["userid", "subjectid", "subject", "id"];

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The names of the columns.
    Header,
    /// White space only.
    Blank,
    /// The valid identifiers of a person.
    Person(Vec<Subject>),
    /// No valid identifier, and why.
    Refused(Cow<'static, str>),
}

/// Receives the entry of each line, with the line's number.
pub trait Sink: FnMut(u64, Entry) -> Result<()> {}
impl<F: FnMut(u64, Entry) -> Result<()>> Sink for F {}

/// The entry for a user id.
pub(super) fn user(id: String) -> Entry {
    match subject::fault(&id) {
        None => Entry::Person(vec![Subject::user(id)]),
        Some(fault) => Entry::Refused(fault.into()),
    }
}

/// The entry for a person as the API takes one.
pub(super) fn person(person: Individual, suppressed: bool) -> Entry {
    let identifiers = match person.subjects() {
        Ok(identifiers) => identifiers,
        Err(failure) => return Entry::Refused(failure.public.into()),
    };
    if identifiers.len() > MAX_IDENTIFIERS {
        return Entry::Refused(format!("has more than {MAX_IDENTIFIERS} identifiers").into());
    }
    if suppressed && suppression::of(&identifiers).is_empty() {
        return Entry::Refused(suppression::UNKNOWN.into());
    }
    Entry::Person(identifiers)
}

/// The entry for a line of JSON that is a person as the API takes one.
pub(super) fn json(text: &[u8], suppressed: bool) -> Entry {
    match serde_json::from_slice(text) {
        Ok(individual) => person(individual, suppressed),
        // serde's message may repeat a name or a value.
        Err(_) => Entry::Refused("is not a person as the API takes one".into()),
    }
}

/// The column that holds the identifier: the one at this index, none, or several.
pub(super) enum Place {
    At(usize),
    Nowhere,
    Twice,
}

/// Looks for the column of this name or, if none is given, for the first of the usual names that is present.
pub(super) fn place(names: &[&str], column: Option<&str>) -> Place {
    let at = |is: &dyn Fn(&str) -> bool| {
        let mut places = names.iter().enumerate().filter(|(_, name)| is(name)).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (None, _) => Place::Nowhere,
            (Some(place), None) => Place::At(place),
            (Some(_), Some(_)) => Place::Twice,
        }
    };
    match column {
        Some(column) => at(&|name| name == column),
        None => NAMES
            .iter()
            .map(|usual| at(&|name| plain(name) == *usual))
            .find(|place| !matches!(place, Place::Nowhere))
            .unwrap_or(Place::Nowhere),
    }
}

/// A column's name without `_`, `-`, spaces and case.
pub(super) fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    kept.flat_map(char::to_lowercase).collect()
}
