//! Ids of our own making: prefixed, so that one is never taken for another; ordered by time, so that lists
//! come out in the order things happened.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::{Builder, Uuid};

use crate::failure::Failure;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $field:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new id.
            #[allow(clippy::new_without_default, reason = "every call gives another one")]
            pub fn new() -> Self {
                Self(format!(concat!($prefix, "_{}"), Uuid::now_v7().simple()))
            }

            /// The id as it is written everywhere.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Failure;

            fn from_str(text: &str) -> Result<Self, Failure> {
                match text.strip_prefix(concat!($prefix, "_")) {
                    Some(rest) if rest.len() == 32 && Uuid::try_parse(rest).is_ok() => Ok(Self(text.to_owned())),
                    _ => Err(Failure::invalid(concat!("is not an id of the form ", $prefix, "_…")).field($field)),
                }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let example = concat!($prefix, "_0193aeb1c2d37f6f8c1e5a7b9d0e2f41");
                let pattern = concat!("^", $prefix, "_[0-9a-f]{32}$");
                ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples([example]).into()
            }
        }

        impl ToSchema for $name {}

        impl TryFrom<String> for $name {
            type Error = Failure;

            fn try_from(text: String) -> Result<Self, Failure> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// Names a regulation, and the execution of the state machine that carries it out.
    RegulationId, "reg", "regulateId"
);
id!(
    /// Names a destination.
    DestinationId, "dst", "destinationId"
);
id!(
    /// Names an exception of an archive.
    ExceptionId, "exc", "exceptionId"
);
id!(
    /// Names a write key of a source; it is not the key.
    WriteKeyId, "key", "writeKeyId"
);
id!(
    /// Names a purge run, and its execution.
    RunId, "run", "runId"
);
id!(
    /// Names an API token.
    TokenId, "tok", "tokenId"
);
id!(
    /// Names an entry of the audit trail.
    TrailId, "aud", "trailId"
);
id!(
    /// Names a batch: what became of one message of the queue.
    BatchId, "bat", "batchId"
);

impl BatchId {
    /// The id of the batch that a message begins: the same at each delivery.
    pub fn of_message(message: &str, sent: Timestamp) -> Self {
        Self(format!("bat_{}", derived(message, sent)))
    }

    /// The id of the regulation with this number: the same each time it is made.
    pub fn regulation(&self, number: usize, at: Timestamp) -> RegulationId {
        RegulationId(format!("reg_{}", derived(&format!("{self}/{number}"), at)))
    }

    /// The id of the trail's entry about it: the same each time it is written.
    pub fn trail(&self, at: Timestamp) -> TrailId {
        TrailId(format!("aud_{}", derived(self.as_str(), at)))
    }
}

/// What follows the prefix of a derived id.
fn derived(from: &str, at: Timestamp) -> impl fmt::Display {
    let hash: [u8; 32] = Sha256::digest(from).into();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&hash[..10]);
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid().simple()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_by_their_prefix() {
        let id = RegulationId::new();
        assert_eq!(id.as_str().parse::<RegulationId>().ok(), Some(id.clone()));
        assert!(id.as_str().parse::<RunId>().is_err());
        assert!("reg_../../etc".parse::<RegulationId>().is_err());
    }

    #[test]
    fn what_a_batch_makes_has_the_same_ids_each_time_and_others_than_another_batch() {
        let at = Timestamp::from_second(1_800_000_000).expect("in range");
        let batch = BatchId::of_message("m1", at);
        assert_eq!(batch, BatchId::of_message("m1", at));
        assert_ne!(batch, BatchId::of_message("m2", at));
        let regulation = batch.regulation(0, at);
        assert_eq!(regulation, batch.regulation(0, at));
        assert_ne!(regulation, batch.regulation(1, at));
        assert!(regulation.as_str().parse::<RegulationId>().is_ok());
        assert!(batch.trail(at).as_str().parse::<TrailId>().is_ok());
    }

    #[test]
    fn later_ids_sort_later() {
        let first = RunId::new();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(first < RunId::new());
    }
}
