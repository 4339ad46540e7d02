//! A learner is asked for by a user id alone; the address by which a vendor knows the learner stands in the archive's own
//! `identify` calls.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tests::certificate;
use tests::scenario::{retry, task};
use tests::vendors::Fake;
use tests::vendors::hubspot::HUBSPOT;
use tests::world::{Options, World};

use crate::resolving::change;

const SERVER: &str = "segment-logs/server/1793577600000/";
const WEB: &str = "segment-logs/web/1793577600000/claims.gz";

#[tokio::test]
async fn an_address_that_identify_calls_of_a_trusted_source_know_reaches_a_vendor() -> Result<()> {
    let world = World::with(Options { retry_window: Some(2), ..Options::default() }).await?;
    // Each invocation reads one object, and the next goes on behind it.
    world.stack.configure("purge", &[("SLICE_SECONDS", "0")]).await?;
    let hubspot = connect(&world).await?;
    let api = &world.stack.api;
    let request = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["lms-1"] });
    let rehearse =
        async || Ok::<_, anyhow::Error>(api.post("/regulations?dryRun=true", &request).await?["data"].take());
    ensure!(rehearse().await?["resolved"].is_null(), "it is off until it is switched on");

    let traits = json!([
        { "path": "traits.email", "type": "EMAIL" },
        { "path": "context.traits.email", "type": "EMAIL" },
        { "path": "traits.username", "type": "username" },
    ]);
    change(&world, "Events archive", &json!({ "resolves": traits })).await?;
    let rehearsed = rehearse().await?;
    assert_eq!(rehearsed["resolved"], json!({ "EMAIL": 1, "username": 1 }), "{rehearsed:#}");

    // An archive that cannot be looked through may know by what else to ask: nothing begins.
    change(&world, "Events archive", &json!({ "bucket": format!("{}-gone", world.bucket) })).await?;
    let rehearsed = rehearse().await?;
    ensure!(rehearsed.to_string().contains("looked up in Events archive"), "{rehearsed:#}");
    ensure!(rehearsed["resolved"].is_null(), "nothing is no answer: {rehearsed:#}");
    let made = api.post("/regulations", &request).await?["data"]["regulateId"].take();
    let failed = api.wait(made.as_str().context("an id")?, |_| ()).await?;
    for name in ["Braze", "HubSpot", "Warehouse", "Events archive"] {
        let (status, message) = task(&failed, name);
        ensure!(status == "FAILED" && message.contains("looked up in Events archive"), "{name}: {message}");
    }
    assert_eq!((world.braze.world().asked.len(), hubspot.world().asked.len()), (0, 0));

    change(&world, "Events archive", &json!({ "bucket": world.bucket })).await?;
    let ended = retry(&world, &failed).await?;
    assert_eq!(ended["overallStatus"], "FINISHED", "{ended:#}");
    assert_eq!(ended["resolved"], json!({ "EMAIL": 1, "username": 1 }), "{ended:#}");
    let users: Vec<_> = hubspot.world().users.iter().cloned().collect();
    assert_eq!(users, ["shared@example.com", "stranger@example.com"]);
    let mut left = String::new();
    GzDecoder::new(&world.get(WEB).await?[..]).read_to_string(&mut left)?;
    ensure!(
        left.contains("mallory") && !left.contains("lms-1"),
        "a stranger's claim is no proof, and stays: {left}"
    );
    is_told_by_pseudonyms(&world, &ended).await?;
    a_shared_address_is_nobodys(&world, &hubspot).await
}

/// Counts and pseudonyms alone are left of what was found.
async fn is_told_by_pseudonyms(world: &World, regulation: &Value) -> Result<()> {
    let api = &world.stack.api;
    let id = regulation["id"].as_str().context("an id")?;
    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    assert_eq!(claims["resolvedSubjects"].as_array().map(Vec::len), Some(2), "{claims:#}");
    ensure!(!claims.to_string().contains("ada@"), "{claims:#}");
    let evidence = claims["evidence"].as_array().into_iter().flatten();
    let looked_up: Vec<_> = evidence.filter(|one| one["step"] == "resolve").collect();
    assert_eq!(looked_up.len(), 1, "{claims:#}");
    assert_eq!(looked_up[0]["counts"], json!({ "EMAIL": 1, "username": 1 }));
    assert_eq!(looked_up[0]["lookedAt"], json!({ "objects": 3 }), "the trusted source's alone");

    let bucket = world.stack.output("LetheBucket")?;
    let files = world.s3.list_object_versions().bucket(bucket).prefix("runs/reg_").send().await?;
    ensure!(files.versions().is_empty() && files.delete_markers().is_empty(), "{files:?}");
    let whom = |id: &str| json!({ "type": "EMAIL", "id": id });
    let all = ["ada@example.com", "shared@example.com", "stranger@example.com"].map(whom);
    let check = json!({ "subjects": all });
    let suppressed = api.post("/suppressions/check", &check).await?["data"]["suppressed"].take();
    assert_eq!(suppressed, json!([true, false, false]));
    Ok(())
}

/// A second learner shares an address with a third one: nobody is asked for it.
async fn a_shared_address_is_nobodys(world: &World, hubspot: &Fake) -> Result<()> {
    let asked = hubspot.world().asked.len();
    let regulation = world.stack.api.wait(&world.stack.api.erase(&["lms-2"]).await?, |_| ()).await?;
    assert_eq!(regulation["resolvedShared"], json!({ "EMAIL": 1 }), "{regulation:#}");
    assert_eq!(task(&regulation, "HubSpot").0, "NO_IDENTIFIER", "{regulation:#}");
    assert_eq!(hubspot.world().asked.len(), asked);
    Ok(())
}

/// A trusted source, one that is not, what both sent, and a vendor that knows people by their addresses.
async fn connect(world: &World) -> Result<Fake> {
    let api = &world.stack.api;
    api.post("/sources", &json!({ "name": "Server", "id": "server", "trustedToLink": true })).await?;
    api.post("/sources", &json!({ "name": "Web", "id": "web" })).await?;
    let identify =
        |user: &str, traits: Value| json!({ "type": "identify", "userId": user, "traits": traits });
    let email = |user: &str, email: &str| identify(user, json!({ "email": email }));
    let objects = [
        (
            format!("{SERVER}1.gz"),
            vec![
                identify("lms-1", json!({ "email": " Ada@Example.com", "username": "ada" })),
                json!({ "type": "track", "userId": "lms-1", "properties": { "email": "friend@example.com" } }),
            ],
        ),
        (
            format!("{SERVER}2.gz"),
            vec![email("lms-2", "shared@example.com"), email("lms-4", "dan@example.com")],
        ),
        (
            format!("{SERVER}3.gz"),
            vec![
                json!({ "type": "identify", "userId": "lms-3", "context": { "traits": { "email": "Shared@Example.com" } } }),
            ],
        ),
        (WEB.to_owned(), vec![email("lms-1", "stranger@example.com"), email("mallory", "ada@example.com")]),
    ];
    for (key, events) in objects {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        world.put(&key, &gzip(lines.as_bytes())?).await?;
    }
    let learners = ["lms-1", "lms-2", "lms-3"].map(str::to_owned);
    tests::warehouse::fill(&world.warehouse, &learners, 20).await?;
    world.braze.world().users.extend(learners);
    let hubspot = Fake::start(&HUBSPOT)?;
    let mut destination = hubspot.destination();
    destination["settings"]["idProperty"] = "email".into();
    api.add_destination(&destination).await?;
    let known = ["ada@example.com", "shared@example.com", "stranger@example.com"];
    hubspot.world().users.extend(known.map(str::to_owned));
    Ok(hubspot)
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(plain)?;
    Ok(gzip.finish()?)
}
