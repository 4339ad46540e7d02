//! A destination: a place that holds subjects' data, as it is stored. The crate `destinations` says what can be
//! connected, and with which settings.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::failure::{Failure, Result};
use crate::id::DestinationId;
use crate::json;

/// What sort of place a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = Kind)]
pub enum DestinationKind {
    /// Event archives in object storage: rewritten by purge runs.
    Archive,
    /// A database with rows: deleted by SQL.
    Warehouse,
    /// A vendor's product: told through its deletion API.
    Cloud,
}

/// The most destinations that are enabled at a time. A regulation, its subjects and a task for each destination are
/// stored in one transaction, which DynamoDB limits to 100 items; 5,000 subjects need up to 13.
pub const MAX_CONNECTED: usize = 80;

/// A connected place, as it is kept. Its secrets are kept apart, in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Its id.
    pub id: DestinationId,
    /// The name that people gave it.
    pub name: String,
    /// The name of its entry in the catalogue.
    pub vendor: String,
    /// What sort of place it is.
    pub kind: DestinationKind,
    /// Its settings, without secrets.
    pub settings: Map<String, Value>,
    /// When regulations began to reach it.
    pub enabled_from: Timestamp,
    /// When they ceased to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enabled_until: Option<Timestamp>,
    /// Earlier periods in which they did.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub enabled_earlier: Vec<Period>,
}

/// A span of time in which regulations reached a destination. All are kept, as a record of who received a
/// person's data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

/// For how long a disabled destination keeps its secrets: a retry of a regulation that began before may need them.
const SECRETS_KEPT: SignedDuration = SignedDuration::from_hours(180 * 24);

impl Destination {
    /// Whether it has been disabled for so long that its secrets are deleted.
    pub fn has_outlived_its_secrets(&self, now: Timestamp) -> bool {
        self.enabled_until.is_some_and(|until| now.duration_since(until) >= SECRETS_KEPT)
    }

    /// The settings, parsed as the type that its adapter reads.
    ///
    /// # Errors
    /// `Invalid`, naming the faulty setting and never its value.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        json::read(Value::Object(self.settings.clone()))
            .map_err(|fault| Failure::invalid(format!("settings.{fault}")).field("settings"))
    }

    /// Enables it: regulations reach it again. No effect, if it is enabled.
    pub fn enable(&mut self, now: Timestamp) {
        if let Some(until) = self.enabled_until.take() {
            self.enabled_earlier.push(Period { from: self.enabled_from, until });
            self.enabled_from = now;
        }
    }

    /// Disables it: regulations no longer reach it. No effect, if it is disabled.
    pub fn disable(&mut self, now: Timestamp) {
        self.enabled_until.get_or_insert(now);
    }
}

/// Secrets of a destination, by field name. `Debug` shows none.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "BTreeMap<String, Value>", into = "BTreeMap<String, String>")]
#[schema(value_type = BTreeMap<String, String>)]
pub struct Secrets(pub BTreeMap<String, String>);

impl From<Secrets> for BTreeMap<String, String> {
    fn from(secrets: Secrets) -> Self {
        secrets.0
    }
}

/// Its errors name no field: a name may be a secret that was put into the wrong place.
impl TryFrom<BTreeMap<String, Value>> for Secrets {
    type Error = &'static str;

    fn try_from(fields: BTreeMap<String, Value>) -> Result<Self, Self::Error> {
        let text = |(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err("each secret must be a text"),
        };
        fields.into_iter().map(text).collect::<Result<_, _>>().map(Self)
    }
}

impl Secrets {
    /// A secret that the vendor's description requires.
    ///
    /// # Errors
    /// `Permanent`, if it is missing.
    pub fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).ok_or_else(|| {
            Failure::permanent(format!("the destination's secret {name} is missing: set it again"))
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(redacted)")
    }
}
