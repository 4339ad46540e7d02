//! The destinations of a local stack, as `POST /destinations` takes them.

use serde_json::{Value, json};

use crate::{archive, braze, postgres, warehouse};

/// An archive in S3.
pub fn archive(bucket: &str) -> Value {
    json!({
        "name": "Events archive",
        "vendor": "s3",
        // A third of a small archive may be the three's: what a run may remove unconfirmed is tested by itself.
        "settings": { "bucket": bucket, "prefix": archive::PREFIX, "maxShare": 0.5 },
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

/// A fake Braze at this URL.
pub fn braze(url: &str) -> Value {
    json!({
        "name": "Braze",
        "vendor": "braze",
        "settings": { "endpoint": url },
        "secrets": { "apiKey": braze::API_KEY },
    })
}
