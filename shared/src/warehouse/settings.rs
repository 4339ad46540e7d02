//! The settings of each engine, as `POST /destinations` takes them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Scope;
use super::scope::Pattern;
use crate::failure::{Failure, Result};

/// Settings that say which tables are in scope.
pub trait Settings: DeserializeOwned {
    /// The tables in scope.
    fn scope(&self) -> &Scope;

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
    pub scope: Scope,
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
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// The settings of a Redshift destination: reached through the Data API, with the function's own role.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redshift {
    /// A provisioned cluster's identifier; or a workgroup.
    pub cluster: Option<String>,
    /// A Redshift Serverless workgroup's name; or a cluster.
    pub workgroup: Option<String>,
    /// Database name.
    pub database: String,
    /// Database user on a cluster; left out, the function's own IAM role is the user.
    pub user: Option<String>,
    /// Where the Data API is, on a test stack.
    pub endpoint: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: Scope,
}

impl Settings for Redshift {
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    fn check(&self, any_endpoint: bool) -> Result<()> {
        let invalid = |message: &str| Err(Failure::invalid(message).field("settings"));
        match (&self.cluster, &self.workgroup, &self.user) {
            (Some(_), None, _) | (None, Some(_), None) => {}
            (None, Some(_), Some(_)) => {
                return invalid("settings.user: a workgroup knows the function by its role: leave user out");
            }
            _ => return invalid("settings: name either a cluster or a workgroup"),
        }
        if !any_endpoint && self.endpoint.is_some() {
            return invalid("settings.endpoint: must be left out");
        }
        self.scope.check()
    }
}

/// The settings of a BigQuery destination.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BigQuery {
    /// The project that holds the datasets and pays for the queries.
    pub project: String,
    /// Where the datasets are: `US`, `EU`, `europe-west1`, …
    pub location: String,
    /// How partitioned tables are to be filtered.
    #[serde(default)]
    pub partitions: Vec<Partition>,
    /// Where BigQuery is, on a test stack.
    pub endpoint: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: Scope,
}

/// A filter on the partitions that are looked at: some tables demand one, and partitions that are read are billed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Partition {
    /// The tables, as `dataset.table`.
    pub table: Pattern,
    /// The column they are partitioned by.
    pub column: String,
    /// The first day that is looked at, as `2024-12-31`.
    pub since: jiff::civil::Date,
}

impl Settings for BigQuery {
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

/// The settings of a Snowflake destination: reached through the SQL API.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snowflake {
    /// The account's identifier, as `organization-account`.
    pub account: Account,
    /// The user whose public key is known to Snowflake.
    pub user: String,
    /// The role to use; the user's default, if left out.
    pub role: Option<String>,
    /// The virtual warehouse that runs the statements.
    pub warehouse: String,
    /// Database name.
    pub database: String,
    /// Where Snowflake is, on a test stack.
    pub endpoint: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: Scope,
}

/// A Snowflake account's identifier; it becomes part of a host name.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Account(pub String);

impl TryFrom<String> for Account {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match (1..=255).contains(&text.len()) && text.chars().all(plain) {
            true => Ok(Self(text)),
            false => Err("account is written as organization-account"),
        }
    }
}

impl Settings for Snowflake {
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check<S: Settings>(settings: Value) -> Result<(), String> {
        let settings: S = serde_json::from_value(settings).map_err(|e| e.to_string())?;
        settings.check(false).map_err(|failure| failure.public)
    }

    #[test]
    fn redshift_is_either_a_cluster_or_a_workgroup() {
        for (settings, ok) in [
            (json!({"cluster": "c", "database": "d", "schemas": ["s"]}), true),
            (json!({"cluster": "c", "user": "u", "database": "d", "schemas": ["s"]}), true),
            (json!({"workgroup": "w", "database": "d", "schemas": ["s"]}), true),
            (json!({"workgroup": "w", "user": "u", "database": "d", "schemas": ["s"]}), false),
            (json!({"cluster": "c", "workgroup": "w", "database": "d", "schemas": ["s"]}), false),
            (json!({"database": "d", "schemas": ["s"]}), false),
            (
                json!({"cluster": "c", "database": "d", "schemas": ["s"], "endpoint": "http://localhost"}),
                false,
            ),
            (json!({"cluster": "c", "database": "d", "schemas": []}), false),
        ] {
            assert_eq!(check::<Redshift>(settings.clone()).is_ok(), ok, "{settings}");
        }
    }

    #[test]
    fn bigquery_calls_schemas_datasets_and_reads_days() {
        let settings = |since: &str| {
            json!({"project": "p", "location": "EU", "datasets": ["web"],
                   "partitions": [{"table": "web.*", "column": "received_at", "since": since}]})
        };
        assert_eq!(check::<BigQuery>(settings("2024-12-31")), Ok(()));
        assert!(check::<BigQuery>(settings("yesterday")).is_err());
    }

    #[test]
    fn a_snowflake_account_can_only_be_part_of_a_host_name() {
        let settings = |account: &str| json!({"account": account, "user": "U", "warehouse": "W", "database": "D", "schemas": ["WEB"]});
        assert_eq!(check::<Snowflake>(settings("org-account_1")), Ok(()));
        assert!(check::<Snowflake>(settings("evil.example/x?")).is_err());
    }
}
