//! All subjects of one purge run.

use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use model::subject::Subject;

/// The subjects of one purge run, each known by its index `0..len`. Cheap to clone.
#[derive(Clone)]
pub struct SubjectSet(Arc<Inner>);

struct Inner {
    subjects: Vec<Subject>,
    index: HashTable<u32>,
    hash: RandomState,
}

impl SubjectSet {
    /// Indexes the subjects in order of first appearance. A subject given twice has one index. A blank identifier (only
    /// white space) identifies nothing and is skipped.
    pub fn new(subjects: impl IntoIterator<Item = Subject>) -> Self {
        let mut set = Inner { subjects: Vec::new(), index: HashTable::new(), hash: RandomState::default() };
        for subject in subjects {
            if subject.id.trim().is_empty() || set.find(&subject).is_some() {
                continue;
            }
            let hash = set.hash.hash_one(&subject);
            let index = u32::try_from(set.subjects.len()).expect("fewer than 2^32 subjects");
            set.subjects.push(subject);
            let Inner { subjects, index: table, hash: state } = &mut set;
            table.insert_unique(hash, index, |&i| state.hash_one(&subjects[i as usize]));
        }
        Self(Arc::new(set))
    }

    /// How many distinct subjects there are.
    pub fn len(&self) -> usize {
        self.0.subjects.len()
    }

    /// Whether there are no subjects.
    pub fn is_empty(&self) -> bool {
        self.0.subjects.is_empty()
    }

    /// The index of a subject; `None`, if it is not in the set or its identifier is blank.
    pub fn index_of(&self, subject: &Subject) -> Option<u32> {
        self.0.find(subject)
    }

    /// The subject with this index.
    pub fn get(&self, index: u32) -> Option<&Subject> {
        self.0.subjects.get(index as usize)
    }

    /// All subjects, in index order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Subject> {
        self.0.subjects.iter()
    }
}

impl Inner {
    fn find(&self, subject: &Subject) -> Option<u32> {
        let same = |&i: &u32| self.subjects[i as usize] == *subject;
        self.index.find(self.hash.hash_one(subject), same).copied()
    }
}

impl FromIterator<Subject> for SubjectSet {
    fn from_iter<T: IntoIterator<Item = Subject>>(subjects: T) -> Self {
        Self::new(subjects)
    }
}

impl fmt::Debug for SubjectSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectSet({} redacted)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::subject::SubjectType;

    #[test]
    fn duplicates_share_the_first_index_and_blanks_name_nobody() {
        let set = SubjectSet::new(
            ["a", "", "b", "  ", "a", "\n"]
                .map(Subject::user)
                .into_iter()
                .chain([Subject { kind: SubjectType::AnonymousId, id: "a".into() }]),
        );
        assert_eq!(set.len(), 3);
        assert_eq!(set.index_of(&Subject::user("a")), Some(0));
        assert_eq!(set.index_of(&Subject::user("b")), Some(1));
        assert_eq!(set.index_of(&Subject { kind: SubjectType::AnonymousId, id: "a".into() }), Some(2));
        assert_eq!(set.index_of(&Subject::user("")), None);
        assert_eq!(set.index_of(&Subject::user("c")), None);
    }

    #[test]
    fn debug_shows_no_identifier() {
        assert_eq!(format!("{:?}", SubjectSet::new([Subject::user("ada")])), "SubjectSet(1 redacted)");
    }
}
