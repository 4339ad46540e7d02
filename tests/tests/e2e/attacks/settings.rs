//! Attacks by a token that may connect and change destinations, and nothing else.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::destinations::archive;
use tests::world::{Options, World};

async fn id_of(world: &World, name: &str) -> Result<String> {
    let list = world.stack.api.get("/destinations").await?;
    let all = list["data"]["destinations"].as_array().context("destinations")?;
    let found = all.iter().find(|destination| destination["name"] == name).context("none of this name")?;
    Ok(found["id"].as_str().context("an id")?.to_owned())
}

/// A run that would remove much waits for an administrator: a setting is no way round.
#[tokio::test]
async fn who_may_change_destinations_cannot_lift_the_guard_of_an_archive() -> Result<()> {
    let world = World::with(Options { max_share: Some(0.5), ..Options::default() }).await?;
    let scopes = json!({ "name": "Connects", "scopes": ["destinations:write"] });
    let (_, limited) = world.stack.api.new_token(&scopes).await?;
    let path = format!("/destinations/{}", id_of(&world, "Events archive").await?);
    let share = |share: Value| json!({ "settings": { "maxShare": share } });
    for (change, expected) in [(json!(0.6), 403), (json!(0.5), 200), (json!(0.2), 200), (json!(0.3), 403)] {
        let (status, answer) = limited.send(Method::PATCH, &path, Some(&share(change))).await?;
        assert_eq!(status.as_u16(), expected, "{answer}");
    }
    let (status, answer) =
        limited.send(Method::POST, "/destinations", Some(&archive(&world.bucket, 1.0))).await?;
    assert_eq!(
        (status.as_u16(), &answer["errors"][0]["field"]),
        (403, &json!("settings.maxShare")),
        "{answer}"
    );
    let (status, answer) = world.stack.api.send(Method::PATCH, &path, Some(&share(json!(0.6)))).await?;
    assert!(status.is_success(), "an administrator may: {answer}");
    Ok(())
}

/// What was answered with 200 is done, however many change the same destination at that moment.
#[tokio::test]
async fn a_destination_that_was_disabled_stays_disabled_whoever_renames_it_meanwhile() -> Result<()> {
    let world = World::new().await?;
    let path = format!("/destinations/{}", id_of(&world, "Braze").await?);
    let (api, rename) = (&world.stack.api, json!({ "name": "Renamed" }));
    for _ in 0..4 {
        let renames = try_join_all((0..6).map(|_| api.send(Method::PATCH, &path, Some(&rename))));
        let (disabled, renamed) = tokio::try_join!(api.send(Method::DELETE, &path, None), renames)?;
        for (status, answer) in renamed {
            assert!([200, 422].contains(&status.as_u16()), "{answer}");
        }
        assert!([200, 503].contains(&disabled.0.as_u16()), "{}", disabled.1);
        let now = api.get(&path).await?;
        let is_disabled = now["data"]["destination"]["enabledUntil"].is_string();
        assert_eq!(is_disabled, disabled.0.as_u16() == 200, "{now}");
        api.send(Method::PATCH, &path, Some(&json!({ "enabled": true }))).await?;
    }
    Ok(())
}
