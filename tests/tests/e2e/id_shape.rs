//! Looks at an archive that change nothing of it: whether it can be read, and how much of somebody it may hold.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::archive::PREFIX;
use tests::people::THREE;
use tests::scenario::Scenario;
use tests::world::World;

use crate::archives::{forget, key};

/// The archive's id.
async fn archive(world: &World) -> Result<String> {
    let all = world.stack.api.get("/destinations").await?;
    let mut all = all["data"]["destinations"].as_array().into_iter().flatten();
    let id = all.find(|destination| destination["vendor"] == "s3").and_then(|it| it["id"].as_str());
    Ok(id.context("an archive")?.to_owned())
}

async fn check(world: &World, id: &str) -> Result<Value> {
    Ok(world.stack.api.post(&format!("/destinations/{id}/check"), &Value::Null).await?["data"].take())
}

/// Asks the function that purges, as the API does.
async fn count(world: &World, id: &str, users: &[&str]) -> Result<Value> {
    let subjects: Vec<_> = users.iter().map(|user| json!({ "type": "USER_ID", "id": user })).collect();
    let probe = json!({ "action": "count", "destinationId": id, "subjects": subjects });
    let name = world.stack.resource("PurgeFunction").await?;
    let url = format!("{}/2015-03-31/functions/{name}/invocations", world.stack.aws.url());
    Ok(world.stack.aws.http().post(url).json(&probe).send().await?.json().await?)
}

#[tokio::test]
async fn an_archive_is_checked_and_counted_before_anybody_is_purged() -> Result<()> {
    let world = World::new().await?;
    let id = archive(&world).await?;
    let nothing = check(&world, &id).await?;
    assert_eq!(nothing["ok"], false, "nothing shows that it could be read: {nothing:#}");
    assert!(nothing["message"].as_str().is_some_and(|message| message.contains(PREFIX)), "{nothing:#}");

    let scenario = Scenario::set(&world).await?;
    let found = check(&world, &id).await?;
    assert_eq!(found["ok"], true, "{found:#}");
    let details = &found["details"];
    assert_eq!((&details["objects"], &details["versions"]), (&json!(8), &json!(12)), "{found:#}");
    assert_eq!((&details["whole"], &details["region"]), (&json!(true), &json!("us-east-1")), "{found:#}");
    assert_eq!(details["formats"], json!({ "JSON lines, gzip": 12 }), "{found:#}");

    // Nothing is in the index yet, and it is little enough to be read: that leaves its filters.
    let lines = scenario.lines_of_the_three();
    let first = count(&world, &id, &THREE).await?;
    assert_eq!(
        (&first["details"]["notIndexed"], &first["details"]["mayHold"]),
        (&json!(8), &json!(0)),
        "{first:#}"
    );
    assert_eq!(
        (&first["details"]["lines"], &first["details"]["exact"]),
        (&json!(lines), &json!(true)),
        "{first:#}"
    );
    let again = count(&world, &id, &THREE).await?;
    assert_eq!(
        (&again["details"]["notIndexed"], &again["details"]["mayHold"]),
        (&json!(0), &json!(8)),
        "{again:#}"
    );
    assert_eq!(again["details"]["lines"], lines, "{again:#}");
    let nobody = count(&world, &id, &["nobody"]).await?;
    assert_eq!(
        (&nobody["details"]["mayHold"], &nobody["details"]["lines"]),
        (&json!(0), &json!(0)),
        "{nobody:#}"
    );
    assert!(!again.to_string().contains(THREE[0]), "it names nobody: {again:#}");

    // What cannot be read is named, and a count says that it does not know.
    world.put(&key("notes.docx"), b"PK\x03\x04").await?;
    let found = check(&world, &id).await?;
    assert_eq!(found["ok"], false, "{found:#}");
    assert!(
        found["message"].as_str().is_some_and(|message| message.contains("notes.docx (not supported: zip)")),
        "{found:#}"
    );
    let counted = count(&world, &id, &THREE).await?;
    assert_eq!(
        (&counted["details"]["lines"], &counted["details"]["exact"]),
        (&json!(lines), &json!(false)),
        "{counted:#}"
    );
    world.remove(&key("notes.docx")).await?;

    let regulation = forget(&world, &THREE).await?;
    let purged = &crate::archives::archive(&regulation)["evidence"]["find"];
    assert_eq!(purged["counts"]["lines"], lines, "as it was counted: {purged:#}");
    scenario.assert_archive_clean(&world).await?;

    let missing = tests::destinations::archive(&format!("{}-missing", world.bucket), 1.0);
    let missing = world.stack.api.add_destination(&missing).await?;
    let found = check(&world, &missing).await?;
    assert_eq!(found["ok"], false, "{found:#}");
    assert!(found["message"].as_str().is_some_and(|message| message.contains("NoSuchBucket")), "{found:#}");
    Ok(())
}
