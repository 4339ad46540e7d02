//! The archives and warehouses that can be connected. What their settings mean is said where they are read:
//! [`archive`](crate::archive), [`warehouse::settings`](crate::warehouse::settings).

use super::description::{Description, Field, Kind};
use crate::status::TaskStatus;

/// All of them.
pub const ALL: &[Description] = &[S3, POSTGRES, REDSHIFT, BIGQUERY, SNOWFLAKE];

const S3: Description = Description {
    vendor: "s3",
    kind: Kind::Archive,
    docs: "https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("bucket", "The bucket's name"),
        Field::optional("prefix", "Only keys that begin so; all keys if left out"),
        Field::optional("rules", "Where identifiers stand in a record; Segment's places if left out"),
        Field::optional("maxShare", "Share of the lines that a run may remove unconfirmed; 0.01 if left out"),
    ],
};

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

const POSTGRES: Description = Description {
    vendor: "postgres",
    kind: Kind::Warehouse,
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

const REDSHIFT: Description = Description {
    vendor: "redshift",
    kind: Kind::Warehouse,
    docs: "https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::optional("cluster", "Identifier of a provisioned cluster; or name a workgroup"),
        Field::optional("workgroup", "Name of a Redshift Serverless workgroup; or name a cluster"),
        Field::required("database", "Database name"),
        Field::optional("user", "Database user on a cluster; left out, the function's own role is the user"),
        SCHEMAS,
        EXCEPT,
        COLUMNS,
        ENDPOINT,
    ],
};

const BIGQUERY: Description = Description {
    vendor: "bigquery",
    kind: Kind::Warehouse,
    docs: "https://cloud.google.com/bigquery/docs/data-manipulation-language",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("project", "Id of the project that holds the datasets and pays for the queries"),
        Field::required("location", "Where the datasets are: US, EU, europe-west1, …"),
        Field::required("datasets", "Names of the datasets in scope; * stands for any characters"),
        EXCEPT,
        COLUMNS,
        Field::optional(
            "partitions",
            "Partitions to look at: [{\"table\": \"web.*\", \"column\": \"received_at\", \"since\": \"2024-12-31\"}]",
        ),
        ENDPOINT,
        Field::secret(
            "credentials",
            "JSON: the configuration of a workload identity federation that trusts the function's role, or a service account's key",
        ),
    ],
};

const SNOWFLAKE: Description = Description {
    vendor: "snowflake",
    kind: Kind::Warehouse,
    docs: "https://docs.snowflake.com/en/developer-guide/sql-api/reference",
    confirms: TaskStatus::Confirmed,
    fields: &[
        Field::required("account", "Account identifier, as organization-account"),
        Field::required("user", "User whose RSA_PUBLIC_KEY belongs to the private key"),
        Field::optional("role", "Role to use; the user's default if left out"),
        Field::required("warehouse", "Virtual warehouse that runs the statements"),
        Field::required("database", "Database name, as Snowflake writes it: usually in upper case"),
        SCHEMAS,
        EXCEPT,
        COLUMNS,
        ENDPOINT,
        Field::secret("privateKey", "RSA private key in PEM (PKCS#8, not encrypted)"),
    ],
};
