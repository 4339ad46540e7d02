//! A local Snowflake: `doubles/sql_api.py`, Snowflake's SQL API over fakesnow, which runs Snowflake's SQL on DuckDB.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::process::{Dir, Process, Spec, free_port, root};

/// The account, as settings name it.
pub const ACCOUNT: &str = "lethe-test";
/// The user whose public key it knows.
pub const USER: &str = "ERASER";

/// A running Snowflake, stopped when dropped.
pub struct Snowflake {
    _process: Process,
    /// Where it listens.
    pub url: String,
    /// The private key that belongs to the user, in PEM.
    pub private_key: String,
    /// Another key, which it does not know.
    pub unknown_key: String,
}

impl Snowflake {
    /// Starts one on a free port, with nothing in it.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(log: &Path) -> Result<Self> {
        let python = root().join(".venv-snowflake/bin/python");
        if !python.exists() {
            bail!("{} is missing: run `make test`, which sets it up", python.display());
        }
        let dir = Dir::new("snowflake")?;
        let (private_key, public_key) = keys(&python)?;
        let (unknown_key, _) = keys(&python)?;
        let public = dir.join("public.pem");
        std::fs::write(&public, public_key)?;
        let port = free_port()?;
        let mut command = Command::new(python);
        command
            .arg(root().join("tests/doubles/sql_api.py"))
            .arg(port.to_string())
            .args([ACCOUNT, USER])
            .arg(&public);
        let process = Process::start(Spec { command, dir, log, stop: "TERM", user: None })?;
        let snowflake =
            Self { _process: process, url: format!("http://127.0.0.1:{port}"), private_key, unknown_key };
        let health = format!("{}/health", snowflake.url);
        let ready = async || http().get(&health).send().await.is_ok();
        snowflake._process.wait("The local Snowflake", ready).await?;
        Ok(snowflake)
    }

    /// Runs a statement and answers its rows, each value as text.
    ///
    /// # Errors
    /// Snowflake's own.
    pub async fn sql(&self, database: &str, sql: &str) -> Result<Vec<Vec<String>>> {
        let url = format!("{}/fake/sql", self.url);
        let body = json!({ "statement": sql, "database": database });
        let reply: Value = http().post(url).json(&body).send().await?.json().await?;
        let rows = reply["data"].as_array().with_context(|| format!("{sql}: {reply}"))?;
        let text = |cell: &Value| cell.as_str().unwrap_or_default().to_owned();
        Ok(rows.iter().map(|row| row.as_array().into_iter().flatten().map(text).collect()).collect())
    }
}

/// A new key pair, in PEM.
fn keys(python: &Path) -> Result<(String, String)> {
    const MAKE: &str = "
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import *
key = rsa.generate_private_key(65537, 2048)
print(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), end='#')
print(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), end='')";
    let output = Command::new(python).args(["-c", MAKE]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let (private, public) = text.split_once('#').context("no keys were made")?;
    Ok((private.to_owned(), public.to_owned()))
}

/// A client of its own for each call: tests have runtimes of their own.
fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap_or_default()
}
