//! What a message of the batch queue asks for.

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::json;
use crate::regulation::{MAX_SUBJECTS, NewRegulation, RegulationType};

/// A message, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What to do about the subjects.
    pub regulation_type: RegulationType,
    /// The subjects, or where they are.
    pub subjects: Subjects,
    /// A text of the sender's own: the same subjects with another reference are another batch.
    pub reference: String,
}

/// Where the subjects are listed.
#[derive(Clone, PartialEq, Eq)]
pub enum Subjects {
    /// In the message itself.
    Listed(Vec<String>),
    /// In a file in S3.
    Filed(FileName),
}

/// A file in S3, and the column of it that holds the identifiers.
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
    subject_type: String,
    subject_ids: Option<Vec<String>>,
    file: Option<FileName>,
    reference: Option<String>,
}

impl Message {
    /// Reads a message's body.
    ///
    /// # Errors
    /// `Invalid`, saying what is wrong without repeating any value.
    pub fn parse(body: &str) -> Result<Self> {
        let body: Body = json::parse(body.as_bytes())
            .map_err(|fault| Failure::invalid(format!("the message cannot be read: {fault}")))?;
        let (regulation_type, _) = NewRegulation::kinds(&body.regulation_type, &body.subject_type)?;
        let subjects = match (body.subject_ids, body.file) {
            (Some(ids), None) => Subjects::Listed(listed(ids)?),
            (None, Some(file)) => Subjects::Filed(file),
            _ => return Err(Failure::invalid("the message must have either subjectIds or file")),
        };
        Ok(Self { regulation_type, subjects, reference: body.reference.unwrap_or_default() })
    }
}

fn listed(ids: Vec<String>) -> Result<Vec<String>> {
    if ids.len() > MAX_SUBJECTS {
        let message = format!(
            "subjectIds holds {} subjects; at most {MAX_SUBJECTS} are taken: put them into a file",
            ids.len()
        );
        return Err(Failure::invalid(message).field("subjectIds"));
    }
    Ok(ids)
}
