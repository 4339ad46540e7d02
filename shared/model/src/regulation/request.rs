//! What clients ask for: the bodies of requests, and the regulations that are made of them.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder, ObjectBuilder, Type};

use super::{MAX_SUBJECT_BYTES, MAX_SUBJECTS, Regulation, RegulationType};
use crate::failure::{Failure, Result};
use crate::id::RegulationId;
use crate::source::SourceId;
use crate::source_scope::{MAX_COLLECTION, SourceScope};
use crate::status::Status;
use crate::subject::{MAX_ID_BYTES, Subject, SubjectType, fault};

/// The body of `POST /regulations`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
    subject_type: String,
    /// Who: each an identifier exactly as the events carry it.
    #[schema(schema_with = subject_ids)]
    subject_ids: Vec<String>,
}

/// The body of `POST /regulations/sources/{id}`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
}

/// The body of `POST /regulations/cloudsources/{id}`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
            subject_type: SubjectType::UserId.as_str().to_owned(),
            subject_ids: ids,
        }
    }

    /// Checks the request and makes the regulation, with its distinct subjects in the order given.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(self, id: RegulationId, now: Timestamp) -> Result<(Regulation, Vec<Subject>)> {
        let (kind, subject_type) = Self::kinds(&self.regulation_type, &self.subject_type)?;
        make(id, now, kind, (subject_type, self.subject_ids), None)
    }

    /// Checks which type of regulation and of subject such a request asks for.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn kinds(regulation_type: &str, subject_type: &str) -> Result<(RegulationType, SubjectType)> {
        let kind = known(regulation_type)?;
        if kind == RegulationType::DeleteArchiveOnly {
            let message = "DELETE_ARCHIVE_ONLY is for one source: POST /regulations/sources/{id}";
            return Err(Failure::invalid(message).field("regulationType"));
        }
        Ok((kind, one_of(subject_type, &[SubjectType::UserId])?))
    }
}

impl NewSourceRegulation {
    /// Checks the request and makes the regulation, about what this source brought.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(
        self,
        source_id: SourceId,
        id: RegulationId,
        now: Timestamp,
    ) -> Result<(Regulation, Vec<Subject>)> {
        let kind = known(&self.regulation_type)?;
        let subject_type = one_of(&self.subject_type, &[SubjectType::UserId, SubjectType::AnonymousId])?;
        if subject_type == SubjectType::AnonymousId && kind != RegulationType::DeleteArchiveOnly {
            let message = "ANONYMOUS_ID goes with the regulationType DELETE_ARCHIVE_ONLY alone";
            return Err(Failure::invalid(message).field("subjectType"));
        }
        make(
            id,
            now,
            kind,
            (subject_type, self.subject_ids),
            Some(SourceScope { source_id, collection: None }),
        )
    }
}

impl NewCloudSourceRegulation {
    /// Checks the request and makes the regulation, about objects that this source brought.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(
        self,
        source_id: SourceId,
        id: RegulationId,
        now: Timestamp,
    ) -> Result<(Regulation, Vec<Subject>)> {
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
        make(id, now, kind, (subject_type, self.subject_ids), Some(part))
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
) -> Result<(Regulation, Vec<Subject>)> {
    let subjects = check_subjects(subject_type, ids)?;
    let regulation = Regulation {
        id,
        regulation_type,
        subject_type,
        subject_count: subjects.len(),
        part,
        duplicate_of: None,
        status: Status::Initialized,
        attempt: 1,
        actor: None,
        created_at: now,
        finished_at: None,
    };
    Ok((regulation, subjects))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;
    use crate::subject::PseudonymKey;

    fn request(kind: &str, ids: &[&str]) -> Result<(Regulation, Vec<Subject>)> {
        let subject_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        NewRegulation { regulation_type: kind.into(), subject_type: "USER_ID".into(), subject_ids }
            .accept(RegulationId::new(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_good_request_keeps_its_distinct_subjects_in_order() {
        let (regulation, subjects) = request("SUPPRESS_WITH_DELETE", &["b", "a", "b"]).expect("valid");
        assert_eq!(subjects, [Subject::user("b"), Subject::user("a")]);
        assert_eq!((regulation.subject_count, regulation.status), (2, Status::Initialized));
    }

    #[test]
    fn bad_requests_name_the_field_and_never_the_identifier() {
        let long = "x".repeat(10_240);
        let many = vec!["u"; MAX_SUBJECTS + 1];
        let cases: [(&str, &[&str], &str); 5] = [
            ("FORGET", &["u"], "regulationType"),
            ("DELETE_ONLY", &[], "subjectIds"),
            ("DELETE_ONLY", &["u", " "], "subjectIds"),
            ("DELETE_ONLY", &[&long], "subjectIds"),
            ("DELETE_ONLY", &many, "subjectIds"),
        ];
        for (kind, ids, field) in cases {
            let failure = request(kind, ids).expect_err("invalid");
            assert_eq!((failure.kind, failure.field), (failure::FailureKind::Invalid, Some(field)));
            assert!(!failure.public.contains(&long));
        }
    }

    #[test]
    fn the_same_request_in_another_order_is_the_same() {
        let key = PseudonymKey::new(b"key");
        let print = |kind, ids| {
            let (regulation, subjects) = request(kind, ids).expect("valid");
            regulation.fingerprint(&key, &subjects)
        };
        assert_eq!(print("DELETE_ONLY", &["a", "b"]), print("DELETE_ONLY", &["b", "a", "b"]));
        assert_ne!(print("DELETE_ONLY", &["a", "b"]), print("DELETE_INTERNAL", &["a", "b"]));
        assert_ne!(print("DELETE_ONLY", &["ab"]), print("DELETE_ONLY", &["a", "b"]));
    }

    #[test]
    fn a_source_has_what_is_for_sources_alone() {
        let of_source = |kind: &str, subjects: &str| {
            let new = NewSourceRegulation {
                regulation_type: kind.into(),
                subject_type: subjects.into(),
                subject_ids: vec!["a".into()],
            };
            let source = "web".parse().expect("an id");
            new.accept(source, RegulationId::new(), Timestamp::UNIX_EPOCH)
        };
        let (regulation, subjects) = of_source("DELETE_ARCHIVE_ONLY", "ANONYMOUS_ID").expect("valid");
        assert_eq!(regulation.part.map(|part| part.source_id.to_string()).as_deref(), Some("web"));
        assert_eq!(subjects[0].kind, SubjectType::AnonymousId);
        assert_eq!(of_source("DELETE_ONLY", "ANONYMOUS_ID").expect_err("invalid").field, Some("subjectType"));
        assert_eq!(of_source("DELETE_ONLY", "OBJECT_ID").expect_err("invalid").field, Some("subjectType"));
        let workspace = request("DELETE_ARCHIVE_ONLY", &["a"]);
        assert_eq!(workspace.expect_err("invalid").field, Some("regulationType"));
    }

    #[test]
    fn objects_are_deleted_from_a_collection_and_never_suppressed() {
        let request = |kind: &str, collection: &str| {
            let new = NewCloudSourceRegulation {
                regulation_type: kind.into(),
                subject_type: "OBJECT_ID".into(),
                subject_ids: vec!["a".into()],
                collection: collection.into(),
            };
            let source = "stripe".parse().expect("an id");
            new.accept(source, RegulationId::new(), Timestamp::UNIX_EPOCH).map(|(regulation, _)| regulation)
        };
        assert!(request("DELETE_INTERNAL", "charges").is_ok());
        assert_eq!(request("SUPPRESS_ONLY", "charges").expect_err("invalid").field, Some("regulationType"));
        for collection in ["", "a.b", "charges; drop"] {
            let failure = request("DELETE_INTERNAL", collection).expect_err("invalid");
            assert_eq!(failure.field, Some("collection"));
        }
    }
}
