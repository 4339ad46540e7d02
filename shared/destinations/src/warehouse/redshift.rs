//! Redshift: its settings.

use model::destination::DestinationKind;
use model::failure::{Failure, Result};
use model::status::TaskStatus;
use serde::Deserialize;

use super::{COLUMNS, ENDPOINT, EXCEPT, SCHEMAS, Settings, TableScope};
use crate::description::{Description, Field};

/// Its entry in the catalogue.
const DESCRIPTION: Description = Description {
    vendor: "redshift",
    title: "Amazon Redshift",
    kind: DestinationKind::Warehouse,
    docs: "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::optional("cluster", "Cluster", "Identifier of a provisioned cluster; or name a workgroup"),
        Field::optional(
            "workgroup",
            "Workgroup",
            "Name of a Redshift Serverless workgroup; or name a cluster",
        ),
        Field::required("database", "Database", "Database name"),
        Field::optional(
            "user",
            "User",
            "Database user on a cluster; left out, the function's own role is the user",
        ),
        SCHEMAS,
        EXCEPT,
        COLUMNS,
        ENDPOINT,
    ],
};

/// The settings of a Redshift destination: reached through the Data API, with the function's own role.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redshift {
    /// A provisioned cluster's identifier, unless `workgroup` is given.
    pub cluster: Option<String>,
    /// A Redshift Serverless workgroup's name, unless `cluster` is given.
    pub workgroup: Option<String>,
    /// Database name.
    pub database: String,
    /// Database user on a cluster; the function's own IAM role, if left out.
    pub user: Option<String>,
    /// The Data API's URL, on a test stack.
    pub endpoint: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: TableScope,
}

impl Settings for Redshift {
    const DESCRIPTION: Description = DESCRIPTION;

    fn scope(&self) -> &TableScope {
        &self.scope
    }

    fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    fn check(&self, _: bool) -> Result<()> {
        let invalid = |message: &str| Err(Failure::invalid(message).field("settings"));
        match (&self.cluster, &self.workgroup, &self.user) {
            (Some(_), None, _) | (None, Some(_), None) => Ok(()),
            (None, Some(_), Some(_)) => {
                invalid("settings.user: a workgroup knows the function by its role: leave user out")
            }
            _ => invalid("settings: name either a cluster or a workgroup"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::warehouse::tests::check;

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
}
