//! The one process behind a running local stack. It owns the local AWS, Postgres and the fake Braze, and they
//! end with it, however it ends.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::aws::{Aws, Endpoint};
use tests::postgres::{Postgres, Server};
use tests::process::root;
use tests::vendors::Fake;
use tests::vendors::braze::BRAZE;
use tokio::signal::unix::{SignalKind, signal};

/// Where a running stack keeps its files.
pub fn dir() -> PathBuf {
    root().join(".local")
}

/// Held by the serving process as long as it lives.
pub fn lock() -> Result<File> {
    fs::create_dir_all(dir())?;
    File::create(dir().join("lock")).context("cannot write .local/lock")
}

/// What listens where.
pub struct Ports {
    /// The serving process.
    pub pid: i32,
    pub aws: Endpoint,
    pub postgres: Server,
    pub braze: String,
}

impl Ports {
    const FILE: &str = "ports.json";

    /// What the serving process wrote when everything was ready.
    pub fn read() -> Option<Self> {
        let ports: Value = serde_json::from_slice(&fs::read(dir().join(Self::FILE)).ok()?).ok()?;
        let number = |name: &str| ports[name].as_u64();
        Some(Self {
            pid: i32::try_from(number("pid")?).ok()?,
            aws: Endpoint { port: u16::try_from(number("aws")?).ok()? },
            postgres: Server { port: u16::try_from(number("postgres")?).ok()? },
            braze: ports["braze"].as_str()?.to_owned(),
        })
    }

    fn write(&self) -> Result<()> {
        let ports = json!({ "pid": self.pid, "aws": self.aws.port, "postgres": self.postgres.port, "braze": self.braze });
        let part = dir().join("ports.part");
        fs::write(&part, ports.to_string())?;
        Ok(fs::rename(part, dir().join(Self::FILE))?)
    }
}

/// Runs until it is told to stop.
pub async fn serve() -> Result<()> {
    let lock = lock()?;
    lock.try_lock().context("a local stack is running already")?;
    // A closed terminal does not end it; `make down` does.
    let _hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let logs = dir().join("logs");
    let (aws_log, postgres_log) = (logs.join("aws.log"), logs.join("postgres.log"));
    let (aws, postgres) = tokio::try_join!(Aws::start(&aws_log), Postgres::start(&postgres_log))?;
    let braze = Fake::start(&BRAZE)?;
    let pid = i32::try_from(std::process::id())?;
    Ports { pid, aws: aws.endpoint, postgres: postgres.server, braze: braze.url.clone() }.write()?;
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
    Ok(())
}
