//! Destinations: the places that hold subjects, and how each is configured.
//!
//! A destination is an archive, a warehouse or a cloud destination. [`catalog`] lists what can be connected;
//! [`cloud::VENDORS`] holds the protocols of the cloud destinations.

mod change;
pub mod cloud;
mod description;
#[cfg(feature = "vendor")]
pub mod engine;
mod stores;

pub use change::DestinationChange;
pub use description::{Description, Field, Form, Kind, Region};

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::failure::{Failure, Result};
use crate::id::DestinationId;
use crate::warehouse::settings::{self as warehouse, Settings as _};

/// Everything that can be connected.
pub fn catalog() -> impl Iterator<Item = &'static Description> {
    stores::ALL.iter().chain(cloud::VENDORS.iter().map(|vendor| vendor.description()))
}

/// The description of a vendor.
///
/// # Errors
/// `Invalid`, if there is no such vendor.
pub fn describe(vendor: &str) -> Result<&'static Description> {
    catalog().find(|d| d.vendor == vendor).ok_or_else(|| {
        let known: Vec<_> = catalog().map(|d| d.vendor).collect();
        Failure::invalid(format!("vendor must be one of {}", known.join(", "))).field("vendor")
    })
}

/// A connected place, as it is kept. Its secrets are kept apart, in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Its id.
    pub id: DestinationId,
    /// What people call it.
    pub name: String,
    /// Which entry of the [`catalog`] it is.
    pub vendor: String,
    /// What sort of place it is.
    pub kind: Kind,
    /// Its settings, without secrets.
    pub settings: Map<String, Value>,
    /// Since when regulations reach it.
    pub enabled_from: Timestamp,
    /// Since when they do no longer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enabled_until: Option<Timestamp>,
    /// When they did before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub enabled_earlier: Vec<Period>,
}

/// A span of time in which regulations reached a destination. None is ever forgotten, so that it can be said who
/// received somebody's data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Period {
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Destination {
    /// The settings as the type its adapter reads.
    ///
    /// # Errors
    /// `Invalid`, naming what is wrong with them.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(Value::Object(self.settings.clone()))
            .map_err(|error| Failure::invalid(format!("settings: {error}")).field("settings"))
    }

    /// Checks name and settings against the vendor's description. `any_endpoint` lets a vendor's host be any URL,
    /// which only test stacks want.
    fn check(&self, any_endpoint: bool) -> Result<()> {
        let description = describe(&self.vendor)?;
        if self.name.trim().is_empty() || self.name.len() > 100 {
            return Err(Failure::invalid("name must have 1 to 100 characters").field("name"));
        }
        description.check_names(false, self.settings.keys())?;
        match description.vendor {
            "s3" => self.settings::<crate::archive::Settings>().map(drop),
            "postgres" => self.settings::<warehouse::Postgres>()?.check(any_endpoint),
            "redshift" => self.settings::<warehouse::Redshift>()?.check(any_endpoint),
            "bigquery" => self.settings::<warehouse::BigQuery>()?.check(any_endpoint),
            "snowflake" => self.settings::<warehouse::Snowflake>()?.check(any_endpoint),
            _ => description.check_forms(&self.settings, any_endpoint),
        }
    }
}

/// Secrets of a destination, by field name. `Debug` shows none.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Secrets(pub BTreeMap<String, String>);

impl Secrets {
    /// A secret that the vendor's description requires.
    ///
    /// # Errors
    /// `Permanent`, if it is not there.
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

/// The body of `POST /destinations`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Events", "vendor": "s3", "settings": { "bucket": "my-events", "prefix": "segment-logs/" }
}))]
pub struct NewDestination {
    /// What people will call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What to connect: one of the catalogue's vendors.
    vendor: String,
    /// Settings by name, as the catalogue describes them.
    #[serde(default)]
    settings: Map<String, Value>,
    /// Secrets by name; they are never shown again.
    #[serde(default)]
    secrets: Secrets,
}

impl NewDestination {
    /// Checks the request against the vendor's description and makes the destination of it. `any_endpoint`
    /// lets a vendor's host be any URL, which only test stacks want.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(self, any_endpoint: bool, now: Timestamp) -> Result<(Destination, Secrets)> {
        let description = describe(&self.vendor)?;
        description.check_names(true, self.secrets.0.keys())?;
        let destination = Destination {
            id: DestinationId::new(),
            name: self.name,
            vendor: self.vendor,
            kind: description.kind,
            settings: self.settings,
            enabled_from: now,
            enabled_until: None,
            enabled_earlier: Vec::new(),
        };
        destination.check(any_endpoint)?;
        Ok((destination, self.secrets))
    }
}
