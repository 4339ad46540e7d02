//! Prism between a client and a server: it refuses whatever either of them says that a vendor's own OpenAPI document
//! does not know. `make contract` sets it up and says where the documents are.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{Dir, Process, Spec, free_port, root};

/// A running Prism, stopped when dropped.
pub struct Prism {
    _process: Process,
    /// Where it listens.
    pub url: String,
}

impl Prism {
    /// Whether the folder `SPECS` has a document.
    pub fn has(document: &str) -> bool {
        std::env::var_os("SPECS").is_some_and(|folder| PathBuf::from(folder).join(document).exists())
    }

    /// Starts `prism proxy --errors` with a document of the folder `SPECS`, before a server. A vendor's base path,
    /// which Prism leaves out, is put before the document's paths.
    ///
    /// # Errors
    /// When it is not installed, or there is no such document.
    pub async fn before(server: &str, document: &str, base: &str) -> Result<Self> {
        let folder =
            std::env::var_os("SPECS").context("SPECS names no folder: make contract SPECS=folder")?;
        let document = PathBuf::from(folder).join(document);
        let text = std::fs::read_to_string(&document)
            .with_context(|| format!("{} cannot be read", document.display()))?;
        let dir = Dir::new("prism")?;
        let file = dir.join(document.file_name().unwrap_or_default());
        // The paths of a document in YAML stand two blanks from the left.
        std::fs::write(&file, text.replace("\n  /", &format!("\n  {base}/")))?;
        let port = free_port()?;
        let mut command = Command::new(root().join("infra/local/contract/node_modules/.bin/prism"));
        command.args(["proxy", "--errors", "-h", "127.0.0.1", "-p", &port.to_string()]).arg(file).arg(server);
        let log = root().join(format!(".local/logs/prism-{port}.log"));
        let process = Process::start(Spec { command, dir, log: &log, stop: "TERM", user: None })?;
        let listens = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        process.wait("Prism", listens).await?;
        Ok(Self { _process: process, url: format!("http://127.0.0.1:{port}") })
    }
}
