//! Upstream: what a source lets in is sent on to another tracking API, each person's events in order, and nobody's who is
//! suppressed.

use std::collections::BTreeSet;
use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws::event_queue::Message;
use model::tracking::Event;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::ingest::{TrackingClient, wait_for};
use tests::progress::until;
use tests::queue::{redeliver_after, take};
use tests::traces;
use tests::vendors::tracking::{TRACKING, WRITE_KEY};
use tests::vendors::{Fake, Fault};
use tests::world::World;

use crate::idempotence::kill_when;

const USERS: [&str; 3] = ["ada", "bob", "cyd"];

/// A world with a source that sends on to this API.
async fn behind(fake: &Fake) -> Result<(World, TrackingClient)> {
    let world = World::collecting().await?;
    let door = TrackingClient::open(&world, "web").await?;
    let (status, answer) =
        world.stack.api.send(Method::PUT, "/sources/web/upstream", Some(&fake.destination())).await?;
    ensure!(status == StatusCode::OK, "{answer}");
    assert_eq!(answer["data"]["source"]["upstream"], json!({ "url": fake.url, "format": "segment" }));
    // A function that dies takes its messages with it for so long.
    redeliver_after(&world.stack, world.stack.output("UpstreamQueue")?, 5).await?;
    Ok((world, door))
}

fn track(user: &str, name: &str) -> Value {
    json!({ "type": "track", "userId": user, "event": name })
}

/// The names of what arrived, in order; what came twice counts once.
fn arrived(fake: &Fake, user: &str) -> Vec<String> {
    let state = fake.world().state.clone();
    let mut seen = BTreeSet::new();
    let all = state.as_array().into_iter().flatten().filter(|event| event["userId"] == user);
    let new = all.filter(|event| seen.insert(event["messageId"].to_string()));
    new.filter_map(|event| Some(event["event"].as_str()?.to_owned())).collect()
}

async fn wait_until_arrived(fake: &Fake, user: &str, name: &str) -> Result<()> {
    until(async || {
        let names = arrived(fake, user);
        Ok(if names.iter().any(|one| one == name) { Break(()) } else { Continue(names) })
    })
    .await
}

#[tokio::test]
async fn everyones_events_arrive_in_order_through_failures_and_a_crash() -> Result<()> {
    let fake = Fake::start(&TRACKING)?;
    let (world, door) = behind(&fake).await?;
    let gone = json!({ "subjects": [{ "type": "USER_ID", "id": "gone" }] });
    world.stack.api.post("/suppressions", &gone).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    fake.world().faults.extend([Fault::ServerError, Fault::RateLimited(1), Fault::Unauthorized]);
    let name = |number: usize| format!("{number:03}");
    for number in 0..10 {
        let events: Vec<Value> =
            USERS.iter().chain(&["gone"]).map(|user| track(user, &name(number))).collect();
        door.ok("batch", json!({ "batch": events, "sentAt": "2020-01-01T00:00:00Z" })).await?;
    }
    wait_until_arrived(&fake, "ada", "000").await?;

    // Killed while the other side takes its time: it is sent again, and nothing overtakes it.
    fake.world().faults.extend([Fault::Hang(Duration::from_secs(5)); 3]);
    let calls = fake.world().calls;
    for number in 10..20 {
        door.ok("batch", json!({ "batch": USERS.map(|user| track(user, &name(number))) })).await?;
    }
    kill_when("RelayFunction", world.stack.output("UpstreamQueue")?, async || Ok(fake.world().calls > calls))
        .await?;
    fake.world().faults.clear();
    for number in 20..30 {
        door.ok("track", track("ada", &name(number))).await?;
    }
    let wanted = |count: usize| (0..count).map(name).collect::<Vec<_>>();
    wait_until_arrived(&fake, "ada", "029").await?;
    assert_eq!(arrived(&fake, "ada"), wanted(30));
    for user in ["bob", "cyd"] {
        wait_until_arrived(&fake, user, "019").await?;
        assert_eq!(arrived(&fake, user), wanted(20), "{user}");
    }
    assert!(arrived(&fake, "gone").is_empty());
    let event = fake.world().state[0].clone();
    assert!(
        event["receivedAt"].is_null() && event["sentAt"].is_null() && event["timestamp"].is_string(),
        "{event}"
    );
    wait_for(&world, "web", &[name(29)]).await?;
    Ok(())
}

/// Whoever is suppressed while their events wait for the other side is not sent there.
#[tokio::test]
async fn nobody_who_was_suppressed_meanwhile_is_sent_on() -> Result<()> {
    let fake = Fake::start(&TRACKING)?;
    let (world, door) = behind(&fake).await?;
    fake.world().faults.extend([Fault::ServerError; 1_000]);
    let people = [track("late", "waits"), track("ada", "waits")];
    door.ok("batch", json!({ "batch": people })).await?;
    until(async || {
        let calls = fake.world().calls;
        Ok(if calls > 0 { Break(()) } else { Continue(calls) })
    })
    .await?;
    world.stack.api.wait(&world.stack.api.erase(&["late"]).await?, |_| ()).await?;
    fake.world().faults.clear();
    wait_until_arrived(&fake, "ada", "waits").await?;
    let late = json!({ "subjects": [{ "type": "USER_ID", "id": "late" }] });
    world.stack.api.post("/suppressions/lift", &late).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    door.ok("track", track("late", "back")).await?;
    wait_until_arrived(&fake, "late", "back").await?;
    assert_eq!(arrived(&fake, "late"), ["back"]);
    Ok(())
}

/// A request that is on its way when somebody is erased arrives before anything is erased, and never behind it.
#[tokio::test]
async fn an_erasure_waits_for_what_is_on_its_way() -> Result<()> {
    let fake = Fake::start(&TRACKING)?;
    let (world, door) = behind(&fake).await?;
    fake.world().faults.push_back(Fault::Late(Duration::from_secs(9)));
    door.ok("track", track("late", "on its way")).await?;
    until(async || Ok(if fake.world().calls > 0 { Break(()) } else { Continue("nothing is on its way") }))
        .await?;
    world.stack.api.wait(&world.stack.api.erase(&["late"]).await?, |_| ()).await?;
    assert_eq!(arrived(&fake, "late"), ["on its way"]);
    Ok(())
}

#[tokio::test]
async fn what_is_refused_is_a_dead_letter_and_holds_up_nobody() -> Result<()> {
    let fake = Fake::start(&TRACKING)?;
    let (world, door) = behind(&fake).await?;
    let names = ["1", "2", "bad", "3", "4"];
    door.ok("batch", json!({ "batch": names.map(|name| track("ada", name)) })).await?;
    wait_until_arrived(&fake, "ada", "4").await?;
    assert_eq!(arrived(&fake, "ada"), ["1", "2", "3", "4"]);
    assert_eq!(dead(&world, "answered 400").await?, ["bad"]);

    fake.world().state = "moved".into();
    let more = ["5", "6"].map(|name| track("ada", name));
    door.ok("batch", json!({ "batch": more })).await?;
    assert_eq!(dead(&world, "moved to elsewhere.example.com").await?, ["5", "6"]);

    // Turned off, a source sends nothing on; its secret was never in a table, an answer or a log.
    fake.world().state = Value::Null;
    let (status, left) = world.stack.api.send(Method::DELETE, "/sources/web/upstream", None).await?;
    assert!(status == StatusCode::OK && left["data"]["source"]["upstream"].is_null(), "{left}");
    let calls = fake.world().calls;
    tokio::time::sleep(Duration::from_secs(5)).await;
    door.ok("track", track("ada", "7")).await?;
    wait_for(&world, "web", &["7"]).await?;
    assert_eq!(fake.world().calls, calls);
    for trace in traces::everything(&world).await? {
        ensure!(!trace.text.contains(WRITE_KEY), "{} holds the secret", trace.place);
    }
    Ok(())
}

/// The names of the events in the next dead letter.
async fn dead(world: &World, reason: &str) -> Result<Vec<String>> {
    let letter = take(&world.stack, "UpstreamDeadLetters").await?;
    let said = letter["MessageAttributes"]["Reason"]["StringValue"].as_str().unwrap_or_default();
    ensure!(said.contains(reason), "{letter}");
    let (source, events) = Message::read(letter["Body"].as_str().context("a body")?)?;
    assert_eq!(source.as_str(), "web");
    let name = |event: &Event| -> Result<String> {
        let event: Value = serde_json::from_slice(&event.line)?;
        Ok(event["event"].as_str().context("a name")?.to_owned())
    };
    events.iter().map(name).collect()
}

#[tokio::test]
async fn a_source_without_an_archive_may_stand_before_another_api() -> Result<()> {
    let fake = Fake::start(&TRACKING)?;
    let (world, door) = behind(&fake).await?;
    let api = &world.stack.api;
    let made = api.post("/sources", &json!({ "name": "Front", "id": "front", "connections": [] })).await?;
    let front = door.with_key(made["data"]["writeKey"].as_str().context("no write key")?);
    assert_eq!(
        front.send("track", &track("ada", "early").to_string()).await?.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    for (url, secret, field) in [
        ("https://127.0.0.1/", "hook-secret", "url"),
        ("https://hooks.internal/", "hook-secret", "url"),
        ("https://u:p@example.com/", "hook-secret", "url"),
        ("file:///etc/passwd", "hook-secret", "url"),
        ("https://example.com/", "hook-secret\n", "secret"),
    ] {
        let body = json!({ "url": url, "format": "webhook", "secret": secret });
        let (status, answer) = api.send(Method::PUT, "/sources/front/upstream", Some(&body)).await?;
        let error = &answer["errors"][0];
        assert_eq!(
            (status, error["field"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some(field)),
            "{answer}"
        );
        assert!(
            !answer.to_string().contains("hook-secret") && !answer.to_string().contains("127.0.0.1"),
            "{answer}"
        );
    }
    let connect = json!({ "name": "connects", "scopes": ["destinations:write"] });
    let (_, connecting) = api.new_token(&connect).await?;
    let body = fake.destination();
    assert_eq!(
        connecting.send(Method::PUT, "/sources/front/upstream", Some(&body)).await?.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(api.send(Method::PUT, "/sources/front/upstream", Some(&body)).await?.0, StatusCode::OK);
    until(async || {
        let (status, _) = front.send("track", &track("ada", "now").to_string()).await?;
        Ok(if status == StatusCode::OK { Break(()) } else { Continue(status) })
    })
    .await?;
    wait_until_arrived(&fake, "ada", "now").await
}
