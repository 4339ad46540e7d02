//! The console, in a real browser: whoever has only the page can delete people, see that they are gone, and prove it.
//! The tests of the page are `tests/browser/*.test.mjs`; what they did is checked here, outside the page.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::api::destinations;
use tests::certificate;
use tests::ingest::{TrackingClient, wait_for};
use tests::people::THREE;
use tests::process::{Dir, root};
use tests::queue::{ended, send};
use tests::scenario::Scenario;
use tests::vendors::Fault;
use tests::world::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_deleted_and_proven_gone_from_the_page_alone() -> Result<()> {
    let world =
        World::with(Options { retry_window: Some(1), record_timeout: Some(10), ..Options::default() })
            .await?;
    people_from_the_door(&world).await?;
    let scenario = Scenario::set(&world).await?;
    batches(&world).await?;
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

/// Two whose events came in through the tracking API, while there was a place that cannot delete. One is suppressed, with
/// the device that is theirs.
async fn people_from_the_door(world: &World) -> Result<()> {
    let api = &world.stack.api;
    let manual =
        json!({"name": "Call centre", "vendor": "manual", "settings": {"contact": "privacy@calls.example"}});
    let manual = api.add_destination(&manual).await?;
    let door = TrackingClient::open(world, "web").await?;
    for person in ["grace", "hopper"] {
        let phone = format!("{person}-phone");
        door.ok("identify", json!({"userId": person, "anonymousId": phone})).await?;
        door.ok("track", json!({"userId": person, "event": format!("{person} came")})).await?;
    }
    wait_for(world, "web", &["grace came", "hopper came"]).await?;
    // As if the source had been there all the time: the archive is older than this test.
    let mut source = api.get("/sources/web").await?["data"]["source"].take();
    for connection in source["connections"].as_array_mut().context("no connections")? {
        connection["from"] = json!("2020-01-01T00:00:00Z");
    }
    let change = json!({ "connections": source["connections"] });
    let (status, told) = api.send(Method::PATCH, "/sources/web", Some(&change)).await?;
    ensure!(status.is_success(), "{told}");
    let (status, told) = api.send(Method::DELETE, &format!("/destinations/{manual}"), None).await?;
    ensure!(status.is_success(), "{told}");

    let body = json!({"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["hopper"]});
    let made = api.post("/regulations", &body).await?["data"]["regulateId"].take();
    api.wait(made.as_str().context("an id")?, |_| ()).await?;
    Ok(())
}

/// One that is taken but for a line, and one that is refused.
async fn batches(world: &World) -> Result<()> {
    for (kind, wanted) in [("UNSUPPRESS", "ACCEPTED"), ("FORGET", "REFUSED")] {
        let body =
            json!({"regulationType": kind, "subjectType": "USER_ID", "subjectIds": ["from-a-batch", " "]});
        let message = send(&world.stack, "BatchQueue", &body.to_string()).await?;
        let batch = ended(&world.stack, &message).await?;
        ensure!(batch["status"] == wanted, "{batch:#}");
    }
    Ok(())
}

/// Refused by one vendor, and about somebody whom nobody knows.
async fn a_request_that_needs_a_hand(world: &World) -> Result<()> {
    world.braze.world().faults.extend([Fault::Unauthorized; 3]);
    let id = world.stack.api.erase(&["nobody-has-this-id"]).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    ensure!(destinations(&regulation).iter().any(|place| place["taskStatus"] == "FAILED"), "{regulation:#}");
    world.braze.world().faults.clear();
    Ok(())
}
