//! How the catalogue describes what can be connected.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What sort of place a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Event archives in object storage: rewritten by purge runs.
    Archive,
    /// A database with rows: deleted by SQL.
    Warehouse,
    /// A vendor's product: told through its deletion API.
    Cloud,
}

/// What can be connected, and which settings it takes.
#[derive(Debug)]
pub struct Description {
    /// The name in the API.
    pub vendor: &'static str,
    /// What sort of place it is.
    pub kind: Kind,
    /// The settings and secrets it takes.
    pub fields: &'static [Field],
}

/// One setting or secret of a destination.
#[derive(Debug)]
pub struct Field {
    /// Its name in the API.
    pub name: &'static str,
    /// What it is, for people.
    pub help: &'static str,
    /// Whether there is no default.
    pub required: bool,
    /// Whether it is kept in Secrets Manager and never shown again.
    pub secret: bool,
}

impl Field {
    pub(super) const fn required(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: true, secret: false }
    }

    pub(super) const fn optional(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: false, secret: false }
    }

    pub(super) const fn secret(name: &'static str, help: &'static str) -> Self {
        Self { name, help, required: true, secret: true }
    }
}
