//! Whom a regulation is about: kept for as long as they are needed.

use anyhow::Result;
use model::linking::Linked;
use model::status::Status;
use model::subject::{Named, Subject, SubjectType, people};

use crate::regulations::regulation;
use crate::{Fixture, at, twice};

const DAY: i64 = 24 * 60;

#[tokio::test]
async fn everyone_is_kept_in_order_and_dropped_for_good() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let first = regulation("DELETE_ONLY", "INITIALIZED")?;
    // More than one item holds.
    let named: Vec<_> = (0..5_000).map(|n| Subject::user(format!("{n:0>100}"))).collect();
    let linked = vec![Subject::anonymous("phone")];
    store.create(&first, named.clone(), &[], None).await?;
    let other = || Linked { subjects: linked.clone(), ..Linked::default() };
    twice(async || store.keep_linked(&first.id, other()).await).await?;
    assert_eq!(store.subjects(&first.id).await?, named);
    assert_eq!(store.everyone(&first.id).await?, [named, linked].concat());
    twice(async || store.drop_subjects(&first.id).await).await?;
    assert!(store.everyone(&first.id).await?.is_empty());
    assert!(store.linked_subjects(&first.id).await?.is_empty());
    assert!(store.regulation(&first.id).await?.is_some(), "what it did stays");
    Ok(())
}

#[tokio::test]
async fn people_keep_their_identifiers_together_and_all_of_them_are_searched_for() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let first = regulation("DELETE_ONLY", "INITIALIZED")?;
    let of = |person, kind, id: String| Named { person: Some(person), subject: Subject { kind, id } };
    // A person lies across two items.
    let named: Vec<_> = (0..2_500)
        .flat_map(|n| {
            [
                (SubjectType::UserId, format!("{n:0>100}")),
                (SubjectType::Email, format!("{n:0>100}@example.com")),
            ]
            .map(|(kind, id)| of(n, kind, id))
        })
        .collect();
    store.create(&first, named.clone(), &[], None).await?;
    let kept = store.named(&first.id).await?;
    assert_eq!(kept, named);
    assert!(people(&kept).count() == 2_500 && people(&kept).all(|person| person.len() == 2));
    assert_eq!(store.everyone(&first.id).await?.len(), 5_000);
    twice(async || store.drop_subjects(&first.id).await).await?;
    assert!(store.named(&first.id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn subjects_are_dropped_when_they_are_due_unless_another_attempt_began() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let who = vec![Subject::user("u1")];
    let (failed, retried) =
        (regulation("DELETE_ONLY", "INITIALIZED")?, regulation("DELETE_ONLY", "INITIALIZED")?);
    for one in [&failed, &retried] {
        store.create(one, who.clone(), &[], None).await?;
        store.begin_regulation(&one.id).await?;
        store.end_attempt(one, Status::Failed, at(0)).await?;
        twice(async || store.note_due(&one.id, at(60 * DAY)).await).await?;
    }
    let failed_once = store.regulation(&retried.id).await?.expect("stored");
    store.begin_attempt(&failed_once, at(1)).await?;
    assert_eq!(store.drop_due(at(59 * DAY)).await?, 0, "not yet");
    assert_eq!(store.subjects(&failed.id).await?, who);
    assert_eq!(twice(async || store.drop_due(at(61 * DAY)).await).await?, (2, 0));
    assert!(store.subjects(&failed.id).await?.is_empty());
    assert_eq!(store.subjects(&retried.id).await?, who, "its attempt needs them");
    Ok(())
}
