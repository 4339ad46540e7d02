//! What `intake` asks the functions that do the work: whether a destination can be reached, and what it holds. They are
//! asked so that network, role and secrets are tested where they will be used.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::id::DestinationId;
use crate::source_scope::SourceScope;
use crate::subject::Subject;

/// How long the function may take: a client waits for the answer.
pub const TIME_TO_ANSWER: Duration = Duration::from_secs(20);

/// A question about a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Probe {
    /// Whether it can be reached and the credentials are good; nothing is changed.
    Check {
        /// The destination that is asked about.
        destination_id: DestinationId,
    },
    /// How much of the subjects it holds; nothing is changed.
    Count {
        /// The destination that is asked about.
        destination_id: DestinationId,
        /// The people whose data is counted.
        subjects: Vec<Subject>,
        /// The part of the destination to count in; all of it, if left out.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        part: Option<SourceScope>,
    },
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
