//! A local BigQuery: bqemulator, which runs BigQuery's SQL on DuckDB behind BigQuery's REST API.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::process::{Dir, Process, Spec, free_port, root};

/// The project of everything.
pub const PROJECT: &str = "lethe-test";

/// A running emulator, stopped when dropped.
pub struct BigQuery {
    _process: Process,
    /// Where it listens.
    pub url: String,
}

impl BigQuery {
    /// Starts one on free ports, with nothing in it.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(log: &Path) -> Result<Self> {
        let home = root().join(".venv-bigquery");
        let program = home.join("bin/bqemulator");
        if !program.exists() {
            bail!("{} is missing: run `make test`, which sets it up", program.display());
        }
        // DuckDB looks for its extensions below HOME; this one comes as a Python package.
        let import = "from duckdb_extensions import import_extension; import_extension('spatial')";
        let imported =
            Command::new(home.join("bin/python")).args(["-c", import]).env("HOME", &home).output()?;
        if !imported.status.success() {
            bail!("the spatial extension: {}", String::from_utf8_lossy(&imported.stderr));
        }
        let (rest, grpc) = (free_port()?, free_port()?);
        let mut command = Command::new(program);
        command.args(["start", "--log-level", "error", "--rest-port", &rest.to_string()]);
        command.args(["--grpc-port", &grpc.to_string()]).env("HOME", &home);
        let process = Process::start(Spec { command, dir: Dir::new("bq")?, log, stop: "TERM", user: None })?;
        let url = format!("http://127.0.0.1:{rest}");
        let bigquery = Self { _process: process, url };
        let ready = async || bigquery.get("datasets").await.is_ok();
        bigquery._process.wait("The local BigQuery", ready).await?;
        Ok(bigquery)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}/bigquery/v2/projects/{PROJECT}/{path}", self.url);
        Ok(http().get(url).send().await?.json().await?)
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let url = format!("{}/bigquery/v2/projects/{PROJECT}/{path}", self.url);
        Ok(http().post(url).json(&body).send().await?.json().await?)
    }

    /// Makes a dataset.
    ///
    /// # Errors
    /// The emulator's own.
    pub async fn create_dataset(&self, name: &str) -> Result<()> {
        let reference = json!({ "datasetReference": { "projectId": PROJECT, "datasetId": name } });
        self.post("datasets", reference).await?;
        Ok(())
    }

    /// Runs a statement and answers its rows, each value as text.
    ///
    /// # Errors
    /// BigQuery's own.
    pub async fn sql(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        let query =
            json!({ "query": sql, "useLegacySql": false, "timeoutMs": 60_000, "maxResults": 1_000_000 });
        let reply = self.post("queries", query).await?;
        if reply["error"].is_object() || reply["errors"].is_array() {
            bail!("{sql}: {reply}");
        }
        let rows = reply["rows"].as_array().context("rows")?;
        let text = |cell: &Value| cell["v"].as_str().unwrap_or_default().to_owned();
        let row = |row: &Value| row["f"].as_array().into_iter().flatten().map(text).collect();
        Ok(rows.iter().map(row).collect())
    }
}

/// A client of its own for each call: tests have runtimes of their own.
fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap_or_default()
}
