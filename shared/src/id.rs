//! Ids of our own making: prefixed, so that one is never taken for another; ordered by time, so that lists
//! come out in the order things happened.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

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
    fn later_ids_sort_later() {
        let first = RunId::new();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(first < RunId::new());
    }
}
