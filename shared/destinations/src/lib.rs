//! What can be connected, pure: [`catalog`] lists it.
//!
//! - To add a vendor: one file in [`cloud`], its lines in `cloud/mod.rs`, one fixture.
//! - To add a warehouse: one file in [`warehouse`], its lines in `warehouse/mod.rs`, and its engine in the crate
//!   `warehouses` with a line in its `lib.rs`.

pub mod address;
pub mod archive;
#[cfg(test)]
mod attacks;
mod change;
pub mod cloud;
mod description;
pub mod google;
pub mod layout;
pub mod narrow;
pub mod warehouse;

pub use change::DestinationChange;
pub use description::{Description, Field, Form, Region, is_public_url};

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::destination::{Destination, DestinationKind, Secrets};
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::name;
use model::subject::{SubjectType, hex};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::warehouse::Warehouse;

/// Everything that can be connected.
pub fn catalog() -> impl Iterator<Item = &'static Description> {
    std::iter::once(&archive::DESCRIPTION)
        .chain(warehouse::ALL.iter().map(|warehouse| &warehouse.description))
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

/// The kinds of identifier that an archive is searched for; none, if it is no archive.
pub fn searched_for(destination: &Destination) -> Option<BTreeSet<SubjectType>> {
    let archive = destination.kind == DestinationKind::Archive;
    let settings = archive.then(|| destination.settings::<archive::Settings>().ok()).flatten();
    settings.map(|settings| settings.rules.kinds())
}

/// Whether people are looked up in a destination for their other identifiers.
pub fn resolves(destination: &Destination) -> bool {
    let resolves = destination.settings.get("resolves").filter(|all| !all.is_null());
    resolves.is_some_and(|all| all.as_array().is_none_or(|all| !all.is_empty()))
}

/// Checks a destination and its secrets again before they are used: what a setting or secret leads to must not depend
/// on when it was stored, or by whom.
///
/// # Errors
/// `Permanent`, if they would be refused today.
pub fn check_use(destination: &Destination, secrets: &Secrets, any_endpoint: bool) -> Result<()> {
    let checked = check(destination, any_endpoint)
        .and_then(|()| check_secrets(&destination.vendor, secrets, any_endpoint));
    checked.map_err(|failure| Failure::permanent(failure.public))
}

/// A hash of the settings that direct a destination's secrets: if it changes, the secrets go elsewhere.
pub fn secrets_go_to(destination: &Destination) -> String {
    let fields = describe(&destination.vendor).map_or(&[][..], |description| description.fields);
    let directing = fields.iter().filter(|field| field.directs_secrets);
    let settings: Vec<_> = directing.map(|field| destination.settings.get(field.name)).collect();
    hex(&Sha256::digest(serde_json::to_vec(&settings).unwrap_or_default()))
}

/// Checks a destination's name and settings against its vendor's description. `any_endpoint` lets a vendor's host be
/// any URL, as on test stacks.
fn check(destination: &Destination, any_endpoint: bool) -> Result<()> {
    let description = describe(&destination.vendor)?;
    check_settings(destination, description, any_endpoint).map_err(|failure| description.naming(failure))
}

fn check_settings(destination: &Destination, description: &Description, any_endpoint: bool) -> Result<()> {
    name::check(&destination.name)?;
    description.check_names(false, destination.settings.keys())?;
    description.check_forms(&destination.settings, any_endpoint)?;
    match description.kind {
        DestinationKind::Archive => archive::check(destination),
        DestinationKind::Warehouse => {
            (Warehouse::find(&destination.vendor)?.check)(destination, any_endpoint)
        }
        DestinationKind::Cloud => cloud::vendor(&destination.vendor)?.check_settings(&destination.settings),
    }
}

/// Checks that secrets have the required names, and lead nowhere but to their vendor.
fn check_secrets(vendor: &str, secrets: &Secrets, any_endpoint: bool) -> Result<()> {
    let description = describe(vendor)?;
    let check = || {
        description.check_names(true, secrets.0.keys())?;
        match description.kind {
            DestinationKind::Archive => Ok(()),
            DestinationKind::Warehouse => (Warehouse::find(vendor)?.check_secrets)(secrets, any_endpoint),
            DestinationKind::Cloud => cloud::vendor(vendor)?.check_secrets(secrets),
        }
    };
    check().map_err(|failure| description.naming(failure))
}

/// The body of `POST /destinations`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Events", "vendor": "s3", "settings": { "bucket": "my-events", "prefix": "segment-logs/" }
}))]
pub struct NewDestination {
    /// The name that people give it.
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
    /// Checks the request against the vendor's description and makes the destination. `any_endpoint` lets a vendor's
    /// host be any URL, as on test stacks.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(self, any_endpoint: bool, now: Timestamp) -> Result<(Destination, Secrets)> {
        let description = describe(&self.vendor)?;
        check_secrets(&self.vendor, &self.secrets, any_endpoint)?;
        let mut settings = self.settings;
        settings.retain(|_, value| !value.is_null());
        let destination = Destination {
            id: DestinationId::new(),
            name: self.name,
            vendor: self.vendor,
            kind: description.kind,
            settings,
            enabled_from: now,
            enabled_until: None,
            enabled_earlier: Vec::new(),
        };
        check(&destination, any_endpoint)?;
        Ok((destination, self.secrets))
    }
}
