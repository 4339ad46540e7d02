//! Cloud destinations: each is asked in its vendor's way and followed to the end that its vendor tells, however
//! many ask at once and whatever happens to it on the way.

use std::ops::ControlFlow::{Break, Continue};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, destinations};
use tests::progress;
use tests::scenario::task;
use tests::vendors::amplitude::AMPLITUDE;
use tests::vendors::intercom::INTERCOM;
use tests::vendors::mailchimp::MAILCHIMP;
use tests::vendors::sendgrid::SENDGRID;
use tests::vendors::{self, Fake, Fault};
use tests::warehouse::fill;
use tests::world::World;

/// How each vendor ends, and what it says of two users whom it knows and one whom it does not.
const ENDS: [(&str, &str, u64, u64); 17] = [
    ("Amplitude", "CONFIRMED", 2, 1),
    ("Amplitude (organization)", "CONFIRMED", 3, 0),
    ("AppsFlyer", "CONFIRMED", 3, 0),
    ("Braze", "ACCEPTED", 3, 0),
    ("CleverTap", "ACCEPTED", 3, 0),
    ("Customer.io", "ACCEPTED", 3, 0),
    ("Google Analytics", "ACCEPTED", 3, 0),
    ("HubSpot", "ACCEPTED", 2, 1),
    ("Intercom", "ACCEPTED", 2, 1),
    ("Iterable", "CONFIRMED", 2, 1),
    ("Klaviyo", "ACCEPTED", 2, 1),
    ("Mixpanel", "CONFIRMED", 3, 0),
    ("OneSignal", "ACCEPTED", 2, 1),
    ("PostHog", "ACCEPTED", 3, 0),
    ("Salesforce", "CONFIRMED", 3, 0),
    ("Webhook", "ACCEPTED", 3, 0),
    ("Zendesk", "CONFIRMED", 2, 1),
];

/// All vendors at once. Each revokes its key and is down for a while after the first call; then one of two people
/// is refused by one vendor, and the other is not touched by it.
#[tokio::test]
async fn each_vendor_is_followed_to_its_own_end_through_a_revoked_key_and_an_outage() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    // The world has a Braze already.
    let others = vendors::ALL.into_iter().filter(|vendor| vendor.name != "braze");
    let fakes = others.map(Fake::start).collect::<Result<Vec<_>>>()?;
    for fake in &fakes {
        let id = api.add_destination(&fake.destination()).await?;
        let found = api.post(&format!("/destinations/{id}/check"), &json!({})).await?;
        assert_eq!(found["data"]["ok"], true, "{found}");
    }
    let contact = json!({ "contact": "privacy@crm.example" });
    api.add_destination(&json!({ "name": "Old CRM", "vendor": "manual", "settings": contact })).await?;
    let fakes: Vec<&Fake> = fakes.iter().chain([&world.braze]).collect();
    for fake in &fakes {
        let mut known = fake.world();
        known.users.extend(["u1", "a/b ü", "u2"].map(str::to_owned));
        known.faults = [Fault::Nothing, Fault::Unauthorized, Fault::ServerError].into();
    }

    let regulation = api.erase(&["u1", "a/b ü", "nobody"]).await?;
    let regulation = api.wait(&regulation, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    for (name, status, some, none) in ENDS {
        assert_eq!(task(&regulation, name).0, status, "{name}: {regulation:#}");
        assert_eq!(counts(&regulation, name), ended(status, some, none), "{name}");
    }
    assert_eq!(counts(&regulation, "Old CRM"), json!({ "notSupported": 3 }));
    let (status, message) = task(&regulation, "Old CRM");
    assert!(status == "NOT_SUPPORTED" && message.contains("privacy@crm.example"), "{regulation:#}");
    for fake in &fakes {
        let mut known = fake.world();
        assert_eq!(known.users.iter().collect::<Vec<_>>(), ["u2"], "{}", fake.url);
        known.faults.clear();
    }

    // Longer than any id at Customer.io: it refuses this one alone.
    let long = "x".repeat(160);
    let regulation = api.erase(&["u2", &long]).await?;
    let regulation = api.wait(&regulation, |_| ()).await?;
    for (name, status, some, none) in ENDS {
        let (status, counted) = match (name, none) {
            ("Customer.io", _) => ("FAILED", json!({ "accepted": 1, "refused": 1 })),
            (_, 0) => (status, ended(status, some - 1, 0)),
            _ => (status, ended(status, 1, 1)),
        };
        assert_eq!(task(&regulation, name).0, status, "{name}: {regulation:#}");
        assert_eq!(counts(&regulation, name), counted, "{name}");
    }
    assert!(task(&regulation, "Customer.io").1.contains("1 of 2 subjects"), "{regulation:#}");
    assert!(fakes.iter().all(|fake| fake.world().users.is_empty()));
    Ok(())
}

/// Mailchimp and SendGrid find people by address. Whoever is given without one is not asked for.
#[tokio::test]
async fn whoever_is_found_by_address_alone_is_not_asked_for_without_one() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let fakes = [Fake::start(&MAILCHIMP)?, Fake::start(&SENDGRID)?];
    for fake in &fakes {
        let id = api.add_destination(&fake.destination()).await?;
        let found = api.post(&format!("/destinations/{id}/check"), &json!({})).await?;
        assert_eq!(found["data"]["ok"], true, "{found}");
        let mut known = fake.world();
        known.users.extend(["ada@example.com", "bob@example.com"].map(str::to_owned));
        known.faults = [Fault::Unauthorized, Fault::ServerError].into();
    }
    let people = json!([{ "userId": "u1", "email": "Ada@example.com" }, { "email": "nobody@example.com" }]);
    let asked = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjects": people });
    let id = api.post("/regulations", &asked).await?["data"]["regulateId"].take();
    let regulation = api.wait(id.as_str().context("no id")?, |_| ()).await?;
    for (name, status, some, none) in [("Mailchimp", "CONFIRMED", 1, 1), ("SendGrid", "ACCEPTED", 2, 0)] {
        assert_eq!(task(&regulation, name).0, status, "{name}: {regulation:#}");
        assert_eq!(counts(&regulation, name), ended(status, some, none), "{name}");
    }
    let calls = || fakes.each_ref().map(|fake| fake.world().calls);
    let before = calls();
    let regulation = api.wait(&api.erase(&["u2"]).await?, |_| ()).await?;
    for name in ["Mailchimp", "SendGrid"] {
        let (status, message) = task(&regulation, name);
        assert!(status == "NO_IDENTIFIER" && message.contains("EMAIL"), "{name}: {regulation:#}");
    }
    assert_eq!(calls(), before);
    for fake in &fakes {
        assert_eq!(fake.world().users.iter().collect::<Vec<_>>(), ["bob@example.com"], "{}", fake.url);
    }
    Ok(())
}

fn counts(regulation: &Value, name: &str) -> Value {
    let task = destinations(regulation).into_iter().find(|task| task["name"] == name);
    task.unwrap_or_default()["evidence"]["forward"]["counts"].take()
}

fn ended(status: &str, some: u64, none: u64) -> Value {
    let outcome = if status == "CONFIRMED" { "confirmed" } else { "accepted" };
    match none {
        0 => json!({ outcome: some }),
        none => json!({ outcome: some, "noDataFound": none }),
    }
}

#[tokio::test]
async fn a_revoked_key_and_a_disabled_destination_are_waited_for() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let (amplitude, intercom) = (Fake::start(&AMPLITUDE)?, Fake::start(&INTERCOM)?);
    let mut revoked = amplitude.destination();
    revoked["secrets"]["secretKey"] = "revoked".into();
    let revoked = format!("/destinations/{}", api.add_destination(&revoked).await?);
    let disabled = format!("/destinations/{}", api.add_destination(&intercom.destination()).await?);
    for fake in [&amplitude, &intercom] {
        fake.world().users.insert("u1".to_owned());
    }
    let found = api.post(&format!("{revoked}/check"), &json!({})).await?;
    assert_eq!(found["data"]["ok"], false, "{found}");
    assert!(found["data"]["message"].as_str().is_some_and(|said| said.contains("401")), "{found}");
    intercom.world().faults.push_back(Fault::ServerError);

    let id = api.erase(&["u1"]).await?;
    wait_for_message(api, &id, "Intercom", "500").await?;
    api.send(Method::DELETE, &disabled, None).await?;
    wait_for_message(api, &id, "Intercom", "disabled").await?;
    wait_for_message(api, &id, "Amplitude", "401").await?;
    assert_eq!(api.regulation(&id).await?["overallStatus"], "RUNNING");

    let kept = api.get(&disabled).await?;
    assert!(kept["data"]["destination"]["enabledUntil"].is_string(), "{kept}");
    let change = async |path: &str, change: Value| api.send(Method::PATCH, path, Some(&change)).await;
    let (_, enabled) = change(&disabled, json!({ "enabled": true })).await?;
    assert_eq!(
        enabled["data"]["destination"]["enabledEarlier"].as_array().map(Vec::len),
        Some(1),
        "{enabled}"
    );
    let (status, set) =
        change(&revoked, json!({ "secrets": { "apiKey": "key", "secretKey": "secret" } })).await?;
    ensure!(status.is_success() && !set.to_string().contains("secretKey"), "{set}");
    let (status, wrong) = change(&revoked, json!({ "settings": { "region": "mars" } })).await?;
    assert_eq!(
        (status.as_u16(), wrong["errors"][0]["field"].as_str()),
        (422, Some("settings.region")),
        "{wrong}"
    );

    let ended = api.wait(&id, |_| ()).await?;
    assert_eq!(ended["overallStatus"], "FINISHED", "{ended:#}");
    assert_eq!(task(&ended, "Amplitude").0, "CONFIRMED");
    assert_eq!(task(&ended, "Intercom").0, "ACCEPTED");
    loses_its_secrets(&world, &disabled).await
}

/// Half a year after a destination was disabled, its secrets are deleted, and it is enabled only with new ones.
async fn loses_its_secrets(world: &World, path: &str) -> Result<()> {
    let (api, aws) = (&world.stack.api, world.stack.aws);
    api.send(Method::DELETE, path, None).await?;
    let id = path.strip_prefix("/destinations/").context("an id")?;
    let secret = json!({ "SecretId": format!("{}/destinations/{id}", world.stack.name) });
    let read = async || aws.call("secretsmanager", "secretsmanager.GetSecretValue", secret.clone()).await;
    world.stack.invoke("audit", &json!({ "action": "sealTrail" })).await?;
    assert!(read().await.is_ok(), "it was disabled a moment ago");

    let long_ago = Timestamp::now() - SignedDuration::from_hours(181 * 24);
    let change = json!({
        "TableName": world.stack.output("DestinationsTable")?,
        "Key": { "pk": { "S": id }, "sk": { "S": "META" } },
        "UpdateExpression": "SET enabledUntil = :long_ago",
        "ExpressionAttributeValues": { ":long_ago": { "S": long_ago.to_string() } },
    });
    aws.call("dynamodb", "DynamoDB_20120810.UpdateItem", change).await?;
    for _ in 0..2 {
        world.stack.invoke("audit", &json!({ "action": "sealTrail" })).await?;
    }
    assert!(read().await.is_err(), "its secrets are still there");

    let (status, refused) = api.send(Method::PATCH, path, Some(&json!({ "enabled": true }))).await?;
    assert_eq!((status.as_u16(), &refused["errors"][0]["field"]), (422, &json!("secrets")), "{refused}");
    let again = json!({ "enabled": true, "secrets": { "accessToken": "token" } });
    let (status, enabled) = api.send(Method::PATCH, path, Some(&again)).await?;
    ensure!(status.is_success(), "{enabled}");
    let found = api.post(&format!("{path}/check"), &json!({})).await?;
    assert_eq!(found["data"]["ok"], true, "{found}");
    Ok(())
}

/// Waits until a task says something.
async fn wait_for_message(api: &Api, id: &str, name: &str, said: &str) -> Result<()> {
    progress::until(async || {
        let (_, message) = task(&api.regulation(id).await?, name);
        Ok(if message.contains(said) { Break(()) } else { Continue(message) })
    })
    .await
}

/// Eight invocations share one credential. That no two slots overlap is a test of the store; a slow machine may hold a call
/// up and press it against the next, so that the rate is judged over all calls.
#[tokio::test]
async fn eight_at_once_never_exceed_one_request_a_second() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let amplitude = Fake::start(&AMPLITUDE)?;
    api.add_destination(&amplitude.destination()).await?;
    let people: Vec<String> = (0..8 * 150).map(|n| format!("u{n}")).collect();
    amplitude.world().users.extend(people.clone());
    let ids = try_join_all(
        people
            .chunks(150)
            .map(async |people| api.erase(&people.iter().map(String::as_str).collect::<Vec<_>>()).await),
    );
    let ended = try_join_all(ids.await?.iter().map(|id| api.wait(id, |_| ()))).await?;
    for regulation in ended {
        assert_eq!(task(&regulation, "Amplitude").0, "CONFIRMED", "{regulation:#}");
    }
    let seen = amplitude.world();
    assert!(seen.users.is_empty());
    assert!(seen.times.len() >= 16, "two requests for each of eight: {}", seen.times.len());
    let (calls, took) = (seen.times.len(), seen.times[seen.times.len() - 1].duration_since(seen.times[0]));
    assert!(took.as_secs_f64() >= 0.8 * (calls - 1) as f64, "{calls} requests within {took:?}");
    Ok(())
}
