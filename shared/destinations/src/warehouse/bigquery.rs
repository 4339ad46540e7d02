//! BigQuery: its settings.

use model::destination::{DestinationKind, Secrets};
use model::failure::Result;
use model::status::TaskStatus;
use serde::Deserialize;

use super::{COLUMNS, ENDPOINT, EXCEPT, Pattern, Settings, TableScope};
use crate::description::{Description, Field, Form};
use crate::google;

/// Its entry in the catalogue.
const DESCRIPTION: Description = Description {
    vendor: "bigquery",
    title: "Google BigQuery",
    kind: DestinationKind::Warehouse,
    docs: "https://cloud.google.com/bigquery/docs/data-manipulation-language",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("project", "Project", "Id of the project that holds the datasets and pays for the queries"),
        Field::required("location", "Location", "Where the datasets are: US, EU, europe-west1, …"),
        Field::required("datasets", "Datasets", "Names of the datasets in scope; * stands for any characters")
            .of(Form::List),
        EXCEPT,
        COLUMNS,
        Field::optional(
            "partitions",
            "Partitions",
            "Partitions to look at: [{\"table\": \"web.*\", \"column\": \"received_at\", \"since\": \"2024-12-31\"}]",
        )
        .of(Form::Json),
        ENDPOINT,
        Field::secret(
            "credentials",
            "Credentials",
            "JSON: the configuration of a workload identity federation that trusts the function's role, or a service account's key",
        )
        .of(Form::LongText),
    ],
};

/// The settings of a BigQuery destination.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BigQuery {
    /// The project that holds the datasets and pays for the queries.
    pub project: String,
    /// The location of the datasets: `US`, `EU`, `europe-west1`, …
    pub location: String,
    /// The filters for partitioned tables.
    #[serde(default)]
    pub partitions: Vec<Partition>,
    /// BigQuery's URL, on a test stack.
    pub endpoint: Option<String>,
    /// The tables in scope.
    #[serde(flatten)]
    pub scope: TableScope,
}

/// A filter on the partitions to read: some tables require one, and partitions that are read are billed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Partition {
    /// The tables, as `dataset.table`.
    pub table: Pattern,
    /// The column they are partitioned by.
    pub column: String,
    /// The first day to read, as `2024-12-31`.
    pub since: jiff::civil::Date,
}

impl Settings for BigQuery {
    const DESCRIPTION: Description = DESCRIPTION;
    const SCHEMAS: &str = "datasets";

    fn check_secrets(secrets: &Secrets, any_endpoint: bool) -> Result<()> {
        google::credentials(secrets.get("credentials")?, any_endpoint).map(drop)
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
    fn bigquery_calls_schemas_datasets_and_reads_days() {
        let settings = |since: &str| {
            json!({"project": "p", "location": "EU", "datasets": ["web"],
                   "partitions": [{"table": "web.*", "column": "received_at", "since": since}]})
        };
        assert_eq!(check::<BigQuery>(settings("2024-12-31")), Ok(()));
        assert!(check::<BigQuery>(settings("yesterday")).is_err());
    }
}
