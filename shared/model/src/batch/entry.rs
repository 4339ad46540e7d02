//! What a line of a file is, and where in it the identifier stands.

use std::borrow::Cow;

use crate::failure::Result;
use crate::subject;

/// What columns of identifiers are called, without `_`, `-`, spaces and capitals: the first that is there counts.
const NAMES: [&str; 4] = ["userid", "subjectid", "subject", "id"];

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The names of the columns.
    Header,
    /// Nothing.
    Blank,
    /// Somebody's identifier.
    Subject(String),
    /// Nobody, and why.
    Refused(Cow<'static, str>),
}

/// Takes what the lines are, each with its number.
pub trait Sink: FnMut(u64, Entry) -> Result<()> {}
impl<F: FnMut(u64, Entry) -> Result<()>> Sink for F {}

/// Who an identifier names.
pub(super) fn named(id: String) -> Entry {
    match subject::fault(&id) {
        None => Entry::Subject(id),
        Some(fault) => Entry::Refused(fault.into()),
    }
}

/// Where the identifier stands.
pub(super) enum Place {
    At(usize),
    Nowhere,
    Twice,
}

/// Looks for the column of this name or, if none is given, of the first of the usual names that is there.
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
