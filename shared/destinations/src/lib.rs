//! What can be connected, pure: [`catalog`] lists it. To add a vendor: one file in [`cloud`], one line in
//! [`cloud::VENDORS`], one fixture. To add a warehouse: one file in [`warehouse`] and its lines there.

pub mod archive;
#[cfg(test)]
mod attacks;
mod change;
pub mod cloud;
mod description;
pub mod layout;
pub mod narrow;
pub mod warehouse;

pub use change::DestinationChange;
pub use description::{Description, Field, Form, Region};

use jiff::Timestamp;
use model::destination::{Destination, DestinationKind, Secrets};
use model::failure::{Failure, Result};
use model::id::DestinationId;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Everything that can be connected.
pub fn catalog() -> impl Iterator<Item = &'static Description> {
    std::iter::once(&archive::DESCRIPTION)
        .chain(warehouse::ALL)
        .chain(cloud::VENDORS.iter().map(|vendor| vendor.description()))
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

/// Checks a destination's name and settings against its vendor's description. `any_endpoint` lets a vendor's host be any
/// URL, which only test stacks want.
fn check(destination: &Destination, any_endpoint: bool) -> Result<()> {
    let description = describe(&destination.vendor)?;
    if destination.name.trim().is_empty() || destination.name.len() > 100 {
        return Err(Failure::invalid("name must have 1 to 100 characters").field("name"));
    }
    description.check_names(false, destination.settings.keys())?;
    match description.kind {
        DestinationKind::Archive => destination.settings::<archive::Settings>().map(drop),
        DestinationKind::Warehouse => warehouse::check(destination, any_endpoint),
        DestinationKind::Cloud => description.check_forms(&destination.settings, any_endpoint),
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
        check(&destination, any_endpoint)?;
        Ok((destination, self.secrets))
    }
}
