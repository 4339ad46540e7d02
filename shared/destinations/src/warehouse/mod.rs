//! Warehouses that can be connected: one file per engine with its settings and its entry in the catalogue, and one line
//! in [`ALL`].

pub mod bigquery;
pub mod postgres;
pub mod redshift;
mod resolve;
mod scope;
pub mod snowflake;

pub use bigquery::BigQuery;
pub use postgres::Postgres;
pub use redshift::Redshift;
pub use resolve::{Holds, Resolve};
pub use scope::{Candidate, Column, Pattern, Table, TableScope, place, quote};
pub use snowflake::Snowflake;

use model::destination::{Destination, Secrets};
use model::failure::{Failure, Result};
use model::source::SourceId;
use serde::de::DeserializeOwned;

use crate::description::{Description, Field, Form};

/// Every engine.
pub(crate) static ALL: [Warehouse; 4] = [
    Warehouse::of::<Postgres>(),
    Warehouse::of::<Redshift>(),
    Warehouse::of::<BigQuery>(),
    Warehouse::of::<Snowflake>(),
];

/// What this crate knows of an engine, without the type of its settings.
pub(crate) struct Warehouse {
    /// Its entry in the catalogue.
    pub description: Description,
    /// Checks a destination's settings.
    pub check: fn(&Destination, bool) -> Result<()>,
    /// See [`Settings::check_secrets`].
    pub check_secrets: fn(&Secrets, bool) -> Result<()>,
    /// See [`Settings::SCHEMAS`].
    pub schemas: &'static str,
    /// See [`Settings::schema_of`].
    pub schema_of: fn(&SourceId) -> String,
}

impl Warehouse {
    const fn of<S: Settings>() -> Self {
        Self {
            description: S::DESCRIPTION,
            check: check::<S>,
            check_secrets: S::check_secrets,
            schemas: S::SCHEMAS,
            schema_of: S::schema_of,
        }
    }

    /// The engine of a destination.
    ///
    /// # Errors
    /// `Invalid`, if the destination is no warehouse.
    pub fn find(vendor: &str) -> Result<&'static Self> {
        let found = ALL.iter().find(|warehouse| warehouse.description.vendor == vendor);
        found.ok_or_else(|| Failure::invalid("the vendor is not a warehouse").field("vendor"))
    }
}

/// Settings of an engine.
pub trait Settings: DeserializeOwned {
    /// The engine's entry in the catalogue.
    const DESCRIPTION: Description;

    /// The name of the setting that names the schemas.
    const SCHEMAS: &str = "schemas";

    /// The schema into which Segment writes a source's rows.
    fn schema_of(source: &SourceId) -> String {
        segment_schema(source)
    }

    /// The tables in scope.
    fn scope(&self) -> &TableScope;

    /// A host other than the vendor's own, which only test stacks may set.
    fn endpoint(&self) -> Option<&str> {
        None
    }

    /// Checks what the types do not. `any_endpoint` permits any host.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    fn check(&self, _any_endpoint: bool) -> Result<()> {
        Ok(())
    }

    /// Checks that the secrets lead to the engine and nowhere else. `any_endpoint` permits those of test stacks.
    ///
    /// # Errors
    /// `Invalid`, naming `secrets`.
    fn check_secrets(_: &Secrets, _any_endpoint: bool) -> Result<()> {
        Ok(())
    }
}

fn check<S: Settings>(warehouse: &Destination, any_endpoint: bool) -> Result<()> {
    // The scope first and alone: as part of the engine's settings, a fault would lose its path.
    warehouse.settings::<TableScope>()?.check()?;
    let settings: S = warehouse.settings()?;
    if !any_endpoint && settings.endpoint().is_some() {
        return Err(Failure::invalid("settings.endpoint must be left out").field("settings"));
    }
    settings.check(any_endpoint)
}

/// A source's schema as Segment names it (<https://segment.com/docs/connections/storage/warehouses/schema/>).
fn segment_schema(source: &SourceId) -> String {
    source.as_str().replace('-', "_")
}

// The settings that engines have in common.
const EXCEPT: Field = Field::optional(
    "exceptTables",
    "Except tables",
    "Tables in scope that are left alone, as schema.table; * stands for any characters",
)
.of(Form::List);
const COLUMNS: Field = Field::optional(
    "columns",
    "Columns",
    "Columns that identify people beside Segment's: [{\"table\": \"web.loyalty\", \"column\": \"member\", \"type\": \"USER_ID\"}]",
)
.of(Form::Json);
const RESOLVES: Field = Field::optional(
    "resolves",
    "Resolves",
    "Tables that know other identifiers of a person: [{\"table\": \"web.users\", \"from\": {\"column\": \"id\", \"type\": \"USER_ID\"}, \"to\": [{\"column\": \"email\", \"type\": \"EMAIL\"}]}]",
)
.of(Form::Json);
const SCHEMAS: Field =
    Field::required("schemas", "Schemas", "Names of the schemas in scope; * stands for any characters")
        .of(Form::List);
const ENDPOINT: Field =
    Field::optional("endpoint", "Endpoint", "Another URL than the vendor's, on test stacks only")
        .directing_secrets();

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::id::DestinationId;
    use serde_json::Value;

    use super::*;

    pub(super) fn check<S: Settings>(settings: Value) -> Result<(), String> {
        let settings = settings.as_object().cloned().unwrap_or_default();
        let warehouse = Destination {
            id: DestinationId::new(),
            name: "Place".into(),
            vendor: S::DESCRIPTION.vendor.into(),
            kind: S::DESCRIPTION.kind,
            settings,
            enabled_from: Timestamp::UNIX_EPOCH,
            enabled_until: None,
            enabled_earlier: Vec::new(),
        };
        super::check::<S>(&warehouse, false).map_err(|failure| failure.public)
    }
}
