//! What each of the two looks takes from a record. Pure.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::add;
use engine::matching::{Matcher, SubjectSet};
use model::normal;
use model::rules::Rules;
use model::subject::{Subject, SubjectType, fault};

/// The longest record that is parsed, in bytes. Segment's have 32 KB at most.
const LONGEST: usize = 1 << 20;

/// One of the two looks.
pub(super) struct Look {
    /// Finds the records: those of the people's user ids, and in the second look those with what was found, too.
    pub(super) matcher: Matcher,
    pub(super) subjects: SubjectSet,
    /// Whose each user id is.
    owners: HashMap<String, usize>,
    pub(super) is_first: bool,
    rules: Rules,
}

/// What was taken from some records.
#[derive(Default)]
pub(super) struct Taken {
    /// What stands in the people's records.
    pub(super) found: BTreeSet<(usize, Subject)>,
    /// What stands in another user's.
    pub(super) of_others: BTreeSet<Subject>,
}

impl Look {
    /// The first look, for the people's user ids, or the second, for what the first `found`, too. None, if there is
    /// nothing to look for.
    pub(super) fn new(
        rules: &Rules,
        people: &[Vec<Subject>],
        found: Option<&BTreeSet<(usize, Subject)>>,
    ) -> Option<Self> {
        let users =
            people.iter().enumerate().flat_map(|(person, all)| all.iter().map(move |one| (person, one)));
        let users = users.filter(|(_, subject)| subject.kind == SubjectType::UserId);
        let owners: HashMap<_, _> = users.map(|(person, subject)| (subject.id.clone(), person)).collect();
        let sought = found.map_or(owners.len(), BTreeSet::len);
        let is_first = found.is_none();
        let found = found.into_iter().flatten().map(|(_, subject)| subject.clone());
        let subjects = SubjectSet::new(owners.keys().map(Subject::user).chain(found));
        let matcher = Matcher::new(rules, &subjects);
        (sought > 0).then(|| Self { matcher, subjects, owners, rules: rules.clone(), is_first })
    }

    /// Takes what a record tells that the matcher has found.
    pub(super) fn take(&self, record: &[u8], taken: &mut Taken) {
        let mut hits = Vec::new();
        self.matcher.line(record, &mut hits);
        let hits: Vec<_> = hits.iter().filter_map(|hit| self.subjects.get(*hit)).collect();
        let (users, others): (Vec<&Subject>, Vec<_>) =
            hits.into_iter().partition(|subject| subject.kind == SubjectType::UserId);
        let people: Vec<usize> =
            users.into_iter().filter_map(|user| self.owners.get(&user.id)).copied().collect();
        let record =
            (record.len() <= LONGEST).then(|| serde_json::from_slice::<Value>(record).ok()).flatten();
        let user = record.as_ref().map(|record| &record["userId"]);
        match (user, self.is_first) {
            // What it says, it says of a device.
            (Some(Value::Null), _) => {}
            (Some(Value::String(id)), _) if id.trim().is_empty() => {}
            (Some(Value::String(_) | Value::Number(_)), true) => {
                record.iter().for_each(|record| self.take_values(record, &people, taken));
            }
            (Some(Value::String(_) | Value::Number(_)), false) if !people.is_empty() => {
                let found =
                    people.iter().flat_map(|person| others.iter().map(|one| (*person, (*one).clone())));
                taken.found.extend(found);
            }
            // It is another user's, or nobody can tell whose.
            (_, false) => taken.of_others.extend(others.into_iter().cloned()),
            (_, true) => {}
        }
    }

    /// Takes the values at the rules' paths.
    fn take_values(&self, record: &Value, people: &[usize], taken: &mut Taken) {
        for rule in self.rules.iter().filter(|rule| rule.kind != SubjectType::UserId) {
            each(record, &rule.path, &mut |value| {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
                    _ => return,
                };
                let Ok(id) = normal::form(rule.kind, &text) else { return };
                if fault(&id).is_none() {
                    for person in people {
                        add(&mut taken.found, *person, Subject { kind: rule.kind, id: id.clone() });
                    }
                }
            });
        }
    }
}

/// Hands every value at a path to `take`. An array stands for its elements.
fn each(value: &Value, path: &[String], take: &mut impl FnMut(&Value)) {
    match (value, path) {
        (Value::Array(elements), _) => elements.iter().for_each(|element| each(element, path, take)),
        (_, []) => take(value),
        (Value::Object(fields), [name, rest @ ..]) => {
            if let Some(value) = fields.get(name) {
                each(value, rest, take);
            }
        }
        _ => {}
    }
}
