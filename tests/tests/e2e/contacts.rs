//! Suppression by email address and phone number: at the door, in answers, and in the filter for other pipelines.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::api::Api;
use tests::ingest::{TrackingClient, names, wait_for};
use tests::process::root;
use tests::world::World;

/// How long a change may take to hold at the door.
const HOLDS: Duration = Duration::from_secs(1);

/// `printf %s ada@example.com | sha256sum`
const ADA: &str = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72";

/// An event that carries an address or number in this field.
fn event(name: &str, field: &str, contact: &Value) -> Value {
    let mut event = json!({ "anonymousId": "device", "event": name });
    event[field] = contact.clone();
    event
}

#[tokio::test]
async fn whose_address_or_number_is_suppressed_is_kept_out_by_each() -> Result<()> {
    let world = World::collecting().await?;
    let api = &world.stack.api;
    let door = TrackingClient::open(&world, "web").await?;
    let ada = json!({ "email": " Ada@Example.com" });
    let bob = json!({ "phone": "+44 20 7946 0000" });

    // By a regulation that names her address alone, and by the list itself.
    let suppress = json!({ "regulationType": "SUPPRESS_ONLY", "subjects": [{ "email": "ada@example.com" }] });
    let id = api.post("/regulations", &suppress).await?["data"]["regulateId"].take();
    let regulation = api.wait(id.as_str().context("no id")?, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let number = json!({ "subjects": [{ "type": "PHONE", "id": "+442079460000" }], "sourceId": "web" });
    assert_eq!(api.post("/suppressions", &number).await?["data"]["subjects"], 1);
    tokio::time::sleep(HOLDS).await;
    let eve = json!({ "traits": { "email": "eve@example.com" } });
    for (call, event) in [
        ("identify", event("ada, out", "traits", &ada)),
        ("track", event("ada by a property, out", "properties", &ada)),
        ("page", event("ada by her user id, out", "userId", &json!("ADA@example.com"))),
        ("page", event("bob, out", "context", &json!({ "traits": bob }))),
        ("page", event("eve, in", "context", &eve)),
    ] {
        door.ok(call, event).await?;
    }
    answers_say_so_by_address_and_by_hash(api).await?;
    a_pipeline_enforces_it(api).await?;

    // Lifted by each, one of them by its hash.
    let by_hash = json!({ "subjects": [{ "type": "EMAIL", "id": ADA.to_uppercase() }] });
    api.post("/suppressions/lift", &by_hash).await?;
    api.post("/suppressions/lift", &number).await?;
    tokio::time::sleep(HOLDS).await;
    door.ok("track", event("ada, in again", "properties", &ada)).await?;
    door.ok("identify", event("bob, in again", "traits", &bob)).await?;
    let wanted = ["ada, in again", "bob, in again", "eve, in"];
    assert_eq!(names(&wait_for(&world, "web", &wanted).await?), wanted.into_iter().collect());
    Ok(())
}

/// Each identifier of a person keeps out alone: no event needs to carry two of them.
#[tokio::test]
async fn a_person_is_kept_out_by_each_identifier_that_a_regulation_names() -> Result<()> {
    let world = World::collecting().await?;
    let api = &world.stack.api;
    let door = TrackingClient::open(&world, "web").await?;
    let ada = json!({ "userId": "ada-1", "anonymousIds": ["phone", "laptop"], "email": "ada@example.com",
                      "phone": "+442079460000", "ids": { "crm": "c-1" } });
    let suppress = json!({ "regulationType": "SUPPRESS_ONLY", "subjects": [ada] });
    let id = api.post("/regulations", &suppress).await?["data"]["regulateId"].take();
    api.wait(id.as_str().context("no id")?, |_| ()).await?;
    for event in [
        json!({ "userId": "ada-1", "event": "by user id, out" }),
        json!({ "anonymousId": "phone", "event": "by phone, out" }),
        json!({ "userId": "somebody", "anonymousId": "laptop", "event": "by laptop, out" }),
        event("by address, out", "properties", &json!({ "email": "ADA@example.com" })),
        event("by number, out", "properties", &json!({ "phone": "+44 20 79460000" })),
        json!({ "anonymousId": "device", "event": "a stranger, in" }),
    ] {
        door.ok("track", event).await?;
    }
    let wanted = ["a stranger, in"];
    assert_eq!(names(&wait_for(&world, "web", &wanted).await?), wanted.into_iter().collect());
    Ok(())
}

async fn answers_say_so_by_address_and_by_hash(api: &Api) -> Result<()> {
    let whom = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let check = json!({ "sourceId": "web", "subjects": [
        whom("EMAIL", "ADA@example.com"), whom("EMAIL", ADA), whom("EMAIL", "eve@example.com"),
        whom("PHONE", "+44 20 79460000"), whom("USER_ID", "ada@example.com")] });
    let checked = api.post("/suppressions/check", &check).await?;
    assert_eq!(checked["data"]["suppressed"], json!([true, true, false, true, false]), "{checked}");
    let listed = api.get("/suppressions").await?["data"]["suppressed"].take();
    assert_eq!(listed, json!([{ "subjectType": "EMAIL", "subjectIds": [ADA] }]), "no address is shown");
    let found =
        api.post("/suppressions/search", &json!({ "subject": whom("EMAIL", "ada@example.com") })).await?;
    assert_eq!(found["data"]["suppressions"].as_array().map(Vec::len), Some(1), "{found}");
    for (body, field) in [
        (json!({ "subjects": [whom("EMAIL", "secret")] }), "subjects[0].id"),
        (json!({ "subjects": [whom("PHONE", "020 secret")] }), "subjects[0].id"),
        (json!({ "subjects": [whom("OBJECT_ID", "secret")] }), "subjects[0].type"),
        (json!({ "subjects": [whom("USER_ID", "u")], "sourceId": "no-source" }), "sourceId"),
    ] {
        let (status, answer) = api.send(Method::POST, "/suppressions/check", Some(&body)).await?;
        let error = &answer["errors"][0];
        ensure!(status == StatusCode::UNPROCESSABLE_ENTITY && error["field"] == field, "{status}: {answer}");
        ensure!(!answer.to_string().contains("secret"), "{answer}");
    }
    Ok(())
}

/// The filter is read by a program of its own.
async fn a_pipeline_enforces_it(api: &Api) -> Result<()> {
    let users: Vec<Value> =
        (0..1_000).map(|n| json!({ "type": "USER_ID", "id": format!("out {n}") })).collect();
    api.post("/suppressions", &json!({ "subjects": users })).await?;
    let path = "/suppressions/filter";
    let (status, headers, filter) = api.download(path, &[]).await?;
    assert_eq!((status, headers.get("link")), (StatusCode::OK, None));
    assert_eq!(headers["lethe-false-positives"], "0.0001");
    assert_eq!(&filter[..8], b"LETHESF1");
    let tag = headers["etag"].to_str()?;
    let (status, _, body) = api.download(path, &[("if-none-match", tag)]).await?;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));

    let out: Vec<String> =
        (0..1_000).map(|n| format!("USER_ID:out {n}")).chain(["EMAIL:Ada@example.com".to_owned()]).collect();
    let others =
        (0..1_000).map(|n| format!("ANONYMOUS_ID:out {n}")).chain(["EMAIL:eve@example.com".to_owned()]);
    let others: Vec<String> = others.collect();
    let held = holds(&filter, &[&out[..], &others].concat())?;
    assert!(held.starts_with(&out) && held.len() <= out.len() + 3, "{} of {}", held.len(), out.len());
    let (_, _, at_web) = api.download("/suppressions/filter?sourceId=web", &[]).await?;
    assert_eq!(holds(&at_web, &["PHONE:+44 20 7946 0000".to_owned(), out[0].clone()])?.len(), 1);

    api.post("/suppressions/lift", &json!({ "subjects": users })).await?;
    let (status, _, body) = api.download(path, &[("if-none-match", tag)]).await?;
    assert_eq!((status, body.len()), (StatusCode::OK, 16 + 32), "one is left");
    Ok(())
}

fn holds(filter: &[u8], names: &[String]) -> Result<Vec<String>> {
    let file = std::env::temp_dir().join(format!("suppression-filter-{}", std::process::id()));
    std::fs::write(&file, filter)?;
    let mut program = Command::new(root().join(".venv/bin/python"))
        .arg(root().join("functions/intake/examples/suppression_filter.py"))
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    program.stdin.take().context("no stdin")?.write_all(names.join("\n").as_bytes())?;
    let said = program.wait_with_output()?;
    std::fs::remove_file(&file)?;
    ensure!(said.status.success(), "the program failed");
    Ok(String::from_utf8(said.stdout)?.lines().map(str::to_owned).collect())
}
