//! A write key is public in a browser or app. Whoever holds one may claim that two ids are one person's, and then ask
//! for the erasure of their own.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::ingest::{TrackingClient, names, wait_for};
use tests::world::World;

/// How long a change of the suppression list may take to hold at the door.
const HOLDS: Duration = Duration::from_secs(1);

#[tokio::test]
async fn no_alias_erases_or_suppresses_a_stranger() -> Result<()> {
    let world = World::new().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let door = TrackingClient::open(&world, "web").await?;
    let track = |who: &str, event: &str| json!({"type": "track", "userId": who, "event": event});
    let alias = |former: &str| json!({"type": "alias", "userId": "mallory", "previousId": former});
    // One victim is known at the door, the other is not yet.
    door.ok("identify", json!({"userId": "victim", "anonymousId": "victims-phone"})).await?;
    door.ok("t", track("victim", "the victim's")).await?;
    let first = [track("mallory", "mallory's"), alias("victim"), alias("newcomer")];
    door.ok("batch", json!({ "batch": first })).await?;
    door.ok("t", track("newcomer", "the newcomer's")).await?;
    wait_for(&world, "web", &["the victim's", "the newcomer's", "mallory's"]).await?;

    let id = world.stack.api.erase(&["mallory"]).await?;
    tokio::time::sleep(HOLDS).await;
    // Mass suppression: who is suppressed claims others.
    let claims: Vec<Value> = (0..100).map(|n| alias(&format!("victim-{n}"))).collect();
    door.ok("batch", json!({ "batch": claims })).await?;
    door.ok("identify", json!({"userId": "mallory", "anonymousId": "mallorys-new-device"})).await?;
    let after: Vec<Value> = (0..100).map(|n| track(&format!("victim-{n}"), &format!("after {n}"))).collect();
    door.ok("batch", json!({ "batch": after })).await?;
    door.ok("t", track("victim", "the victim's, after")).await?;

    let done = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    let mut wanted =
        vec!["the victim's".to_owned(), "the newcomer's".to_owned(), "the victim's, after".to_owned()];
    wanted.extend((0..100).map(|n| format!("after {n}")));
    let left = wait_for(&world, "web", &wanted).await?;
    assert!(!names(&left).contains("mallory's"), "mallory is erased");
    assert_eq!(listed(&world, "USER_ID").await?, ["mallory".to_owned()].into(), "nobody else is suppressed");
    let known = table(&world).await?;
    assert!(!known.contains("mallorys-new-device"), "what is dropped leaves a count and nothing else");
    Ok(())
}

/// A user id that an attacker calls a device of their own stays its owner's.
#[tokio::test]
async fn no_user_id_is_taken_for_somebody_elses_device() -> Result<()> {
    let world = World::new().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let door = TrackingClient::open(&world, "web").await?;
    let event =
        |name: &str| json!({"type": "track", "userId": "victim", "anonymousId": "phone", "event": name});
    door.ok("t", event("the victim's")).await?;
    door.ok("identify", json!({"userId": "mallory", "anonymousId": "victim"})).await?;
    door.ok("alias", json!({"userId": "victim, renamed", "previousId": "victim"})).await?;
    wait_for(&world, "web", &["the victim's"]).await?;

    let id = world.stack.api.erase(&["mallory"]).await?;
    let done = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    assert_eq!(done["leftOutCount"], 1, "{done:#}");
    assert!(listed(&world, "ANONYMOUS_ID").await?.is_empty(), "nobody else is suppressed");
    door.ok("alias", json!({"userId": "victim, again", "previousId": "victim"})).await?;
    door.ok("t", event("the victim's, after")).await?;
    let left = wait_for(&world, "web", &["the victim's", "the victim's, after"]).await?;
    assert_eq!(left.iter().filter(|event| event["previousId"] == "victim").count(), 2, "{left:#?}");
    Ok(())
}

#[tokio::test]
async fn one_user_takes_few_ids_and_the_certificate_names_what_was_left_out() -> Result<()> {
    let world = World::new().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let api = &world.stack.api;
    let door = TrackingClient::open(&world, "web").await?;
    let claim =
        |n: usize| json!({"type": "identify", "userId": "mallory", "anonymousId": format!("phone-{n}")});
    let claims: Vec<Value> = (0..2_500).map(claim).collect();
    door.ok("batch", json!({ "batch": claims })).await?;
    door.ok("identify", json!({"userId": "ada", "anonymousId": "tablet"})).await?;
    let (status, answer) = door
        .send("identify", &json!({"userId": "ada", "anonymousId": "x".repeat(1_024)}).to_string())
        .await?;
    ensure!(status.is_success(), "an id that is too long to be linked loses no event: {answer}");
    assert_eq!(table(&world).await?.matches("\"ANONYMOUS_ID#phone-").count(), 2 * 50, "on both sides");

    let body = json!({"regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["mallory", "ada"]});
    let rehearsed = api.post("/regulations?dryRun=true", &body).await?["data"].take();
    let counts = |of: &Value| ["linkedCount", "leftOutCount"].map(|name| of[name].as_u64());
    assert_eq!(counts(&rehearsed), [Some(1), Some(50)], "{rehearsed}");
    assert_eq!(rehearsed["linkedSubjects"].as_array().map(Vec::len), Some(1), "{rehearsed}");

    let id = api.erase(&["mallory", "ada"]).await?;
    let done = api.wait(&id, |_| ()).await?;
    assert_eq!(
        (&done["overallStatus"], counts(&done)),
        (&json!("FINISHED"), [Some(1), Some(50)]),
        "{done:#}"
    );
    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = tests::certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    assert_eq!(claims["linkedSubjects"], rehearsed["linkedSubjects"], "the same pseudonym");
    assert_eq!(claims["leftOut"].as_array().map(Vec::len), Some(50), "{claims:#}");
    assert_eq!(listed(&world, "ANONYMOUS_ID").await?, ["tablet".to_owned()].into());
    // Ids that were left out are not erased, but nothing tells any more that they were met with her.
    for item in items(&world).await? {
        let text = item.to_string();
        assert!(!(text.contains("phone-") && text.contains("mallory")), "it knows whose it was: {item}");
    }
    Ok(())
}

/// After a deletion without suppression nothing holds the person but a mark with a date, not even what belongs to others.
#[tokio::test]
async fn nobody_elses_items_hold_who_was_erased() -> Result<()> {
    let world = World::new().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let api = &world.stack.api;
    let door = TrackingClient::open(&world, "web").await?;
    for (user, device) in [("dora", "doras-phone"), ("dora", "family-tablet"), ("bob", "family-tablet")] {
        door.ok("identify", json!({"userId": user, "anonymousId": device})).await?;
    }
    let server = json!({"name": "Server", "id": "server", "trustedToLink": true});
    let server = api.post("/sources", &server).await?["data"].take();
    assert_eq!(server["source"]["trustedToLink"], true, "{server}");
    let server = door.with_key(server["writeKey"].as_str().context("no write key")?);
    server.ok("alias", json!({"userId": "bob", "previousId": "dora-before"})).await?;
    let bob = json!({"subject": {"type": "USER_ID", "id": "bob"}});
    let bob = async || api.post("/subjects/lookup", &bob).await.map(|mut found| found["data"].take());
    let found = bob().await?;
    assert!(
        found.to_string().contains("dora-before"),
        "a trusted source may name a user id of before: {found}"
    );

    let body = |ids: &[&str]| json!({"regulationType": "DELETE_INTERNAL", "subjectType": "USER_ID", "subjectIds": ids});
    let made = api.post("/regulations", &body(&["dora", "dora-before", "never-seen"])).await?["data"].take();
    let done = api.wait(made["regulateId"].as_str().context("no id")?, |_| ()).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    for item in items(&world).await? {
        let text = item.to_string();
        if ["dora", "never-seen"].iter().any(|name| text.contains(name)) {
            assert!(item["expiresAt"]["N"].is_string(), "it has no date: {item}");
            let own = item["pk"]["S"].as_str().unwrap_or_default();
            assert!(
                ["dora", "never-seen"].iter().any(|name| own.contains(name)),
                "it is somebody else's: {item}"
            );
            assert!(
                item.get("owners").is_none() && item.get("links").is_none(),
                "it knows whose it was: {item}"
            );
        }
    }
    assert_eq!(bob().await?["shared"], 0, "the tablet is his alone now");
    Ok(())
}

/// Which ids of a kind the workspace suppresses.
async fn listed(world: &World, kind: &str) -> Result<BTreeSet<String>> {
    let groups = world.stack.api.get("/suppressions").await?["data"]["suppressed"].take();
    let groups = groups.as_array().into_iter().flatten().filter(|group| group["subjectType"] == kind);
    let ids = groups.flat_map(|group| group["subjectIds"].as_array()).flatten();
    Ok(ids.filter_map(|id| Some(id.as_str()?.to_owned())).collect())
}

/// What is known of people at the door.
async fn items(world: &World) -> Result<Vec<Value>> {
    let body = json!({ "TableName": world.stack.output("SuppressionsTable")?, "ConsistentRead": true });
    let mut scanned = world.stack.aws.call("dynamodb", "DynamoDB_20120810.Scan", body).await?;
    Ok(scanned["Items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}

async fn table(world: &World) -> Result<String> {
    Ok(Value::from(items(world).await?).to_string())
}
