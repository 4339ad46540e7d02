//! What all tests share: each warehouse is started once.

use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Result;
use tests::bigquery::BigQuery;
use tests::postgres::Postgres;
use tests::process::root;
use tests::snowflake::Snowflake;
use tokio::sync::OnceCell;

static POSTGRES: OnceCell<Postgres> = OnceCell::const_new();
static BIGQUERY: OnceCell<BigQuery> = OnceCell::const_new();
static SNOWFLAKE: OnceCell<Snowflake> = OnceCell::const_new();
static NAMES: AtomicU16 = AtomicU16::new(1);

/// A name that no other test has.
pub fn name() -> String {
    format!("w{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

pub async fn postgres() -> Result<&'static Postgres> {
    POSTGRES.get_or_try_init(async || Postgres::start(&log("postgres")).await).await
}

pub async fn bigquery() -> Result<&'static BigQuery> {
    BIGQUERY.get_or_try_init(async || BigQuery::start(&log("bigquery")).await).await
}

pub async fn snowflake() -> Result<&'static Snowflake> {
    SNOWFLAKE.get_or_try_init(async || Snowflake::start(&log("snowflake")).await).await
}

fn log(of: &str) -> std::path::PathBuf {
    root().join(format!(".local/logs/test-warehouse-{of}.log"))
}
