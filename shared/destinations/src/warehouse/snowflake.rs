//! Snowflake: its settings.

use model::destination::DestinationKind;
use model::source::SourceId;
use model::status::TaskStatus;
use serde::Deserialize;

use super::{COLUMNS, ENDPOINT, EXCEPT, SCHEMAS, Settings, TableScope, segment_schema};
use crate::description::{Description, Field, Form};

/// Its entry in the catalogue.
const DESCRIPTION: Description = Description {
    vendor: "snowflake",
    title: "Snowflake",
    kind: DestinationKind::Warehouse,
    docs: "https://docs.snowflake.com/en/developer-guide/sql-api/reference",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("account", "Account", "Account identifier, as organization-account")
            .directing_secrets(),
        Field::required("user", "User", "User whose RSA_PUBLIC_KEY belongs to the private key")
            .directing_secrets(),
        Field::optional("role", "Role", "Role to use; the user's default if left out"),
        Field::required("warehouse", "Warehouse", "Virtual warehouse that runs the statements"),
        Field::required(
            "database",
            "Database",
            "Database name, as Snowflake writes it: usually in upper case",
        ),
        SCHEMAS,
        EXCEPT,
        COLUMNS,
        ENDPOINT,
        Field::secret("privateKey", "Private key", "RSA private key in PEM (PKCS#8, not encrypted)")
            .of(Form::LongText),
    ],
};

/// The settings of a Snowflake destination: reached through the SQL API.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snowflake {
    /// The account's identifier, as `organization-account`.
    pub account: Account,
    /// The user whose public key Snowflake knows.
    pub user: String,
    /// The role to use; the user's default, if left out.
    pub role: Option<String>,
    /// The virtual warehouse that runs the statements.
    pub warehouse: String,
    /// Database name.
    pub database: String,
    /// Snowflake's URL, on a test stack.
    pub endpoint: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: TableScope,
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
    const DESCRIPTION: Description = DESCRIPTION;

    fn schema_of(source: &SourceId) -> String {
        segment_schema(source).to_uppercase()
    }

    fn scope(&self) -> &TableScope {
        &self.scope
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::warehouse::tests::check;

    #[test]
    fn a_snowflake_account_can_only_be_part_of_a_host_name() {
        let settings = |account: &str| json!({"account": account, "user": "U", "warehouse": "W", "database": "D", "schemas": ["WEB"]});
        assert_eq!(check::<Snowflake>(settings("org-account_1")), Ok(()));
        assert!(check::<Snowflake>(settings("evil.example/x?")).is_err());
    }
}
