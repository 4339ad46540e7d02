//! Which columns of a CSV file hold which identifiers.

use super::entry::{Entry, Named, Place, person, place, plain, user};
use crate::failure::{Failure, Result};
use crate::regulation::Individual;
use crate::subject::SubjectType;

/// What begins the name of a column of ids in another system, and of hashes.
const IDS: &str = "ids.";
const HASHES: &str = "hashes.";

/// The columns that hold identifiers.
pub(super) enum Columns {
    /// User ids, at this index.
    UserId(usize),
    /// Several kinds.
    All {
        /// What each column holds, with its index.
        columns: Vec<(usize, Column)>,
        /// Whether the people are to be suppressed.
        suppressed: bool,
    },
}

/// What a column holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Column {
    UserId,
    AnonymousId,
    Email,
    Phone,
    Id(String),
    Hash(String),
}

impl Columns {
    /// The columns that a first line names; none, if it names none.
    ///
    /// # Errors
    /// `Invalid`, if two columns have one name, or one has a name that is no kind's.
    pub fn of(names: &[&str], by: &Named) -> Result<Option<Self>> {
        let twice = || Failure::invalid("two columns of the file have the identifier's name");
        let suppressed = match by {
            Named::ByUserId(column) => {
                return match place(names, column.as_deref()) {
                    Place::At(place) => Ok(Some(Self::UserId(place))),
                    Place::Twice => Err(twice()),
                    Place::Nowhere => Ok(None),
                };
            }
            Named::ByAll { suppressed } => *suppressed,
        };
        let mut columns: Vec<(usize, Column)> = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let Some(column) = column(name)? else { continue };
            if column != Column::AnonymousId && columns.iter().any(|(_, other)| *other == column) {
                return Err(twice());
            }
            columns.push((place, column));
        }
        Ok((!columns.is_empty()).then_some(Self::All { columns, suppressed }))
    }

    /// The entry for a row, given its cells by index; none where a cell is not UTF-8.
    pub fn entry<'a>(&self, cell: impl Fn(usize) -> Option<&'a str>) -> Entry {
        let no_text = || Entry::Refused("is not UTF-8".into());
        let (columns, suppressed) = match self {
            Self::UserId(place) => return cell(*place).map_or_else(no_text, |id| user(id.to_owned())),
            Self::All { columns, suppressed } => (columns, *suppressed),
        };
        let ([mut user_id, mut email, mut phone], mut anonymous) = ([None, None, None], vec![]);
        let [mut ids, mut hashes] = [vec![], vec![]];
        for (place, column) in columns {
            let Some(text) = cell(*place) else { return no_text() };
            if text.trim().is_empty() {
                continue;
            }
            let text = text.to_owned();
            match column {
                Column::UserId => user_id = Some(text),
                Column::AnonymousId => anonymous.push(text),
                Column::Email => email = Some(text),
                Column::Phone => phone = Some(text),
                Column::Id(name) => ids.push((name.clone(), text)),
                Column::Hash(name) => hashes.push((name.clone(), text)),
            }
        }
        person(Individual::of([user_id, email, phone], anonymous, [ids, hashes]), suppressed)
    }
}

/// What a column of this name holds; nothing, if it is another's.
fn column(name: &str) -> Result<Option<Column>> {
    // With a delimiter in it, it is not one column's: another delimiter is tried.
    let kind =
        |prefix: &str| name.trim().strip_prefix(prefix).filter(|kind| !kind.contains([',', ';', '\t', '|']));
    if let Some(kind) = kind(IDS) {
        let wrong =
            |_| Failure::invalid("the file's first line names a column ids.… that is no name of a kind");
        return SubjectType::custom(kind).map_err(wrong).map(|_| Some(Column::Id(kind.to_owned())));
    }
    if let Some(kind) = kind(HASHES) {
        return match kind.parse() {
            Ok(SubjectType::Hash(_)) => Ok(Some(Column::Hash(kind.to_owned()))),
            _ => {
                Err(Failure::invalid("the file's first line names a column hashes.… that is no kind of hash"))
            }
        };
    }
    Ok(match plain(name).as_str() {
        "userid" => Some(Column::UserId),
        "anonymousid" => Some(Column::AnonymousId),
        "email" => Some(Column::Email),
        "phone" => Some(Column::Phone),
        _ => None,
    })
}
