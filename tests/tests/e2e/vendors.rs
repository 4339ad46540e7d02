//! Cloud destinations: each is asked in its vendor's way and followed to the end that its vendor tells, however
//! many ask at once and whatever happens to it on the way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, destinations};
use tests::scenario::{LIMIT, task};
use tests::vendors::amplitude::AMPLITUDE;
use tests::vendors::intercom::INTERCOM;
use tests::vendors::iterable::ITERABLE;
use tests::vendors::{Fake, Fault};
use tests::warehouse::fill;
use tests::world::World;

#[tokio::test]
async fn each_vendor_is_followed_to_its_own_end() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let fakes = [Fake::start(&AMPLITUDE)?, Fake::start(&INTERCOM)?, Fake::start(&ITERABLE)?];
    let users = ["u1".to_owned(), "a/b ü".to_owned()];
    for fake in &fakes {
        fake.world().users.extend(users.clone());
        let id = api.add_destination(&fake.destination()).await?;
        let found = api.post(&format!("/destinations/{id}/check"), &json!({})).await?;
        assert_eq!(found["data"]["ok"], true, "{found}");
    }
    let contact = json!({ "contact": "privacy@crm.example" });
    api.add_destination(&json!({ "name": "Old CRM", "vendor": "manual", "settings": contact })).await?;

    let regulation = api.erase(&["u1", "a/b ü", "nobody"]).await?;
    let regulation = api.wait(&regulation, LIMIT, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    for (name, status, counts) in [
        ("Amplitude", "CONFIRMED", json!({ "confirmed": 2, "noDataFound": 1 })),
        ("Intercom", "ACCEPTED", json!({ "accepted": 2, "noDataFound": 1 })),
        ("Iterable", "CONFIRMED", json!({ "confirmed": 2, "noDataFound": 1 })),
        ("Old CRM", "NOT_SUPPORTED", json!({ "notSupported": 3 })),
    ] {
        assert_eq!(task(&regulation, name).0, status, "{name}: {regulation:#}");
        let tasks = destinations(&regulation);
        let told = tasks.iter().find(|task| task["name"] == name).context(name)?;
        assert_eq!(told["evidence"]["forward"]["counts"], counts, "{name}");
    }
    assert!(task(&regulation, "Old CRM").1.contains("privacy@crm.example"), "{regulation:#}");
    assert!(fakes.iter().all(|fake| fake.world().users.is_empty()));
    Ok(())
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
    until(api, &id, "Intercom", "500").await?;
    api.send(Method::DELETE, &disabled, None).await?;
    until(api, &id, "Intercom", "disabled").await?;
    until(api, &id, "Amplitude", "401").await?;
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
    assert_eq!((status.as_u16(), wrong["errors"][0]["field"].as_str()), (422, Some("settings")), "{wrong}");

    let ended = api.wait(&id, LIMIT, |_| ()).await?;
    assert_eq!(ended["overallStatus"], "FINISHED", "{ended:#}");
    assert_eq!(task(&ended, "Amplitude").0, "CONFIRMED");
    assert_eq!(task(&ended, "Intercom").0, "ACCEPTED");
    Ok(())
}

/// Waits until a task says something.
async fn until(api: &Api, id: &str, name: &str, said: &str) -> Result<()> {
    let end = Instant::now() + LIMIT;
    loop {
        let (_, message) = task(&api.regulation(id).await?, name);
        if message.contains(said) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{name} never said {said}, but {message}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

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
    let ended = try_join_all(ids.await?.iter().map(|id| api.wait(id, LIMIT, |_| ()))).await?;
    for regulation in ended {
        assert_eq!(task(&regulation, "Amplitude").0, "CONFIRMED", "{regulation:#}");
    }
    let seen = amplitude.world();
    assert!(seen.users.is_empty());
    assert!(seen.times.len() >= 16, "two requests for each of eight: {}", seen.times.len());
    assert_eq!((seen.too_fast, seen.most_within(Duration::from_secs(1))), (0, 1));
    Ok(())
}
