//! The destinations of a local stack, as `POST /destinations` takes them.

use serde_json::{Value, json};

use crate::{archive, postgres, warehouse};

/// An archive in S3 of which a run may remove this share unconfirmed.
pub fn archive(bucket: &str, max_share: f64) -> Value {
    json!({
        "name": "Events archive",
        "vendor": "s3",
        "settings": { "bucket": bucket, "prefix": archive::PREFIX, "maxShare": max_share },
    })
}

/// A warehouse in Postgres on this machine.
pub fn warehouse(port: u16, database: &str) -> Value {
    json!({
        "name": "Warehouse",
        "vendor": "postgres",
        "settings": {
            "host": "127.0.0.1",
            "port": port,
            "database": database,
            "user": postgres::USER,
            "schemas": warehouse::SCHEMAS,
            "tls": "disable",
        },
        "secrets": { "password": postgres::PASSWORD },
    })
}
