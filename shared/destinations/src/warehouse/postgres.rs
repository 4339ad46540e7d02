//! Postgres: its settings.

use model::destination::DestinationKind;
use model::status::TaskStatus;
use serde::{Deserialize, Serialize};

use super::{COLUMNS, EXCEPT, SCHEMAS, Settings, TableScope};
use crate::description::{Description, Field};

/// What the catalogue says of it.
pub const DESCRIPTION: Description = Description {
    vendor: "postgres",
    kind: DestinationKind::Warehouse,
    docs: "https://www.postgresql.org/docs/current/sql-delete.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("host", "Host name or address"),
        Field::optional("port", "Port; 5432 if left out"),
        Field::required("database", "Database name"),
        Field::required("user", "Role that may read and delete"),
        SCHEMAS,
        EXCEPT,
        COLUMNS,
        Field::optional("tls", "\"require\" (default) or \"disable\""),
        Field::optional(
            "caCertificate",
            "PEM of the authority that signed the server's certificate, where it is not a public one (Amazon RDS)",
        ),
        Field::secret("password", "The role's password"),
    ],
};

/// The settings of a Postgres destination.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Postgres {
    /// Host name or address.
    pub host: String,
    /// Port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role that may read and delete.
    pub user: String,
    /// Whether the connection is encrypted and the server's certificate checked.
    #[serde(default)]
    pub tls: Tls,
    /// PEM of the authority that signed the server's certificate, where it is not a public one.
    pub ca_certificate: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: TableScope,
}

fn default_port() -> u16 {
    5432
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Encrypted, with the server's certificate checked.
    #[default]
    Require,
    /// In the clear: for networks that are trusted for another reason.
    Disable,
}

impl Settings for Postgres {
    fn scope(&self) -> &TableScope {
        &self.scope
    }
}
