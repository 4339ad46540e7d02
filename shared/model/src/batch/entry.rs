//! What a line of a batch's file holds, and in which column the identifier is.

use std::borrow::Cow;

use crate::failure::Result;
use crate::subject;

/// Names of identifier columns, compared without `_`, `-`, spaces and case: the first one present counts.
const NAMES: [&str; 4] = ["userid", "subjectid", "subject", "id"];

/// What a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The names of the columns.
    Header,
    /// White space only.
    Blank,
    /// A valid identifier.
    Subject(String),
    /// No valid identifier, and why.
    Refused(Cow<'static, str>),
}

/// Receives the entry of each line, with the line's number.
pub trait Sink: FnMut(u64, Entry) -> Result<()> {}
impl<F: FnMut(u64, Entry) -> Result<()>> Sink for F {}

/// The entry for an identifier.
pub(super) fn named(id: String) -> Entry {
    match subject::fault(&id) {
        None => Entry::Subject(id),
        Some(fault) => Entry::Refused(fault.into()),
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
    let plain = |name: &str| -> String {
        let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
        kept.flat_map(char::to_lowercase).collect()
    };
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
