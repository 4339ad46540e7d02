//! The main job: three people ask to be forgotten, and are, everywhere; nobody else notices.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::api::destinations;
use tests::archive::Archive;
use tests::census::Census;
use tests::certificate;
use tests::people::{THREE, everyone};
use tests::warehouse::{self, Holdings};
use tests::world::World;

#[tokio::test]
async fn three_people_disappear_and_nobody_else_notices() -> Result<()> {
    let world = World::new().await?;
    let people = everyone(200);
    let archive =
        Archive { sources: &["web", "ios"], days: 2, files: 2, events: 400, people: people.clone(), seed: 1 };
    archive.upload(&world.s3, &world.bucket).await?;
    warehouse::fill(&world.warehouse, &people, 500).await?;
    world.braze.world().users.extend(people.clone());

    let lines = Census::take(&world.s3, &world.bucket, &THREE).await?;
    let rows = Holdings::take(&world.warehouse, &THREE).await?;
    assert!(lines.of.values().all(|lines| *lines > 0), "each of the three has lines: {:?}", lines.of);
    assert!(rows.total() > 0);

    let api = &world.stack.api;
    let id = api.erase(&THREE).await?;
    let regulation = api.wait(&id, Duration::from_secs(120), |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let mut tasks: Vec<(String, String)> = destinations(&regulation)
        .iter()
        .map(|task| (text(&task["name"]), text(&task["taskStatus"])))
        .collect();
    tasks.sort();
    let expected = [("Braze", "ACCEPTED"), ("Events archive", "CONFIRMED"), ("Warehouse", "CONFIRMED")];
    assert_eq!(tasks, expected.map(|(name, status)| (name.to_owned(), status.to_owned())), "{regulation:#}");

    // Lethe's own count and one that shares no code with it.
    let archive = destinations(&regulation).into_iter().find(|task| task["name"] == "Events archive");
    assert_eq!(archive.context("no archive")?["evidence"]["find"]["counts"]["lines"], lines.theirs());

    let lines_left = Census::take(&world.s3, &world.bucket, &THREE).await?;
    assert_eq!(lines_left.theirs(), 0, "lines of the three, in all versions: {:?}", lines_left.of);
    assert_eq!(lines_left.rest, lines.rest, "everyone else's lines, byte for byte");
    let rows_left = Holdings::take(&world.warehouse, &THREE).await?;
    assert_eq!(rows_left.total(), 0, "rows of the three: {:?}", rows_left.theirs);
    assert_eq!(rows_left.rest, rows.rest, "everyone else's rows");
    {
        let braze = world.braze.world();
        assert_eq!(braze.users.len(), people.len() - THREE.len(), "only the three left Braze");
        assert!(THREE.iter().all(|id| !braze.users.contains(*id)));
    }

    let suppressed = api.get("/suppressions").await?["data"]["suppressed"].to_string();
    assert!(THREE.iter().all(|id| suppressed.contains(&format!("\"{id}\""))), "{suppressed}");

    let listed = api.get("/regulations").await?;
    assert_eq!(listed["data"]["regulations"][0]["id"], id, "{listed}");

    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?.to_string();
    assert!(claims.contains(&id), "{claims}");
    assert!(THREE.iter().all(|id| !claims.contains(&format!("\"{id}\""))), "it names nobody: {claims}");
    Ok(())
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
