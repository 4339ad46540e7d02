//! Tokens, answers kept for requests that are repeated, and the audit trail.

use anyhow::{Context, Result};
use jiff::Timestamp;
use model::failure::FailureKind;
use model::id::{RegulationId, TokenId, TrailId};
use model::token::Token;
use model::trail::TrailEntry;
use serde_json::json;
use store::{Answer, Claim, TrailFilter};

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
    let first = store.trail(&TrailFilter::default(), 1, None).await?;
    assert_eq!(first.items, [later], "the newest first");
    let rest = store.trail(&TrailFilter::default(), 1, first.next.as_deref()).await?;
    assert_eq!(rest.items, [ended]);
    let refused =
        store.trail(&TrailFilter::default(), 1, Some("made up")).await.expect_err("never given out");
    assert_eq!((refused.kind, refused.field), (FailureKind::Invalid, Some("pagination.cursor")));
    Ok(())
}

#[tokio::test]
async fn a_filtered_trail_neither_skips_nor_repeats() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    // Every second entry is a caller's, and of these every second one is about the same object, or made a part of it.
    let object = RegulationId::new().to_string();
    let mut mine = Vec::new();
    for number in 0..12_u64 {
        let entry: TrailEntry = of(json!({
            "id": format!("aud_{:032x}", number), "at": at(0), "caller": if number % 2 == 0 { "one" } else { "two" },
            "callerName": "ci", "action": if number % 3 == 0 { "POST /regulations" } else { "POST /suppressions/lift" },
        }))?;
        store.write_trail(&entry).await?;
        // One broke off.
        let ended = TrailEntry {
            status: (number != 4).then_some(200),
            object: (number % 4 == 0 && number != 4).then(|| object.clone()),
            part: (number == 2).then(|| object.clone()),
            dry_run: number == 6,
            ..entry
        };
        store.write_trail(&ended).await?;
        if ended.caller == "one" {
            mine.insert(0, ended);
        }
    }
    let pages = async |filter: TrailFilter, count: i32| {
        let (mut all, mut from) = (Vec::new(), None::<String>);
        loop {
            let page = store.trail(&filter, count, from.as_deref()).await?;
            assert!(page.items.len() <= usize::try_from(count)?);
            all.extend(page.items);
            from = page.next;
            if from.is_none() {
                return anyhow::Ok(all);
            }
        }
    };
    let caller = TrailFilter { caller: Some("one".into()), ..TrailFilter::default() };
    for count in 1..=7 {
        assert_eq!(pages(caller.clone(), count).await?, mine, "{count} on a page");
        assert_eq!(pages(TrailFilter::default(), count).await?.len(), 12, "{count} on a page");
    }
    let lifted = TrailFilter { action: Some("POST /suppressions/lift".into()), ..caller.clone() };
    assert_eq!(pages(lifted, 2).await?.len(), 4);
    let about = TrailFilter { object: Some(object), ..TrailFilter::default() };
    assert_eq!(pages(about.clone(), 1).await?.len(), 3, "two about it, one that made it as a part");
    let never = TrailFilter { until: Some(Timestamp::UNIX_EPOCH), ..about };
    assert!(pages(never, 1).await?.is_empty());
    Ok(())
}
