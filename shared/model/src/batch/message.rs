//! What a message of the batch queue asks for.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::Named;
use crate::failure::{Failure, Result};
use crate::json;
use crate::regulation::{Law, MAX_SUBJECTS, NewClock, NewRegulation, RegulationType};

/// A message, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What to do about the subjects.
    pub regulation_type: RegulationType,
    /// What the subjects are named by.
    pub named: Named,
    /// The subjects, or where they are.
    pub subjects: Subjects,
    /// A text of the sender's own: the same subjects with another reference are another batch.
    pub reference: String,
    /// The law's clock of all that it asks for.
    pub clock: NewClock,
}

/// Where the subjects are listed.
#[derive(Clone, PartialEq, Eq)]
pub enum Subjects {
    /// In the message itself: user ids, or people in JSON.
    Listed(Vec<String>),
    /// In a file in S3.
    Filed(FileName),
}

/// A file in S3, and the column of it that holds the user ids.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileName {
    /// The name of the bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The object's version; the current one, if left out.
    pub version_id: Option<String>,
    /// The name of the column or field that holds the identifiers; one of the usual names, if left out.
    pub column: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    regulation_type: String,
    subject_type: Option<String>,
    subject_ids: Option<Vec<String>>,
    subjects: Option<Vec<Box<RawValue>>>,
    file: Option<FileName>,
    reference: Option<String>,
    received_at: Option<Timestamp>,
    law: Option<Law>,
    due_in_days: Option<u16>,
}

impl Message {
    /// Reads a message's body.
    ///
    /// # Errors
    /// `Invalid`, saying what is wrong without repeating any value.
    pub fn parse(body: &str) -> Result<Self> {
        let body: Body = json::parse(body.as_bytes())
            .map_err(|fault| Failure::invalid(format!("the message cannot be read: {fault}")))?;
        let subject_type = body.subject_type.as_deref();
        let regulation_type = match subject_type {
            Some(subject_type) => NewRegulation::kinds(&body.regulation_type, subject_type)?.0,
            None => NewRegulation::kind(&body.regulation_type)?,
        };
        let by_all = Named::ByAll { suppressed: regulation_type.suppression().is_some() };
        let (named, subjects) = match (subject_type, body.subject_ids, body.subjects, body.file) {
            (Some(_), Some(ids), None, None) => {
                (Named::ByUserId(None), Subjects::Listed(listed("subjectIds", ids)?))
            }
            (Some(_), None, None, Some(file)) => {
                (Named::ByUserId(file.column.clone()), Subjects::Filed(file))
            }
            (None, None, Some(people), None) => {
                let people = people.into_iter().map(|person| person.get().to_owned()).collect();
                (by_all, Subjects::Listed(listed("subjects", people)?))
            }
            (None, None, None, Some(FileName { column: Some(_), .. })) => {
                let message =
                    "file.column goes with subjectType: without it, columns are named as the API's fields";
                return Err(Failure::invalid(message).field("file"));
            }
            (None, None, None, Some(file)) => (by_all, Subjects::Filed(file)),
            _ => {
                let message = "the message must have either subjectType with subjectIds or file, or subjects or file alone";
                return Err(Failure::invalid(message));
            }
        };
        let (received_at, law, due_in_days) = (body.received_at, body.law, body.due_in_days);
        let clock = NewClock { received_at, law, due_in_days };
        let reference = body.reference.unwrap_or_default();
        Ok(Self { regulation_type, named, subjects, reference, clock })
    }
}

fn listed(field: &'static str, all: Vec<String>) -> Result<Vec<String>> {
    if all.len() > MAX_SUBJECTS {
        let message = format!(
            "{field} holds {} subjects; at most {MAX_SUBJECTS} are taken: put them into a file",
            all.len()
        );
        return Err(Failure::invalid(message).field(field));
    }
    Ok(all)
}
