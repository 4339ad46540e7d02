//! Cloud destinations: each is asked in its vendor's way and followed to the end that its vendor tells, however
//! many ask at once.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use serde_json::json;
use tests::scenario::{LIMIT, task};
use tests::vendors::Fake;
use tests::vendors::amplitude::AMPLITUDE;
use tests::warehouse::fill;
use tests::world::World;

#[tokio::test]
async fn each_vendor_is_followed_to_its_own_end() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let amplitude = Fake::start(&AMPLITUDE)?;
    amplitude.world().users.extend(["u1".to_owned(), "u2".to_owned()]);
    api.add_destination(&amplitude.destination()).await?;
    let contact = json!({ "contact": "privacy@crm.example" });
    api.add_destination(&json!({ "name": "Old CRM", "vendor": "manual", "settings": contact })).await?;

    let regulation = api.erase(&["u1", "u2", "nobody"]).await?;
    let regulation = api.wait(&regulation, LIMIT, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    assert_eq!(task(&regulation, "Amplitude").0, "CONFIRMED", "{regulation:#}");
    let (status, message) = task(&regulation, "Old CRM");
    assert_eq!(status, "NOT_SUPPORTED");
    assert!(message.contains("privacy@crm.example"), "{message}");
    assert!(amplitude.world().users.is_empty());
    let tasks = tests::api::destinations(&regulation);
    let told = tasks.iter().find(|task| task["name"] == "Amplitude").context("Amplitude's task")?;
    assert_eq!(told["evidence"]["forward"]["counts"], json!({ "confirmed": 2, "noDataFound": 1 }));
    Ok(())
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
