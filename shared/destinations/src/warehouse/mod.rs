//! Warehouses that can be connected: one file per engine with its settings and its entry in the catalogue, and one line
//! in each of the two lists below.

pub mod bigquery;
pub mod postgres;
pub mod redshift;
mod scope;
pub mod snowflake;

pub use bigquery::BigQuery;
pub use postgres::Postgres;
pub use redshift::Redshift;
pub use scope::{Candidate, Column, Pattern, Table, TableScope, place, quote};
pub use snowflake::Snowflake;

use model::destination::Destination;
use model::failure::{Failure, Result};
use serde::de::DeserializeOwned;

use crate::description::{Description, Field};

/// What the catalogue says of each engine.
pub(crate) const ALL: &[Description] =
    &[postgres::DESCRIPTION, redshift::DESCRIPTION, bigquery::DESCRIPTION, snowflake::DESCRIPTION];

/// Checks the settings of a warehouse. `any_endpoint` lets the vendor's host be any URL.
///
/// # Errors
/// `Invalid`, if the settings do not fit the engine, or there is no such engine.
pub(crate) fn check(warehouse: &Destination, any_endpoint: bool) -> Result<()> {
    match warehouse.vendor.as_str() {
        "postgres" => warehouse.settings::<Postgres>()?.check(any_endpoint),
        "redshift" => warehouse.settings::<Redshift>()?.check(any_endpoint),
        "bigquery" => warehouse.settings::<BigQuery>()?.check(any_endpoint),
        "snowflake" => warehouse.settings::<Snowflake>()?.check(any_endpoint),
        vendor => Err(Failure::invalid(format!("{vendor} is no warehouse")).field("vendor")),
    }
}

// The settings that engines have in common.
const EXCEPT: Field = Field::optional(
    "exceptTables",
    "Tables in scope that are left alone, as schema.table; * stands for any characters",
);
const COLUMNS: Field = Field::optional(
    "columns",
    "Columns that identify people beside Segment's: [{\"table\": \"web.loyalty\", \"column\": \"member\", \"type\": \"USER_ID\"}]",
);
const SCHEMAS: Field =
    Field::required("schemas", "Names of the schemas in scope; * stands for any characters");
const ENDPOINT: Field = Field::optional("endpoint", "Another URL than the vendor's, on test stacks only");

/// Settings that say which tables are in scope.
pub trait Settings: DeserializeOwned {
    /// The tables in scope.
    fn scope(&self) -> &TableScope;

    /// The host that is not the vendor's own, which only test stacks want.
    fn endpoint(&self) -> Option<&str> {
        None
    }

    /// Checks what no type can say. `any_endpoint` lets the vendor's host be any URL.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    fn check(&self, any_endpoint: bool) -> Result<()> {
        if !any_endpoint && self.endpoint().is_some() {
            return Err(Failure::invalid("settings.endpoint: must be left out").field("settings"));
        }
        self.scope().check()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    pub(super) fn check<S: Settings>(settings: Value) -> Result<(), String> {
        let settings: S = serde_json::from_value(settings).map_err(|e| e.to_string())?;
        settings.check(false).map_err(|failure| failure.public)
    }
}
