//! The console, in a real browser: whoever has only the page can delete people, see that they are gone, and prove it.
//! The tests of the page are `tests/browser/*.test.mjs`; what they did is checked here, outside the page.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use tests::api::destinations;
use tests::certificate;
use tests::people::THREE;
use tests::process::{Dir, root};
use tests::scenario::{LIMIT, Scenario};
use tests::vendors::Fault;
use tests::world::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_deleted_and_proven_gone_from_the_page_alone() -> Result<()> {
    let world = World::with(Options { retry_window: Some(1), ..Options::default() }).await?;
    let scenario = Scenario::set(&world).await?;
    a_request_that_needs_a_hand(&world).await?;

    let downloads = Dir::new("console")?;
    browser(&world, &["--test", "--test-concurrency=1", "--test-reporter=spec"], downloads.to_owned())
        .await?;
    if std::env::var_os("SCREENSHOTS").is_some() {
        browser(&world, &["browser/screenshots.mjs"], downloads.to_owned()).await?;
    }

    scenario.assert_forgotten(&world).await?;
    let jws = fs::read_to_string(downloads.join("certificate.jws"))?;
    let claims = certificate::verify(&jws, &world.stack.api.get("/.well-known/jwks.json").await?)?;
    assert_eq!(claims["regulation"]["subjectCount"], THREE.len());
    assert_eq!(claims["regulation"]["status"], "FINISHED");
    Ok(())
}

/// Runs node in `tests/browser`, against this world.
async fn browser(world: &World, args: &'static [&str], downloads: PathBuf) -> Result<()> {
    let api = world.stack.api.clone();
    tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node");
        node.args(args).current_dir(root().join("tests/browser")).env("DOWNLOADS", downloads);
        let status = node.envs([("LETHE_URL", &api.url), ("LETHE_TOKEN", &api.token)]).status()?;
        ensure!(status.success(), "the browser's tests failed: see above");
        Ok(())
    })
    .await?
}

/// Refused by one vendor, and about somebody whom nobody knows.
async fn a_request_that_needs_a_hand(world: &World) -> Result<()> {
    world.braze.world().faults.extend([Fault::Unauthorized; 3]);
    let id = world.stack.api.erase(&["nobody-has-this-id"]).await?;
    let regulation = world.stack.api.wait(&id, LIMIT, |_| ()).await?;
    ensure!(destinations(&regulation).iter().any(|place| place["taskStatus"] == "FAILED"), "{regulation:#}");
    world.braze.world().faults.clear();
    Ok(())
}
