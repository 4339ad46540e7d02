//! What `intake` asks the functions that do the work: whether a destination can be reached, and what it holds. They are
//! asked so that network, role and secrets are tested where they will be used.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::destination::{Destination, Secrets};
use crate::id::DestinationId;
use crate::source_scope::SourceScope;
use crate::subject::{Subject, SubjectType};

/// How long the function may take: a client waits for the answer.
pub const TIME_TO_ANSWER: Duration = Duration::from_secs(20);

/// A question about a destination.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Probe {
    /// Whether it can be reached and the credentials are good; nothing is changed.
    Check {
        /// The destination to check.
        destination_id: DestinationId,
    },
    /// The same of one that is not stored: it and its secrets come with the question and are kept nowhere.
    Draft {
        /// The destination as it would be stored.
        destination: Destination,
        /// The secrets as they would be stored.
        secrets: Secrets,
    },
    /// How much of the subjects it holds; nothing is changed.
    Count {
        /// The destination to count in.
        destination_id: DestinationId,
        /// The people whose data is counted.
        subjects: Vec<Subject>,
        /// The part of the destination to count in; all of it, if left out.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        part: Option<SourceScope>,
    },
    /// Which other identifiers it knows of people, by kind; nothing is changed, and no identifier is told.
    Resolvable {
        /// The warehouse or the archive to look in.
        destination_id: DestinationId,
        /// The people, each by all identifiers.
        people: Vec<Vec<Subject>>,
    },
}

impl Probe {
    /// The destination that it is about.
    pub fn destination_id(&self) -> &DestinationId {
        match self {
            Self::Draft { destination, .. } => &destination.id,
            Self::Check { destination_id }
            | Self::Count { destination_id, .. }
            | Self::Resolvable { destination_id, .. } => destination_id,
        }
    }
}

/// What a warehouse or an archive knows of people, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolvable {
    /// The place of a person and the kind of an identifier that is only the person's: one entry for each.
    pub found: Vec<(usize, SubjectType)>,
    /// How many identifiers stand with several people.
    pub shared: BTreeMap<SubjectType, u64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Whether all is well.
    pub ok: bool,
    /// What is wrong and what to do about it; or that nothing is.
    pub message: String,
    /// What was found, in numbers and names of places.
    #[serde(default)]
    pub details: Value,
}

impl Finding {
    /// The kinds of identifier that was searched for.
    pub fn kinds(&self) -> BTreeSet<SubjectType> {
        let kinds = self.details.get("kinds").cloned().unwrap_or_default();
        serde_json::from_value(kinds).unwrap_or_default()
    }

    /// The number found, if all of it could be counted: rows of a warehouse, lines of an archive.
    pub fn count(&self) -> Option<u64> {
        let number = |name| self.details.get(name).and_then(Value::as_u64);
        number("rows").or_else(|| number("lines")).filter(|_| self.ok)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_counted_in_part_is_no_count() {
        let finding = |ok, details| Finding { ok, message: String::new(), details };
        assert_eq!(finding(true, json!({"rows": 3})).count(), Some(3));
        assert_eq!(finding(true, json!({"lines": 0})).count(), Some(0));
        assert_eq!(finding(false, json!({"rows": 3})).count(), None);
        assert_eq!(finding(true, Value::Null).count(), None);
    }
}
