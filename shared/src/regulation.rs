//! A regulation: one request about up to 5,000 subjects. Types, states and limits are those of Segment's
//! Public API (`POST /regulations`), so that its clients work unchanged.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Array, ArrayBuilder, ObjectBuilder, Type};

use crate::destination::Kind;
use crate::failure::{Failure, Result};
use crate::id::RegulationId;
use crate::status::Status;
use crate::subject::{MAX_ID_BYTES, Subject, SubjectType, fault};

/// The most subjects of one regulation (Segment's limit).
pub const MAX_SUBJECTS: usize = 5_000;

/// The most bytes that the identifiers of one regulation may have together: they are stored in the same
/// transaction as the regulation, and DynamoDB's transactions end at 4 MB.
pub const MAX_SUBJECT_BYTES: usize = 3_500_000;

/// What to do about the subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegulationType {
    /// Erase from archives and warehouses; forward nothing; suppress nobody.
    DeleteInternal,
    /// Erase everywhere; suppress nobody.
    DeleteOnly,
    /// Drop their events from now on; erase nothing.
    SuppressOnly,
    /// Drop their events from now on and erase everywhere.
    SuppressWithDelete,
    /// Drop their events from now on and erase from archives and warehouses; forward nothing.
    SuppressWithDeleteInternal,
    /// Let their events in again.
    Unsuppress,
}

impl RegulationType {
    /// Every type, in the order in which messages list them.
    pub const ALL: [Self; 6] = [
        Self::DeleteInternal,
        Self::DeleteOnly,
        Self::SuppressOnly,
        Self::SuppressWithDelete,
        Self::SuppressWithDeleteInternal,
        Self::Unsuppress,
    ];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeleteInternal => "DELETE_INTERNAL",
            Self::DeleteOnly => "DELETE_ONLY",
            Self::SuppressOnly => "SUPPRESS_ONLY",
            Self::SuppressWithDelete => "SUPPRESS_WITH_DELETE",
            Self::SuppressWithDeleteInternal => "SUPPRESS_WITH_DELETE_INTERNAL",
            Self::Unsuppress => "UNSUPPRESS",
        }
    }

    /// What it does to the suppression list, if anything.
    pub fn suppression(self) -> Option<Suppression> {
        match self {
            Self::SuppressOnly | Self::SuppressWithDelete | Self::SuppressWithDeleteInternal => {
                Some(Suppression::Add)
            }
            Self::Unsuppress => Some(Suppression::Remove),
            Self::DeleteInternal | Self::DeleteOnly => None,
        }
    }

    /// Whether it erases the subjects from destinations of this kind.
    pub fn erases_from(self, kind: Kind) -> bool {
        match self {
            Self::DeleteOnly | Self::SuppressWithDelete => true,
            Self::DeleteInternal | Self::SuppressWithDeleteInternal => kind != Kind::Cloud,
            Self::SuppressOnly | Self::Unsuppress => false,
        }
    }
}

/// A change to the suppression list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// Their events are dropped from now on.
    Add,
    /// Their events are let in again.
    Remove,
}

/// A request about subjects, as it is kept. The subjects themselves are kept apart from it, since they are
/// dropped when the regulation is sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Regulation {
    /// Its id.
    pub id: RegulationId,
    /// What to do.
    pub regulation_type: RegulationType,
    /// By which kind of identifier the subjects are given.
    pub subject_type: SubjectType,
    /// How many subjects.
    pub subject_count: usize,
    /// How far it is.
    pub status: Status,
    /// Which attempt is under way or was last: 1, and one more for every retry.
    pub attempt: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
}

/// The body of `POST /regulations`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["u7"]
}))]
pub struct NewRegulation {
    /// What to do about the subjects.
    #[schema(value_type = RegulationType)]
    regulation_type: String,
    /// By which kind of identifier they are given.
    #[schema(pattern = "^USER_ID$")]
    subject_type: String,
    /// Who: each an identifier exactly as the events carry it.
    #[schema(schema_with = subject_ids)]
    subject_ids: Vec<String>,
}

/// How the API's description says what identifiers are taken.
pub fn subject_ids() -> Array {
    let id =
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"\S")).max_length(Some(MAX_ID_BYTES));
    ArrayBuilder::new().items(id).min_items(Some(1)).max_items(Some(MAX_SUBJECTS)).build()
}

impl NewRegulation {
    /// What a client asks for who speaks another API.
    pub fn of_users(kind: RegulationType, ids: Vec<String>) -> Self {
        Self {
            regulation_type: kind.as_str().to_owned(),
            subject_type: SubjectType::UserId.as_str().to_owned(),
            subject_ids: ids,
        }
    }

    /// Checks the request and makes the regulation of it, with its distinct subjects in the order given.
    ///
    /// # Errors
    /// [`Failure`] of kind `Invalid`, naming the field.
    pub fn accept(self, id: RegulationId, now: Timestamp) -> Result<(Regulation, Vec<Subject>)> {
        let regulation_type = RegulationType::ALL
            .into_iter()
            .find(|t| t.as_str() == self.regulation_type)
            .ok_or_else(|| {
                let known = RegulationType::ALL.map(RegulationType::as_str).join(", ");
                Failure::invalid(format!("regulationType must be one of {known}")).field("regulationType")
            })?;
        if self.subject_type != SubjectType::UserId.as_str() {
            return Err(Failure::invalid("subjectType must be USER_ID").field("subjectType"));
        }
        let subjects = check_subjects(self.subject_ids)?;
        let regulation = Regulation {
            id,
            regulation_type,
            subject_type: SubjectType::UserId,
            subject_count: subjects.len(),
            status: Status::Initialized,
            attempt: 1,
            created_at: now,
            finished_at: None,
        };
        Ok((regulation, subjects))
    }
}

fn check_subjects(ids: Vec<String>) -> Result<Vec<Subject>> {
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
    Ok(ids.into_iter().filter(|id| seen.insert(id.clone())).map(Subject::user).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;

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
            assert_eq!((failure.kind, failure.field), (failure::Kind::Invalid, Some(field)));
            assert!(!failure.public.contains(&long));
        }
    }
}
