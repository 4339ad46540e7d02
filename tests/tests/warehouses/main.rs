//! The engines of `warehouses` against what comes closest to each warehouse on one machine: a real Postgres,
//! BigQuery's and Snowflake's SQL on DuckDB behind their real APIs, and Redshift's Data API over Postgres.
//!
//! What is promised of every engine is held in `suite` and `group_commit` and run against each.

mod bigquery;
mod group_commit;
mod machine;
mod postgres;
mod postgres_check;
mod postgres_resolve;
mod redshift;
mod snowflake;
mod suite;
