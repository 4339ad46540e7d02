//! The log of certificates.

use anyhow::{Context, Result};
use futures::future::join_all;
use model::certificate::Jwk;
use model::failure::FailureKind;
use model::log::{Hash, LogHead, consistency, path};
use serde_json::json;
use store::SignedHead;

use crate::{Fixture, of, twice};

fn leaf(number: u64) -> Hash {
    Hash::leaf(&format!("certificate {number}"))
}

#[tokio::test]
async fn certificates_that_are_sealed_at_once_are_logged_once_each() -> Result<()> {
    const ALL: u64 = 13;
    let Fixture { store, .. } = Fixture::new().await?;
    assert_eq!(store.log_head().await?, LogHead::default());
    let log = async |number: u64| {
        let jti = format!("reg_{number}-1");
        twice(async || store.log_certificate(&jti, leaf(number)).await).await
    };
    let mut places = join_all((0..ALL).map(log)).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert!(places.iter().all(|(first, second)| first == second), "the place stands");
    places.sort_unstable();
    assert_eq!(places, (0..ALL).map(|place| (place, place)).collect::<Vec<_>>());

    let refused = store.log_certificate("reg_3-1", leaf(99)).await;
    assert_eq!(
        refused.map_err(|failure| failure.kind),
        Err(FailureKind::Permanent),
        "another of the same id"
    );
    let entries = store.log_entries(0, 100).await?;
    let mut head = LogHead::default();
    entries.iter().for_each(|entry| drop(head.append(entry.leaf)));
    assert_eq!(store.log_head().await?, head);
    assert_eq!(store.log_entries(10, 2).await?, entries[10..12]);
    assert_eq!(store.log_entry(&entries[4].jti).await?.as_ref(), Some(&entries[4]));
    assert_eq!(store.log_entry("reg_99-1").await?, None);

    // All subtrees that a proof needs are there.
    for index in 0..ALL {
        assert_eq!(store.log_hashes(path(index, ALL)).await?.len(), path(index, ALL).len());
        store.log_hashes(consistency(index + 1, ALL)).await?;
    }
    let beyond = store.log_hashes(path(ALL, ALL + 4)).await;
    assert_eq!(beyond.map_err(|failure| failure.kind), Err(FailureKind::Permanent));
    Ok(())
}

#[tokio::test]
async fn the_last_signed_head_and_every_key_are_kept() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    assert_eq!(store.signed_head().await?, None);
    let head = |size: u64| SignedHead { size, head: format!("head of {size}") };
    twice(async || store.keep_signed_head(&head(2)).await).await?;
    store.keep_signed_head(&head(1)).await?;
    assert_eq!(store.signed_head().await?.context("a head")?, head(2), "a slower one changes nothing");

    let key = |kid: &str| -> Result<Jwk> {
        of(
            json!({ "kid": kid, "kty": "EC", "crv": "P-256", "x": "x", "y": "y", "use": "sig", "alg": "ES256" }),
        )
    };
    let (old, new) = (key("a")?, key("b")?);
    twice(async || store.keep_key(&old).await).await?;
    store.keep_key(&new).await?;
    assert_eq!(store.kept_keys().await?, [old, new]);
    Ok(())
}
