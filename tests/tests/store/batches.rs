//! Batches, the lines of them that name nobody, and whose batch a content is.

use anyhow::Result;
use model::batch::{Batch, Refusal};
use model::failure::FailureKind;
use model::id::BatchId;
use serde_json::json;

use store::REFUSALS_PER_ITEM;

use crate::{Fixture, at, of, twice};

fn batch(id: &BatchId, status: &str) -> Result<Batch> {
    of(json!({ "id": id, "status": status, "sender": "AIDA", "messageId": "m", "createdAt": at(0) }))
}

#[tokio::test]
async fn a_batch_that_is_accepted_stays_so() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let id = BatchId::new();
    let (running, accepted) = (batch(&id, "RUNNING")?, batch(&id, "ACCEPTED")?);
    twice(async || store.save_batch(&running).await).await?;
    twice(async || store.save_batch(&accepted).await).await?;
    store.save_batch(&running).await?;
    store.save_batch(&batch(&id, "REFUSED")?).await?;
    assert_eq!(store.batch(&id).await?, Some(accepted.clone()));
    assert_eq!(store.batches(10, None).await?.items, [accepted]);
    Ok(())
}

#[tokio::test]
async fn refused_lines_are_read_page_by_page_across_items() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let id = BatchId::new();
    let refusals: Vec<_> = (1..=2_000).map(|line| Refusal { line, reason: "is empty".into() }).collect();
    for (number, part) in refusals.chunks(REFUSALS_PER_ITEM).enumerate() {
        twice(async || store.keep_refusals(&id, number, part.to_vec()).await).await?;
    }
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let page = store.refusals(&id, 1_000, from.as_deref()).await?;
        all.extend(page.items);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(all, refusals);
    let refused = store.refusals(&id, 1, Some("made up")).await.expect_err("never given out");
    assert_eq!(refused.kind, FailureKind::Invalid);
    Ok(())
}

#[tokio::test]
async fn a_content_is_claimed_by_one_batch() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (one, other, third) = (BatchId::new(), BatchId::new(), BatchId::new());
    let claimed = twice(async || store.claim_content("hash", &one, None, at(0)).await).await?;
    assert_eq!(claimed, (one.clone(), one.clone()));
    assert_eq!(store.claim_content("hash", &other, None, at(0)).await?, one);
    assert_eq!(store.claim_content("hash", &other, Some(&third), at(0)).await?, one, "it is not the third's");
    let replaced = twice(async || store.claim_content("hash", &other, Some(&one), at(0)).await).await?;
    assert_eq!(replaced, (other.clone(), other.clone()));
    assert_eq!(store.claim_content("hash", &one, None, at(0)).await?, other);
    Ok(())
}
