//! The main job: three people ask to be forgotten, and are, everywhere; nobody else notices.

use anyhow::{Context, Result};
use serde_json::json;
use tests::api::destinations;
use tests::certificate;
use tests::people::THREE;
use tests::scenario::{Scenario, forget_the_three, task};
use tests::world::World;

#[tokio::test]
async fn three_people_disappear_and_nobody_else_notices() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    assert_a_dry_run_only_counts(&world, &scenario).await?;
    let regulation = forget_the_three(&world).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    for (name, status) in [("Braze", "ACCEPTED"), ("Events archive", "CONFIRMED"), ("Warehouse", "CONFIRMED")]
    {
        assert_eq!(task(&regulation, name), (status.to_owned(), String::new()), "{name}: {regulation:#}");
    }
    scenario.assert_forgotten(&world).await?;

    // Lethe's own count and one that shares no code with it.
    let archive = destinations(&regulation).into_iter().find(|task| task["name"] == "Events archive");
    let found = &archive.context("no archive")?["evidence"]["find"];
    assert_eq!(found["counts"]["lines"], scenario.lines_of_the_three(), "{found:#}");
    let from = ["ios", "web"].map(|id| json!({"sourceId": id, "first": "2026-11-02", "last": "2026-11-03"}));
    assert_eq!((&found["sources"], &regulation["sources"]), (&json!(from), &json!(from)), "{found:#}");

    let api = &world.stack.api;
    let suppressed = api.get("/suppressions").await?["data"]["suppressed"].to_string();
    assert!(THREE.iter().all(|id| suppressed.contains(&format!("\"{id}\""))), "{suppressed}");

    let id = regulation["id"].as_str().context("a regulation has an id")?;
    let listed = api.get("/regulations").await?;
    assert_eq!(listed["data"]["regulations"][0]["id"], id, "{listed}");

    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?.to_string();
    assert!(claims.contains(id), "{claims}");
    assert!(THREE.iter().all(|id| !claims.contains(&format!("\"{id}\""))), "it names nobody: {claims}");
    Ok(())
}

/// What the regulation would find, before it is made.
async fn assert_a_dry_run_only_counts(world: &World, scenario: &Scenario) -> Result<()> {
    let api = &world.stack.api;
    let wanted =
        json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": THREE });
    let answer = api.post("/regulations?dryRun=true", &wanted).await?["data"].take();
    assert!(answer.get("regulateId").is_none(), "{answer:#}");
    assert_eq!(answer["subjectCount"], 3, "{answer:#}");
    let reached = answer["destinations"].as_array().context("no destinations")?;
    let of = |name: &str| reached.iter().find(|one| one["name"] == name).context("not reached");
    assert_eq!(of("Warehouse")?["count"], scenario.rows_of_the_three(), "{answer:#}");
    let braze = of("Braze")?;
    assert!(braze["count"].is_null() && braze["reason"].as_str().is_some_and(|why| !why.is_empty()));
    let archive = of("Events archive")?;
    assert!(archive["count"] == scenario.lines_of_the_three() || archive["count"].is_null(), "{archive:#}");
    assert!(THREE.iter().all(|id| !answer.to_string().contains(&format!("\"{id}\""))), "it names nobody");

    assert_eq!(api.get("/regulations").await?["data"]["regulations"], json!([]));
    assert_eq!(api.get("/suppressions").await?["data"]["suppressed"], json!([]));
    assert_eq!(world.stack.executions("DeletionStateMachine").await?, Vec::<String>::new());
    assert_eq!(world.braze.world().calls, 0);
    Ok(())
}

#[tokio::test]
async fn people_whom_nobody_knows_end_as_no_data_found() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    let id = world.stack.api.erase(&["nobody@example.com"]).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    for name in ["Events archive", "Warehouse"] {
        assert_eq!(task(&regulation, name).0, "NO_DATA_FOUND", "{name}: {regulation:#}");
    }
    // The ids in the archive look otherwise, which is said without repeating the one that was sent. The warehouse's
    // columns are texts: nothing is known there.
    let advice = task(&regulation, "Events archive").1;
    assert!(advice.contains("an email address") && !advice.contains("nobody"), "{regulation:#}");
    assert_eq!(task(&regulation, "Warehouse").1, "");
    // Braze counts users it does not know as well: accepted is all that can be said.
    assert_eq!(task(&regulation, "Braze").0, "ACCEPTED");
    drop(scenario);
    Ok(())
}
