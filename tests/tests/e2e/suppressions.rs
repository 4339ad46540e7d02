//! The suppression list: in the workspace and at a source, what belongs to whom, and who received somebody's events.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tests::ingest::{TrackingClient, wait_for};
use tests::world::World;

/// How long a change may take to hold at the door.
const HOLDS: Duration = Duration::from_secs(1);

async fn track(door: &TrackingClient, event: &str) -> Result<()> {
    door.ok("track", json!({"userId": "ada", "event": event})).await
}

fn texts(list: &Value, field: &str) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|one| Some(one[field].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn sources_and_the_workspace_keep_out_each_on_its_own_and_the_workspace_wins() -> Result<()> {
    let world = World::collecting().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let api = &world.stack.api;
    let (web, ios) = (TrackingClient::open(&world, "web").await?, TrackingClient::open(&world, "ios").await?);
    let ada = json!({"type": "USER_ID", "id": "ada"});
    let at_web = json!({"subjects": [ada], "sourceId": "web", "reason": "asked by phone"});
    let everywhere = json!({"subjects": [ada]});
    web.ok("identify", json!({"userId": "ada", "anonymousId": "phone"})).await?;

    // At one source.
    let added = api.post("/suppressions", &at_web).await?;
    assert_eq!(added["data"], json!({"subjects": 1, "linked": 1}));
    tokio::time::sleep(HOLDS).await;
    track(&web, "web, out at web").await?;
    web.ok("track", json!({"anonymousId": "phone", "event": "phone, out at web"})).await?;
    track(&ios, "ios, in").await?;

    // Everywhere: no source lets her in.
    api.post("/suppressions", &everywhere).await?;
    tokio::time::sleep(HOLDS).await;
    track(&ios, "ios, out").await?;
    let unsuppress = json!({"regulationType": "UNSUPPRESS", "subjectType": "USER_ID", "subjectIds": ["ada"]});
    for (path, body) in [("/suppressions/lift", &at_web), ("/regulations/sources/web", &unsuppress)] {
        let (status, answer) = api.send(Method::POST, path, Some(body)).await?;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        ensure!(status.as_u16() == 422 && message.contains("whole workspace"), "{path} {status}: {answer}");
    }
    let search = json!({"subject": ada});
    let found = api.post("/suppressions/search", &search).await?["data"]["suppressions"].take();
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(texts(&found, "reason"), ["asked by phone".to_owned()].into());
    let check =
        json!({"subjects": [{"type": "USER_ID", "id": "bob"}, ada, {"type": "ANONYMOUS_ID", "id": "phone"}]});
    let checked = api.post("/suppressions/check", &check).await?;
    assert_eq!(checked["data"]["suppressed"], json!([false, true, true]), "everywhere: {checked}");
    let listed = api.get("/suppressions?sourceId=web&pagination.count=1").await?;
    assert!(listed["data"]["pagination"]["next"].is_string(), "she and her phone: {listed}");

    // What is lifted everywhere still holds at the source, until it is lifted there.
    api.post("/suppressions/lift", &everywhere).await?;
    tokio::time::sleep(HOLDS).await;
    track(&ios, "ios, in again").await?;
    track(&web, "web, still out").await?;
    let lifted = api.post("/regulations/sources/web", &unsuppress).await?["data"]["regulateId"].take();
    let lifted = api.wait(lifted.as_str().unwrap_or_default(), |_| ()).await?;
    assert_eq!(lifted["overallStatus"], "FINISHED", "{lifted:#}");
    track(&web, "web, in again").await?;
    web.ok("track", json!({"anonymousId": "phone", "event": "phone, in again"})).await?;
    let at_ios = wait_for(&world, "ios", &["ios, in", "ios, in again"]).await?;
    let at_web = wait_for(&world, "web", &["web, in again", "phone, in again"]).await?;
    assert_eq!((at_ios.len(), at_web.len()), (2, 3), "{at_ios:?} {at_web:?}");

    who_received_is_told_and_forgotten(&world).await
}

async fn who_received_is_told_and_forgotten(world: &World) -> Result<()> {
    let api = &world.stack.api;
    let today = Timestamp::now().to_string()[..10].to_owned();
    let lookup = json!({"subject": {"type": "USER_ID", "id": "ada"}});
    let found = api.post("/subjects/lookup", &lookup).await?["data"].take();
    assert_eq!(found["linked"], json!([{"type": "ANONYMOUS_ID", "id": "phone"}]), "{found}");
    assert_eq!(texts(&found["sources"], "sourceId"), ["ios".to_owned(), "web".to_owned()].into());
    let names = texts(&found["recipients"], "name");
    assert_eq!(names, ["Braze", "Events archive", "Warehouse"].map(str::to_owned).into(), "{found}");
    let days = texts(&found["recipients"], "last");
    assert!(days.iter().all(|day| *day <= today), "{found}");
    let phone = json!({"subject": {"type": "ANONYMOUS_ID", "id": "phone"}});
    let phone = api.post("/subjects/lookup", &phone).await?;
    assert_eq!(phone["data"]["owners"], json!([{"type": "USER_ID", "id": "ada"}]), "{phone}");

    let id = api.erase(&["ada"]).await?;
    let mut shown = BTreeSet::new();
    let done = api.wait(&id, |regulation| shown.extend(texts(&regulation["linkedSubjects"], "id"))).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    assert_eq!(shown, ["phone".to_owned()].into(), "shown while the work went on");
    assert_eq!((&done["linkedCount"], &done["linkedSubjects"]), (&json!(1), &json!([])), "{done:#}");
    assert_eq!(texts(&done["recipients"], "name").len(), 3, "who must still be told: {done:#}");
    let found = api.post("/subjects/lookup", &lookup).await?["data"].take();
    assert_eq!((&found["sources"], &found["recipients"]), (&json!([]), &json!([])), "forgotten: {found}");
    assert_eq!(
        found["suppressions"].as_array().map(Vec::len),
        Some(1),
        "but for what keeps her out: {found}"
    );
    Ok(())
}
