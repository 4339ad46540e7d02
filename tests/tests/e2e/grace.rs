//! The time of grace between a request and its erasure.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::archive::PREFIX;
use tests::scenario::task;
use tests::world::World;

/// Asks for a deletion. Returns its id.
async fn ask(world: &World, person: &str) -> Result<String> {
    let body =
        json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": [person] });
    let made = world.stack.api.post("/regulations", &body).await?;
    Ok(made["data"]["regulateId"].as_str().context("an id")?.to_owned())
}

async fn suppressed(world: &World) -> Result<String> {
    Ok(world.stack.api.get("/suppressions").await?["data"]["suppressed"].to_string())
}

#[tokio::test]
async fn a_deletion_waits_and_can_be_withdrawn_while_its_person_is_suppressed() -> Result<()> {
    let world = World::new().await?;
    let (api, key) = (&world.stack.api, format!("{PREFIX}/web/1793577600000/a.jsonl"));
    let line = |person: &str| format!("{}\n", json!({ "type": "track", "userId": person, "event": "Seen" }));
    let content = line("ada") + &line("bob") + &line("eve");
    world.put(&key, content.as_bytes()).await?;

    // 1. One that waits for an hour is withdrawn.
    world.stack.configure("intake", &[("GRACE_HOURS", "1")]).await?;
    let first = ask(&world, "ada").await?;
    let shown = api.regulation(&first).await?;
    ensure!(shown["overallStatus"] == "INITIALIZED" && shown["graceUntil"].is_string(), "{shown:#}");
    ensure!(suppressed(&world).await?.contains("\"ada\""), "suppressed at once");

    // 2. One whose hour is over in some seconds begins by itself.
    world.stack.configure("intake", &[("CLOCK_SKEW", "-3590")]).await?;
    let second = ask(&world, "bob").await?;
    let regulation = api.wait(&second, |_| ()).await?;
    ensure!(task(&regulation, "Events archive").0 == "CONFIRMED", "{regulation:#}");
    let left = String::from_utf8(world.get(&key).await?)?;
    ensure!(left == line("ada") + &line("eve"), "the first one still waits: {left}");

    world.stack.configure("intake", &[("CLOCK_SKEW", "0")]).await?;
    let (status, answer) = api.send(Method::DELETE, &format!("/regulations/{first}"), None).await?;
    ensure!(status.is_success(), "{answer}");
    ensure!(!suppressed(&world).await?.contains("\"ada\""), "let in again");
    assert_eq!(api.regulation(&first).await?["overallStatus"], "INVALID");

    // 3. What erases nothing has nothing to wait for.
    let body = json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["eve"] });
    let third = api.post("/regulations", &body).await?["data"]["regulateId"].take();
    let shown: Value = api.wait(third.as_str().context("an id")?, |_| ()).await?;
    ensure!(shown["overallStatus"] == "FINISHED" && shown.get("graceUntil").is_none(), "{shown:#}");
    Ok(())
}
