//! The API against its own description: schemathesis makes requests of all kinds from `openapi.json`, good ones and
//! bad ones, and holds every answer against it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use tests::process::{Dir, Process, Spec, free_port, root};
use tests::stack::programs;
use tests::world::World;

#[tokio::test]
async fn every_answer_is_what_the_description_says() -> Result<()> {
    let world = World::new().await?;
    // The description's example of an archive, which no stack is allowed.
    world.stack.expect_refusal("my-events").await?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "--workspace", "--example", "serve", "--quiet"];
    ensure!(Command::new(cargo).args(build).current_dir(root()).status()?.success(), "it does not build");

    let address = format!("127.0.0.1:{}", free_port()?);
    let mut serve = Command::new(programs()?.join("examples/serve"));
    serve.arg(&address).envs(world.stack.aws.env()).envs(world.stack.environment("intake").await?);
    let log = root().join(".local/logs/test-serve.log");
    let server = Process::start(Spec {
        command: serve,
        dir: Dir::new("serve")?,
        log: &log,
        stop: "TERM",
        user: None,
    })?;
    let (http, url) = (world.stack.aws.http(), format!("http://{address}"));
    let open = format!("{url}/openapi.json");
    server
        .wait("The native listener", async || {
            http.get(&open).send().await.is_ok_and(|reply| reply.status().is_success())
        })
        .await?;

    let mut check = tokio::process::Command::new(root().join(".venv-schemathesis/bin/schemathesis"));
    check.arg("--config-file").arg(root().join("tests/schemathesis.toml"));
    // One at a time: Python 3.11 reads code for two threads at once and fails ("AST constructor recursion depth mismatch").
    check.args(["--no-color", "run", &open, "--workers", "1", "--warnings", "off"]);
    check.args(["--header", &format!("Authorization: Bearer {}", world.stack.api.token)]);
    check.current_dir(root().join(".local")).kill_on_drop(true);
    let output = check.output().await.context(".venv-schemathesis is missing: run `make test`")?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
