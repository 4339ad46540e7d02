//! Tokens, answers kept for requests that are repeated, and the audit trail.

use anyhow::{Context, Result};
use model::failure::FailureKind;
use model::id::{TokenId, TrailId};
use model::token::Token;
use model::trail::TrailEntry;
use serde_json::json;
use store::{Answer, Claim};

use crate::{Fixture, at, of, twice};

fn token() -> Result<Token> {
    of(
        json!({ "id": TokenId::new(), "name": "ci", "scopes": ["audit:read"], "requestOnly": true, "hash": "00",
               "createdAt": at(0) }),
    )
}

#[tokio::test]
async fn a_token_ends_once_and_is_never_made_by_being_used() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let made = token()?;
    for step in [store.use_token(&made.id, at(1)).await, store.revoke_token(&made.id, at(1)).await] {
        step?;
    }
    assert_eq!(store.token(&made.id).await?, None);
    twice(async || store.save_token(&made).await).await?;
    twice(async || store.use_token(&made.id, at(2)).await).await?;
    twice(async || store.revoke_token(&made.id, at(3)).await).await?;
    store.revoke_token(&made.id, at(4)).await?;
    let kept = store.token(&made.id).await?.context("a token")?;
    assert_eq!((kept.last_used_at, kept.revoked_at), (Some(at(2)), Some(at(3))));
    assert_eq!(store.tokens().await?, [kept]);
    Ok(())
}

#[tokio::test]
async fn creations_are_counted_by_caller_and_minute() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    assert_eq!(twice(async || store.count("one", 7).await).await?, (1, 2), "each is one more");
    assert_eq!((store.count("two", 7).await?, store.count("one", 8).await?), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_request_is_worked_on_by_one_and_answered_the_same_ever_after() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let Claim::Work(work) = store.claim("key", "body", at(0)).await? else { panic!("nobody has it") };
    assert!(matches!(store.claim("key", "body", at(0)).await?, Claim::Busy));
    assert!(matches!(store.claim("key", "another", at(0)).await?, Claim::Misused));

    // The work broke off: of two who take it up again, one does, and makes the same regulation.
    let claims = tokio::join!(store.claim("key", "body", at(1)), store.claim("key", "body", at(1)));
    let ((Claim::Work(again), Claim::Busy) | (Claim::Busy, Claim::Work(again))) = (claims.0?, claims.1?)
    else {
        panic!("one of them")
    };
    assert_eq!(again.regulation_id, work.regulation_id);

    let answer = || Some(Answer { status: 201, body: Some("made".into()) });
    twice(async || store.settle(again.clone(), answer()).await).await?;
    let (first, second) = twice(async || store.claim("key", "body", at(9)).await).await?;
    for claim in [first, second] {
        assert!(matches!(claim, Claim::Done(Answer { status: 201, body: Some(body) }) if body == "made"));
    }
    assert!(matches!(store.claim("key", "another", at(9)).await?, Claim::Misused));
    Ok(())
}

#[tokio::test]
async fn work_that_is_given_up_is_anybodys_at_once() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let Claim::Work(work) = store.claim("key", "body", at(0)).await? else { panic!("nobody has it") };
    twice(async || store.settle(work.clone(), None).await).await?;
    let Claim::Work(next) = store.claim("key", "body", at(0)).await? else { panic!("it was given up") };
    assert_eq!(next.regulation_id, work.regulation_id);
    Ok(())
}

#[tokio::test]
async fn an_entry_of_the_trail_is_completed_and_not_doubled() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let entry = |status: Option<u16>| -> Result<TrailEntry> {
        of(
            json!({ "id": "aud_0193aeb1c2d37f6f8c1e5a7b9d0e2f41", "at": at(0), "caller": "admin", "callerName": "admin",
                   "action": "POST /tokens", "status": status }),
        )
    };
    store.write_trail(&entry(None)?).await?;
    let ended = entry(Some(201))?;
    twice(async || store.write_trail(&ended).await).await?;
    let later = TrailEntry { id: TrailId::new(), ..ended.clone() };
    store.write_trail(&later).await?;
    let first = store.trail(None, None, 1, None).await?;
    assert_eq!(first.items, [later], "the newest first");
    let rest = store.trail(None, None, 1, first.next.as_deref()).await?;
    assert_eq!(rest.items, [ended]);
    let refused = store.trail(None, None, 1, Some("made up")).await.expect_err("never given out");
    assert_eq!((refused.kind, refused.field), (FailureKind::Invalid, Some("pagination.cursor")));
    Ok(())
}
