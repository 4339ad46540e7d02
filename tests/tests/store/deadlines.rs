//! The list of deadlines: who is in it, where, and who leaves it.

use anyhow::{Context, Result};
use jiff::Timestamp;
use model::id::RegulationId;
use model::regulation::{Extension, Regulation, RegulationType};
use model::status::Status;
use model::subject::Subject;
use serde_json::json;
use store::{Order, RegulationFilter, Store};

use crate::regulations::regulation;
use crate::{Fixture, at, of, twice};

/// Stores a regulation that is due at this minute.
async fn due_at(store: &Store, minute: i64) -> Result<Regulation> {
    let made = regulation("DELETE_ONLY", "INITIALIZED")?;
    let mut json = serde_json::to_value(&made)?;
    let fields = json.as_object_mut().context("an object")?;
    let clock = json!({ "receivedAt": at(0), "law": "OTHER", "dueInDays": 3, "dueAt": at(minute) });
    fields.extend(clock.as_object().context("an object")?.clone());
    let made: Regulation = of(json)?;
    twice(async || store.create(&made, vec![Subject::user("u1")], &[], None).await).await?;
    Ok(made)
}

/// The list, in pages of one.
async fn listed(store: &Store, filter: &RegulationFilter) -> Result<Vec<RegulationId>> {
    let (mut ids, mut from) = (Vec::new(), None);
    loop {
        let page = store.regulations(filter, 1, from.as_deref()).await?;
        assert!(page.items.len() <= 1);
        ids.extend(page.items.into_iter().map(|one| one.id));
        from = page.next;
        if from.is_none() {
            return Ok(ids);
        }
    }
}

fn urgent() -> RegulationFilter {
    RegulationFilter { order: Order::MostUrgent, ..RegulationFilter::default() }
}

#[tokio::test]
async fn the_most_urgent_comes_first_and_what_has_no_clock_not_at_all() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let old = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&old, vec![Subject::user("u1")], &[], None).await?;
    let (second, first, third) =
        (due_at(&store, 20).await?, due_at(&store, 10).await?, due_at(&store, 30).await?);
    let all = [&first, &second, &third].map(|one| one.id.clone());
    assert_eq!(listed(&store, &urgent()).await?, all);
    assert_eq!(store.regulation(&first.id).await?, Some(first.clone()), "read as it was written");
    let filter = RegulationFilter { status: Some(Status::Running), ..urgent() };
    store.begin_regulation(&third.id).await?;
    assert_eq!(listed(&store, &filter).await?, std::slice::from_ref(&third.id));
    let filter = RegulationFilter { types: vec![RegulationType::SuppressOnly], ..urgent() };
    assert!(listed(&store, &filter).await?.is_empty());
    let made = |since, until| RegulationFilter { since, until, ..urgent() };
    assert_eq!(listed(&store, &made(Some(at(0)), Some(at(1)))).await?.len(), 3);
    assert!(listed(&store, &made(Some(at(1)), None)).await?.is_empty());
    // By which place a page begins that was cut short.
    let (place, newest) = (urgent().cursor_after(&first), RegulationFilter::default());
    let after = store.regulations(&urgent(), 9, place.as_deref()).await?;
    assert_eq!(after.items.into_iter().map(|one| one.id).collect::<Vec<_>>(), all[1..]);
    let other = store.regulations(&newest, 9, place.as_deref()).await;
    assert_eq!(other.expect_err("of another list").field, Some("pagination.cursor"));

    assert_eq!(store.deadlines(at(30)).await?, [at(10), at(20)]);
    assert_eq!(listed(&store, &newest).await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn who_is_honoured_or_withdrawn_leaves_the_list_and_who_failed_stays_for_as_long_as_it_can_be_retried()
-> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (honoured, withdrawn, failed) =
        (due_at(&store, 10).await?, due_at(&store, 20).await?, due_at(&store, 30).await?);
    for one in [&honoured, &failed] {
        store.begin_regulation(&one.id).await?;
    }
    twice(async || store.end_attempt(&honoured, Status::Finished, at(2)).await).await?;
    assert!(store.withdraw(&withdrawn, "tok_of_ada", at(3)).await?);
    let gone = store.regulation(&withdrawn.id).await?.context("stored")?;
    let by = gone.cancelled.clone().map(|one| (one.cancelled_by, one.cancelled_at));
    assert_eq!(by, Some(("tok_of_ada".to_owned(), at(3))));
    twice(async || store.end_attempt(&failed, Status::PartialSuccess, at(2)).await).await?;
    assert_eq!(listed(&store, &urgent()).await?, std::slice::from_ref(&failed.id));

    let half = store.regulation(&failed.id).await?.context("stored")?;
    store.begin_attempt(&half, at(4)).await?;
    assert_eq!(listed(&store, &urgent()).await?, std::slice::from_ref(&failed.id), "it is under way again");
    let again = store.regulation(&failed.id).await?.context("stored")?;
    store.end_attempt(&again, Status::Failed, at(5)).await?;
    store.note_due(&failed.id, at(5)).await?;
    store.drop_due(at(61 * 24 * 60)).await?;
    assert!(listed(&store, &urgent()).await?.is_empty(), "nothing can be retried");
    Ok(())
}

#[tokio::test]
async fn an_extension_is_written_once_and_moves_the_regulation() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (moved, other) = (due_at(&store, 10).await?, due_at(&store, 20).await?);
    let extension = |reason: &str, at: Timestamp| Extension {
        at,
        by: "admin".to_owned(),
        reason: reason.to_owned(),
        due_at: self::at(30),
    };
    let first = extension("vendors", at(1));
    assert_eq!(twice(async || store.extend(&moved.id, &first).await).await?, (true, true));
    assert!(!store.extend(&moved.id, &extension("others", at(2))).await?, "once");
    let kept = store.regulation(&moved.id).await?.and_then(|kept| kept.clock).context("a clock")?;
    assert_eq!((kept.due_at, kept.extension), (at(30), Some(first)));
    assert_eq!(listed(&store, &urgent()).await?, [other.id.clone(), moved.id.clone()]);

    store.begin_regulation(&other.id).await?;
    store.end_attempt(&other, Status::Finished, at(2)).await?;
    assert!(!store.extend(&other.id, &extension("late", at(3))).await?, "it is done");
    assert!(!store.extend(&RegulationId::new(), &extension("none", at(3))).await?);
    assert_eq!(listed(&store, &urgent()).await?, std::slice::from_ref(&moved.id));
    Ok(())
}
