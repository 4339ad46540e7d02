//! What clients ask for: the bodies of requests, and the regulations that are made of them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder, ObjectBuilder, Type};

use super::case::{self, CaseFile, NewCaseFile, NewClock};
use super::law::Law;
use super::people::{self, Individual};
use super::{MAX_SUBJECT_BYTES, MAX_SUBJECTS, Regulation, RegulationType};
use crate::failure::{Failure, Result};
use crate::id::RegulationId;
use crate::source::SourceId;
use crate::source_scope::{MAX_COLLECTION, SourceScope};
use crate::status::Status;
use crate::subject::{self, MAX_ID_BYTES, Named, Subject, SubjectType, fault};

/// The body of `POST /regulations`: either `subjectType` and `subjectIds`, or `subjects`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["u7"]
}))]
pub struct NewRegulation {
    /// What to do about the subjects.
    #[schema(
        pattern = "^(DELETE_INTERNAL|DELETE_ONLY|SUPPRESS_ONLY|SUPPRESS_WITH_DELETE|SUPPRESS_WITH_DELETE_INTERNAL|UNSUPPRESS)$"
    )]
    regulation_type: String,
    /// By which kind of identifier they are given.
    #[schema(pattern = "^USER_ID$")]
    subject_type: Option<String>,
    /// Who: each an identifier exactly as the events carry it.
    #[schema(schema_with = subject_ids)]
    subject_ids: Option<Vec<String>>,
    /// Who: each a person by all identifiers that are known. A place is asked by those that it knows.
    #[schema(min_items = 1, max_items = 5_000)]
    subjects: Option<Vec<Individual>>,
    /// When the person's request came in, up to a year ago; now, if left out (RFC 3339).
    received_at: Option<Timestamp>,
    /// The law by whose clock it is answered; the installation's own, if left out.
    law: Option<Law>,
    /// How many days there are, if the law is `OTHER`.
    #[schema(minimum = 1, maximum = 365)]
    due_in_days: Option<u16>,
    /// What is on file about the request. It names nobody: a text with an identifier, an email address or a telephone number
    /// is refused.
    file: Option<NewCaseFile>,
}

/// The body of `POST /regulations/sources/{id}`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "regulationType": "DELETE_ARCHIVE_ONLY", "subjectType": "ANONYMOUS_ID", "subjectIds": ["anonymous-7"]
}))]
pub struct NewSourceRegulation {
    /// What to do about the subjects.
    #[schema(value_type = RegulationType)]
    regulation_type: String,
    /// By which kind of identifier they are given. `ANONYMOUS_ID` goes with `DELETE_ARCHIVE_ONLY` alone.
    #[schema(pattern = "^(USER_ID|ANONYMOUS_ID)$")]
    subject_type: String,
    /// Who: each an identifier exactly as the events carry it.
    #[schema(schema_with = subject_ids)]
    subject_ids: Vec<String>,
    /// When the person's request came in, up to a year ago; now, if left out (RFC 3339).
    received_at: Option<Timestamp>,
    /// The law by whose clock it is answered; the installation's own, if left out.
    law: Option<Law>,
    /// How many days there are, if the law is `OTHER`.
    #[schema(minimum = 1, maximum = 365)]
    due_in_days: Option<u16>,
    /// What is on file about the request. It names nobody: a text with an identifier, an email address or a telephone number
    /// is refused.
    file: Option<NewCaseFile>,
}

/// The body of `POST /regulations/cloudsources/{id}`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "regulationType": "DELETE_INTERNAL", "subjectType": "OBJECT_ID", "subjectIds": ["003Hr00002"],
    "collection": "contacts"
}))]
pub struct NewCloudSourceRegulation {
    /// What to do about the objects.
    #[schema(pattern = "^(DELETE_INTERNAL|DELETE_ONLY)$")]
    regulation_type: String,
    /// By which kind of identifier they are given.
    #[schema(pattern = "^OBJECT_ID$")]
    subject_type: String,
    /// Which objects: each an `id` exactly as the collection carries it.
    #[schema(schema_with = subject_ids)]
    subject_ids: Vec<String>,
    /// The collection that they are in: a table of the source's schema.
    #[schema(min_length = 1, max_length = 127, pattern = "^[A-Za-z0-9_]+$")]
    collection: String,
    /// When the person's request came in, up to a year ago; now, if left out (RFC 3339).
    received_at: Option<Timestamp>,
    /// The law by whose clock it is answered; the installation's own, if left out.
    law: Option<Law>,
    /// How many days there are, if the law is `OTHER`.
    #[schema(minimum = 1, maximum = 365)]
    due_in_days: Option<u16>,
    /// What is on file about the request. It names nobody: a text with an identifier, an email address or a telephone number
    /// is refused.
    file: Option<NewCaseFile>,
}

/// The schema of a list of identifiers in the API's description.
pub fn subject_ids() -> Array {
    let id =
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"\S")).max_length(Some(MAX_ID_BYTES));
    ArrayBuilder::new().items(id).min_items(Some(1)).max_items(Some(MAX_SUBJECTS)).build()
}

impl NewRegulation {
    /// A request about users from a client of another API.
    pub fn of_users(kind: RegulationType, ids: Vec<String>) -> Self {
        Self {
            regulation_type: kind.as_str().to_owned(),
            subject_type: Some(SubjectType::UserId.as_str().to_owned()),
            subject_ids: Some(ids),
            subjects: None,
            received_at: None,
            law: None,
            due_in_days: None,
            file: None,
        }
    }

    /// A regulation about people of a batch, whose identifiers were checked. Its clock is the batch's.
    pub fn of_batch(
        kind: RegulationType,
        id: RegulationId,
        now: Timestamp,
        people: Vec<Vec<Subject>>,
    ) -> (Regulation, Vec<Named>) {
        let count = people.len();
        let of = |(number, person): (u32, Vec<Subject>)| {
            person.into_iter().map(move |subject| Named { person: Some(number), subject })
        };
        of_named(kind, id, now, count, (0..).zip(people).flat_map(of).collect())
    }

    /// Checks the request and makes the regulation, with its distinct identifiers in the order given. `law` is the
    /// installation's own.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(self, id: RegulationId, now: Timestamp, law: Law) -> Result<(Regulation, Vec<Named>)> {
        let clock = NewClock { received_at: self.received_at, law: self.law, due_in_days: self.due_in_days };
        let (clock, file) = (clock.accept(now, law)?, self.file);
        let missing = |field| Failure::invalid(format!("{field} is missing")).field(field);
        let made = match (self.subject_type, self.subject_ids, self.subjects) {
            (None, None, Some(subjects)) => Self::of_people(id, now, &self.regulation_type, subjects)?,
            (_, _, Some(_)) => {
                let message = "subjects goes without subjectType and subjectIds";
                return Err(Failure::invalid(message).field("subjects"));
            }
            (subject_type, ids, None) => {
                let subject_type = subject_type.ok_or_else(|| missing("subjectType"))?;
                let ids = ids.ok_or_else(|| missing("subjectIds"))?;
                let (kind, subject_type) = Self::kinds(&self.regulation_type, &subject_type)?;
                make(id, now, kind, (subject_type, ids), None)?
            }
        };
        case::attach(made, clock, file)
    }

    fn of_people(
        id: RegulationId,
        now: Timestamp,
        regulation_type: &str,
        subjects: Vec<Individual>,
    ) -> Result<(Regulation, Vec<Named>)> {
        let kind = Self::kind(regulation_type)?;
        let count = subjects.len();
        let named = people::named(subjects)?;
        people::suppressible(kind, subject::people(&named))?;
        Ok(of_named(kind, id, now, count, named))
    }

    /// Checks which type of regulation and of subject such a request asks for.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn kinds(regulation_type: &str, subject_type: &str) -> Result<(RegulationType, SubjectType)> {
        Ok((Self::kind(regulation_type)?, one_of(subject_type, &[SubjectType::UserId])?))
    }

    /// Checks which type of regulation a request about people asks for.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn kind(regulation_type: &str) -> Result<RegulationType> {
        let kind = known(regulation_type)?;
        if kind == RegulationType::DeleteArchiveOnly {
            let message = "DELETE_ARCHIVE_ONLY is for one source: POST /regulations/sources/{id}";
            return Err(Failure::invalid(message).field("regulationType"));
        }
        Ok(kind)
    }
}

impl NewSourceRegulation {
    /// Checks the request and makes the regulation, about what this source brought. `law` is the installation's own.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(
        self,
        source_id: SourceId,
        id: RegulationId,
        now: Timestamp,
        law: Law,
    ) -> Result<(Regulation, Vec<Named>)> {
        let clock = NewClock { received_at: self.received_at, law: self.law, due_in_days: self.due_in_days };
        let clock = clock.accept(now, law)?;
        let kind = known(&self.regulation_type)?;
        let subject_type = one_of(&self.subject_type, &[SubjectType::UserId, SubjectType::AnonymousId])?;
        if subject_type == SubjectType::AnonymousId && kind != RegulationType::DeleteArchiveOnly {
            let message = "ANONYMOUS_ID goes with the regulationType DELETE_ARCHIVE_ONLY alone";
            return Err(Failure::invalid(message).field("subjectType"));
        }
        let part = SourceScope { source_id, collection: None };
        case::attach(make(id, now, kind, (subject_type, self.subject_ids), Some(part))?, clock, self.file)
    }
}

impl NewCloudSourceRegulation {
    /// Checks the request and makes the regulation, about objects that this source brought. `law` is the installation's own.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(
        self,
        source_id: SourceId,
        id: RegulationId,
        now: Timestamp,
        law: Law,
    ) -> Result<(Regulation, Vec<Named>)> {
        let clock = NewClock { received_at: self.received_at, law: self.law, due_in_days: self.due_in_days };
        let clock = clock.accept(now, law)?;
        let kind = known(&self.regulation_type)?;
        if !matches!(kind, RegulationType::DeleteInternal | RegulationType::DeleteOnly) {
            let message = "objects come in past Lethe and lie in warehouses alone: regulationType must be DELETE_INTERNAL or DELETE_ONLY";
            return Err(Failure::invalid(message).field("regulationType"));
        }
        let subject_type = one_of(&self.subject_type, &[SubjectType::ObjectId])?;
        let plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        if self.collection.is_empty()
            || self.collection.len() > MAX_COLLECTION
            || !self.collection.bytes().all(plain)
        {
            let message = format!("collection has 1 to {MAX_COLLECTION} letters, digits and underscores");
            return Err(Failure::invalid(message).field("collection"));
        }
        let part = SourceScope { source_id, collection: Some(self.collection) };
        case::attach(make(id, now, kind, (subject_type, self.subject_ids), Some(part))?, clock, self.file)
    }
}

fn known(name: &str) -> Result<RegulationType> {
    RegulationType::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| {
        let known = RegulationType::ALL.map(RegulationType::as_str).join(", ");
        Failure::invalid(format!("regulationType must be one of {known}")).field("regulationType")
    })
}

fn one_of(name: &str, taken: &[SubjectType]) -> Result<SubjectType> {
    taken.iter().copied().find(|kind| kind.as_str() == name).ok_or_else(|| {
        let taken: Vec<_> = taken.iter().map(|kind| kind.as_str()).collect();
        Failure::invalid(format!("subjectType must be {}", taken.join(" or "))).field("subjectType")
    })
}

fn make(
    id: RegulationId,
    now: Timestamp,
    regulation_type: RegulationType,
    (subject_type, ids): (SubjectType, Vec<String>),
    part: Option<SourceScope>,
) -> Result<(Regulation, Vec<Named>)> {
    let named: Vec<Named> = check_subjects(subject_type, ids)?.into_iter().map(Named::from).collect();
    let regulation = regulation(id, now, regulation_type, subject_type, named.len());
    Ok((Regulation { part, ..regulation }, named))
}

/// A regulation about this many people, and their identifiers.
fn of_named(
    kind: RegulationType,
    id: RegulationId,
    now: Timestamp,
    count: usize,
    named: Vec<Named>,
) -> (Regulation, Vec<Named>) {
    let mut identifiers = BTreeMap::new();
    for one in &named {
        *identifiers.entry(one.subject.kind).or_default() += 1;
    }
    let subject_type = named.first().map_or(SubjectType::UserId, |first| first.subject.kind);
    let regulation = regulation(id, now, kind, subject_type, count);
    (Regulation { identifiers, ..regulation }, named)
}

/// A regulation on which no work has begun, about the whole workspace.
fn regulation(
    id: RegulationId,
    now: Timestamp,
    regulation_type: RegulationType,
    subject_type: SubjectType,
    subject_count: usize,
) -> Regulation {
    Regulation {
        id,
        regulation_type,
        subject_type,
        subject_count,
        identifiers: BTreeMap::new(),
        part: None,
        duplicate_of: None,
        status: Status::Initialized,
        attempt: 1,
        actor: None,
        created_at: now,
        grace_until: None,
        finished_at: None,
        clock: None,
        file: CaseFile::default(),
        cancelled: None,
        outcome: None,
    }
}

fn check_subjects(kind: SubjectType, ids: Vec<String>) -> Result<Vec<Subject>> {
    let invalid = |message: String| Err(Failure::invalid(message).field("subjectIds"));
    if ids.is_empty() {
        return invalid("subjectIds must name at least one subject".into());
    }
    if ids.len() > MAX_SUBJECTS {
        return invalid(format!("subjectIds holds {} subjects; at most {MAX_SUBJECTS} are taken", ids.len()));
    }
    for (place, id) in ids.iter().enumerate() {
        if let Some(fault) = fault(id) {
            return invalid(format!("subjectIds[{place}] {fault}"));
        }
    }
    if ids.iter().map(String::len).sum::<usize>() > MAX_SUBJECT_BYTES {
        return invalid(format!("subjectIds has more than {MAX_SUBJECT_BYTES} bytes in all"));
    }
    let mut seen = HashSet::new();
    let distinct = ids.into_iter().filter(|id| seen.insert(id.clone()));
    Ok(distinct.map(|id| Subject { kind, id }).collect())
}
