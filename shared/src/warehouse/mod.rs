//! Warehouses: one file per engine behind one contract.
//!
//! 1. Discover the tables of the schemas in scope and their identifier columns.
//! 2. **find**: count the subjects' rows per table; this is the evidence of what was there.
//! 3. **forget**: delete them.
//! 4. **verify**: count again; anything but zero is not done.

#[cfg(feature = "warehouse")]
pub mod postgres;

use serde::{Deserialize, Serialize};

use crate::subject::{Subject, SubjectType};

/// The settings of a Postgres destination.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresSettings {
    /// Host name or address.
    pub host: String,
    /// Port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role that may read and delete.
    pub user: String,
    /// The schemas in scope.
    pub schemas: Vec<String>,
    /// Whether the connection is encrypted and the server's certificate checked.
    #[serde(default)]
    pub tls: Tls,
    /// PEM of the authority that signed the server's certificate, where it is not a public one.
    pub ca_certificate: Option<String>,
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

/// A column that identifies people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its schema.
    pub schema: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its type's name, as the engine says it.
    pub data_type: String,
}

impl Column {
    /// The name of its table in evidence.
    pub fn place(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// The kind of subjects that it holds, by Segment's warehouse schema: `user_id` everywhere, `id` in `users`,
    /// both ids in `aliases`; `anonymous_id` for anonymous ones.
    pub fn holds(&self) -> Option<SubjectType> {
        match (self.table.as_str(), self.name.as_str()) {
            (_, "user_id") | ("users", "id") | ("aliases", "previous_id") => Some(SubjectType::UserId),
            (_, "anonymous_id") => Some(SubjectType::AnonymousId),
            _ => None,
        }
    }
}

/// The identifiers among the subjects that a column of this kind may hold.
pub fn ids_of(subjects: &[Subject], kind: SubjectType) -> Vec<&str> {
    subjects.iter().filter(|s| s.kind == kind).map(|s| s.id.as_str()).collect()
}
