//! People who are named by several identifiers: each place is asked by the one that it knows.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::Api;
use tests::certificate;
use tests::scenario::task;
use tests::vendors::Fake;
use tests::vendors::hubspot::HUBSPOT;
use tests::warehouse::fill;
use tests::world::World;

/// One learner is `lms-1` in events and at Braze, and an address at HubSpot; another one must not notice.
#[tokio::test]
async fn each_place_is_asked_by_the_identifier_that_it_knows() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    fill(&world.warehouse, &["lms-1", "lms-2", "lms-3"].map(str::to_owned), 3).await?;
    for learner in ["lms-1", "lms-2", "lms-3"] {
        let line = json!({ "type": "track", "userId": learner, "event": "Seen" }).to_string() + "\n";
        world.put(&format!("segment-logs/web/1793577600000/{learner}.log"), line.as_bytes()).await?;
    }
    let hubspot = Fake::start(&HUBSPOT)?;
    let mut by_email = hubspot.destination();
    by_email["settings"]["idProperty"] = "email".into();
    api.add_destination(&by_email).await?;
    world.braze.world().users.extend(["lms-1", "lms-2"].map(str::to_owned));
    hubspot.world().users.extend(["ada@example.com", "bob@example.com"].map(str::to_owned));

    let ada = json!({ "userId": "lms-1", "email": " Ada@Example.com", "ids": { "shop": "S-1" } });
    let request = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjects": [ada] });
    let kinds = json!({ "USER_ID": 1, "EMAIL": 1, "shop": 1 });
    let rehearsed = api.post("/regulations?dryRun=true", &request).await?["data"].take();
    assert_eq!((&rehearsed["subjectCount"], &rehearsed["identifiers"]), (&json!(1), &kinds), "{rehearsed:#}");

    let regulation = ended(api, &request).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    assert_eq!((&regulation["subjectCount"], &regulation["identifiers"]), (&json!(1), &kinds));
    for (name, status) in [
        ("Braze", "ACCEPTED"),
        ("HubSpot", "ACCEPTED"),
        ("Warehouse", "CONFIRMED"),
        ("Events archive", "CONFIRMED"),
    ] {
        assert_eq!(task(&regulation, name), (status.to_owned(), String::new()), "{name}: {regulation:#}");
    }
    assert_eq!(world.braze.world().asked, ["lms-1"]);
    assert_eq!(hubspot.world().asked, ["ada@example.com"]);
    assert_eq!(world.braze.world().users.iter().collect::<Vec<_>>(), ["lms-2"]);
    assert_eq!(hubspot.world().users.iter().collect::<Vec<_>>(), ["bob@example.com"]);
    let suppressed = api.get("/suppressions").await?["data"]["suppressed"].take();
    let address = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72";
    let kept_out = [("USER_ID", "lms-1"), ("EMAIL", address)];
    for (kind, id) in kept_out {
        let group = json!({ "subjectType": kind, "subjectIds": [id] });
        assert!(suppressed.as_array().is_some_and(|groups| groups.contains(&group)), "{suppressed}");
    }
    names_nobody(api, &regulation).await?;
    let wanted = json!({ "subject": { "type": "EMAIL", "id": "ADA@example.com" } });
    let found = api.post("/regulations/search", &wanted).await?;
    assert_eq!(found["data"]["regulations"][0]["id"], regulation["id"], "{found}");

    who_lacks_an_identifier_is_never_accepted(&world, &hubspot).await
}

async fn names_nobody(api: &Api, regulation: &Value) -> Result<()> {
    let id = regulation["id"].as_str().context("an id")?;
    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    assert_eq!(claims["regulation"]["identifiers"], regulation["identifiers"]);
    assert_eq!(claims["subjects"].as_array().map(Vec::len), Some(3), "{claims:#}");
    let said = claims.to_string();
    assert!(!said.contains("example.com") && !said.contains("lms-1") && !said.contains("S-1"), "{said}");
    Ok(())
}

async fn who_lacks_an_identifier_is_never_accepted(world: &World, hubspot: &Fake) -> Result<()> {
    let api = &world.stack.api;
    // A request in Segment's shape, too: HubSpot would block an id that it does not know, and say yes.
    let calls = hubspot.world().calls;
    let regulation = api.wait(&api.erase(&["lms-2"]).await?, |_| ()).await?;
    let (status, message) = task(&regulation, "HubSpot");
    assert_eq!((status.as_str(), hubspot.world().calls), ("NO_IDENTIFIER", calls), "{regulation:#}");
    assert!(message.contains("1 of 1 people") && message.contains("EMAIL"), "{message}");
    assert_eq!(task(&regulation, "Braze").0, "ACCEPTED");
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");

    // A token for one request is about one identifier: nobody is erased in another one's company.
    let (_, once) = api.new_token(&json!({ "name": "app", "requestOnly": true })).await?;
    let two = json!({ "regulationType": "DELETE_ONLY", "subjects": [{ "userId": "u1", "email": "bob@example.com" }] });
    assert_eq!(once.send(Method::POST, "/regulations", Some(&two)).await?.0, 403);

    let bob = json!({ "regulationType": "DELETE_ONLY", "subjects": [{ "email": "bob@example.com" }] });
    let regulation = ended(api, &bob).await?;
    for (name, status) in
        [("HubSpot", "ACCEPTED"), ("Warehouse", "NO_IDENTIFIER"), ("Events archive", "NO_IDENTIFIER")]
    {
        assert_eq!(task(&regulation, name).0, status, "{name}: {regulation:#}");
    }
    assert!(hubspot.world().users.is_empty());

    // Of two people, one is known in archives and warehouses: erased there, and still not done.
    let two = json!({ "regulationType": "DELETE_ONLY", "subjects": [{ "userId": "lms-3" }, { "email": "cyd@example.com" }] });
    let regulation = ended(api, &two).await?;
    for name in ["Warehouse", "Events archive"] {
        let (status, message) = task(&regulation, name);
        assert_eq!(status, "NO_IDENTIFIER", "{name}: {regulation:#}");
        assert!(message.starts_with("1 of 2 people") && message.contains("USER_ID"), "{message}");
    }
    let rows = "SELECT FROM web.users WHERE id = 'lms-3'";
    assert!(world.warehouse.query(rows, &[]).await?.is_empty(), "whoever is known is erased");
    Ok(())
}

/// Asks for a regulation and waits for its end.
async fn ended(api: &Api, request: &Value) -> Result<Value> {
    let made = api.post("/regulations", request).await?;
    api.wait(made["data"]["regulateId"].as_str().context("no regulateId")?, |_| ()).await
}
