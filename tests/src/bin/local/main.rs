//! `local up | down | demo`: Lethe on this machine. The Makefile runs it.

#![allow(clippy::print_stdout, reason = "programs that tell a story")]

mod demo;
mod screen;
mod serve;
mod up;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some("up") => up::up().await.map(|local| local.print_next()),
        Some("down") => up::down().await,
        Some("demo") => demo::demo().await,
        // What `up` starts in the background.
        Some("serve") => serve::serve().await,
        _ => Err(anyhow::anyhow!("usage: local up | down | demo")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n  {error:#}");
            ExitCode::FAILURE
        }
    }
}
