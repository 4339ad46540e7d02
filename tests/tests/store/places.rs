//! Sources, destinations, and the slots of time for calls with one credential.

use anyhow::{Context, Result};
use model::destination::Destination;
use model::failure::FailureKind;
use model::id::{DestinationId, WriteKeyId};
use model::source::{KeyHash, Source};
use serde_json::json;
use store::Slots;

use crate::{Fixture, at, of, twice};

fn source(keys: &[&str]) -> Result<Source> {
    let kept = |key: &&str| json!({ "id": WriteKeyId::new(), "hash": KeyHash::of(key).as_str(), "createdAt": at(0) });
    let keys: Vec<_> = keys.iter().map(kept).collect();
    of(
        json!({ "id": "web", "name": "Web", "writeKeys": keys, "connections": [], "createdAt": at(0), "revision": 0 }),
    )
}

#[tokio::test]
async fn a_source_is_made_once_and_its_keys_lead_to_it() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let made = source(&["one"])?;
    store.create_source(&made).await?;
    let refused = store.create_source(&source(&["two"])?).await.expect_err("the id is taken");
    assert_eq!((refused.kind, refused.field), (FailureKind::Invalid, Some("id")));
    assert_eq!(store.sources().await?, std::slice::from_ref(&made));
    assert_eq!(store.source_of(&KeyHash::of("one")).await?, Some(made));
    assert_eq!(store.source_of(&KeyHash::of("two")).await?, None, "all or nothing");
    Ok(())
}

#[tokio::test]
async fn of_two_changes_of_a_source_at_once_one_is_refused() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let made = source(&["one"])?;
    store.create_source(&made).await?;
    let rotated = Source { write_keys: source(&["two"])?.write_keys, ..made.clone() };
    let kept = store.change_source(&made, rotated.clone()).await?;
    assert_eq!(kept, Source { revision: 1, ..rotated.clone() });
    assert_eq!(store.source_of(&KeyHash::of("one")).await?, None, "the key that went leads nowhere");
    assert_eq!(store.source_of(&KeyHash::of("two")).await?, Some(kept.clone()));
    let refused = store.change_source(&made, rotated).await.expect_err("it was changed since");
    assert_eq!(refused.kind, FailureKind::Invalid);
    assert_eq!(store.source(&made.id).await?, Some(kept));
    Ok(())
}

#[tokio::test]
async fn of_two_changes_of_a_destination_at_once_one_is_refused() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let kept: Destination = of(
        json!({ "id": DestinationId::new(), "name": "Archive", "vendor": "s3", "kind": "ARCHIVE",
                                       "settings": { "bucket": "b", "maxShare": 0.5 }, "enabledFrom": at(0) }),
    )?;
    store.save_destination(&kept).await?;
    let mut disabled = kept.clone();
    disabled.disable(at(5));
    assert!(store.change_destination(&kept, &disabled).await?);
    let renamed = Destination { name: "Renamed".to_owned(), ..kept.clone() };
    assert!(!store.change_destination(&kept, &renamed).await?, "it was disabled since");
    assert_eq!(store.destination(&kept.id).await?, disabled);
    Ok(())
}

#[tokio::test]
async fn destinations_are_listed_without_the_slots_beside_them() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let kept: Destination =
        of(json!({ "id": DestinationId::new(), "name": "Braze", "vendor": "braze", "kind": "CLOUD",
                                       "settings": {}, "enabledFrom": at(0) }))?;
    twice(async || store.save_destination(&kept).await).await?;
    store.hold_slots("credential", 5).await?;
    assert_eq!(store.destinations().await?, std::slice::from_ref(&kept));
    assert_eq!(store.destination(&kept.id).await?, kept);
    assert_eq!(store.find_destination(&DestinationId::new()).await?, None);
    Ok(())
}

#[tokio::test]
async fn slots_are_reserved_one_behind_the_other_up_to_the_horizon() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let reserve = async |now| store.reserve_slots("credential", now, 10, now + 15).await;
    assert_eq!(twice(async || reserve(100).await).await?, (Slots::From(100), Slots::From(110)));
    assert_eq!(reserve(100).await?, Slots::NotBefore(120), "behind the horizon");
    assert_eq!(reserve(105).await?, Slots::From(120));
    assert_eq!(reserve(200).await?, Slots::From(200), "nobody waits any more");
    assert_eq!(store.reserve_slots("another", 100, 10, 115).await?, Slots::From(100));
    twice(async || store.hold_slots("credential", 500).await).await?;
    store.hold_slots("credential", 300).await?;
    assert_eq!(reserve(201).await?, Slots::NotBefore(500), "a shorter hold takes nothing back");
    Ok(())
}

#[tokio::test]
async fn slots_that_many_reserve_at_once_never_overlap() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let all = (0..20).map(|_| store.reserve_slots("credential", 100, 10, 1_000));
    let mut from = Vec::new();
    for slots in futures::future::try_join_all(all).await? {
        let Slots::From(at) = slots else { continue };
        from.push(at);
    }
    from.sort_unstable();
    assert_eq!(from, (0..20).map(|n| 100 + 10 * n).collect::<Vec<_>>());
    from.last().context("twenty").map(drop)
}
