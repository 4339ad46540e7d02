//! Postgres: its settings.

use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::status::TaskStatus;
use serde::{Deserialize, Serialize};

use super::{COLUMNS, EXCEPT, RESOLVES, Resolve, SCHEMAS, Settings, TableScope};
use crate::address::is_remote_host;
use crate::description::{Description, Field, Form};

/// Its entry in the catalogue.
const DESCRIPTION: Description = Description {
    vendor: "postgres",
    title: "Postgres",
    kind: DestinationKind::Warehouse,
    docs: "https://www.postgresql.org/docs/current/sql-delete.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("host", "Host", "Host name or address").directing_secrets(),
        Field::optional("port", "Port", "Port; 5432 if left out").of(Form::Number).directing_secrets(),
        Field::required("database", "Database", "Database name"),
        Field::required("user", "User", "Role that may read and delete").directing_secrets(),
        SCHEMAS,
        EXCEPT,
        COLUMNS,
        RESOLVES,
        Field::optional("tls", "TLS", "\"require\" (default) or \"disable\"")
            .of(Form::Choice(&["require", "disable"]))
            .directing_secrets(),
        Field::optional(
            "caCertificate",
            "CA certificate",
            "PEM of the authority that signed the server's certificate, where it is not a public one (Amazon RDS)",
        )
        .of(Form::LongText)
        .directing_secrets(),
        Field::secret("password", "Password", "The role's password"),
    ],
};

/// The settings of a Postgres destination.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Postgres {
    /// Host name or address.
    pub host: String,
    /// TCP port.
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
    /// The tables that know other identifiers of a person.
    #[serde(default)]
    pub resolves: Vec<Resolve>,
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
    const DESCRIPTION: Description = DESCRIPTION;

    fn scope(&self) -> &TableScope {
        &self.scope
    }

    fn check(&self, any_endpoint: bool) -> Result<()> {
        Resolve::check(&self.resolves)?;
        if !any_endpoint && !is_remote_host(&self.host) {
            return Err(Failure::invalid(
                "settings.host must be the name or address of another machine: no socket, no port, no loopback or link-local address",
            )
            .field("settings"));
        }
        Ok(())
    }
}
