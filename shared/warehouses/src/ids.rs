//! The identifiers that columns are compared with.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::comparable;
use destinations::warehouse::{Column, Table};
use model::hashed::{self, Hashed};
use model::subject::{Subject, SubjectType};

/// The identifiers of the subjects, by kind.
#[derive(Clone, Default)]
pub struct Ids<'a> {
    by_kind: BTreeMap<SubjectType, Vec<Cow<'a, str>>>,
    /// The kinds of hash by which subjects are given.
    given: Vec<Hashed>,
}

/// What a column is compared with.
pub struct Wanted<'t, 'a> {
    /// The column.
    pub column: &'t Column,
    /// The kind of the identifiers: the column's own, or a hash of it.
    pub kind: SubjectType,
    /// The identifiers.
    pub ids: &'t [Cow<'a, str>],
}

impl Wanted<'_, '_> {
    /// With which hash of the column's value the identifiers are compared; with the value itself, if there is none.
    pub(crate) fn hashing(&self) -> Option<Hashed> {
        match self.kind {
            SubjectType::Hash(hashed) if self.kind != self.column.holds => Some(hashed),
            _ => None,
        }
    }

    /// The column's value as it is compared, given as text, in the SQL of an engine that names its functions so.
    pub(crate) fn comparable(
        &self,
        value: String,
        sha256: impl Fn(&str) -> String,
        md5: impl Fn(&str) -> String,
    ) -> String {
        let value = comparable(self.column.holds, value);
        match self.hashing() {
            Some(hashed) if hashed.is_sha256() => sha256(&value),
            Some(_) => md5(&value),
            None => value,
        }
    }
}

impl<'a> Ids<'a> {
    /// The identifiers of these subjects, and their hashes, in every spelling, where columns of these tables hold hashes.
    pub fn new(subjects: &'a [Subject], tables: &[Table]) -> Self {
        let mut ids = Self::default();
        for subject in subjects {
            match subject.kind {
                SubjectType::Hash(hashed) if !ids.given.contains(&hashed) => ids.given.push(hashed),
                SubjectType::Hash(_) => {}
                kind => ids.by_kind.entry(kind).or_default().push(Cow::Borrowed(&subject.id)),
            }
        }
        let held = tables.iter().flat_map(|table| &table.columns).map(|column| column.holds);
        let hashes = held.filter(|holds| matches!(holds, SubjectType::Hash(_)));
        let hashes: BTreeSet<_> = hashes.chain(ids.given.iter().copied().map(SubjectType::Hash)).collect();
        for kind in hashes {
            let theirs = subjects.iter().filter_map(|subject| subject.at(kind));
            let spelled: Vec<_> = theirs.flat_map(|hash| hashed::spellings(&hash)).map(Cow::Owned).collect();
            if !spelled.is_empty() {
                ids.by_kind.insert(kind, spelled);
            }
        }
        ids
    }

    /// The columns of a table that can hold any of them, each with the identifiers that it can hold. A column comes again
    /// for each kind of hash by which subjects are given.
    pub fn wanted<'t>(&'t self, table: &'t Table) -> impl Iterator<Item = Wanted<'t, 'a>> {
        let kinds = |holds: SubjectType| {
            let hashes = self.given.iter().filter(move |hashed| hashed.of() == holds);
            [holds].into_iter().chain(hashes.map(|hashed| SubjectType::Hash(*hashed)))
        };
        let wanted = table.columns.iter().flat_map(move |column| {
            kinds(column.holds).map(move |kind| Wanted { column, kind, ids: self.of(kind) })
        });
        wanted.filter(|wanted| !wanted.ids.is_empty())
    }

    /// The kinds of which there are identifiers.
    pub fn kinds(&self) -> impl Iterator<Item = SubjectType> {
        self.by_kind.keys().copied()
    }

    /// The identifiers of a kind.
    pub fn of(&self, kind: SubjectType) -> &[Cow<'a, str>] {
        self.by_kind.get(&kind).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn hashes_are_compared_with_hashes_and_with_the_hash_of_what_they_are_of() {
        let kind = |name: &str| name.parse::<SubjectType>().expect("a kind");
        let column =
            |holds: &str| Column { name: holds.into(), data_type: "text".into(), holds: kind(holds) };
        let columns = ["EMAIL", "EMAIL_SHA256", "PHONE", "USER_ID"].map(column).to_vec();
        let tables = [Table { schema: "web".into(), name: "leads".into(), columns }];
        let subject = |name: &str, id: &str| Subject { kind: kind(name), id: id.into() };
        let (ada, hash) = (subject("EMAIL", "ada@example.com"), "ab".repeat(32));
        for (subjects, wanted) in [
            (vec![ada.clone()], vec!["EMAIL EMAIL 1", "EMAIL_SHA256 EMAIL_SHA256 6"]),
            (
                vec![ada.clone(), subject("EMAIL_SHA256", &hash)],
                // Six spellings of Ada's hash. Base64 of the other is the same in both alphabets: four.
                vec!["EMAIL EMAIL 1", "EMAIL EMAIL_SHA256 10", "EMAIL_SHA256 EMAIL_SHA256 10"],
            ),
            (vec![subject("PHONE_MD5", &"ab".repeat(16))], vec!["PHONE PHONE_MD5 4"]),
            (vec![Subject::user("u1")], vec!["USER_ID USER_ID 1"]),
        ] {
            let ids = Ids::new(&subjects, &tables);
            let said = |one: Wanted<'_, '_>| format!("{} {} {}", one.column.name, one.kind, one.ids.len());
            assert_eq!(ids.wanted(&tables[0]).map(said).collect::<Vec<_>>(), wanted);
        }
        assert!(
            kinds(&tables).contains(&kind("PHONE_MD5")) && !kinds(&tables).contains(&kind("ANONYMOUS_ID"))
        );
    }
}
