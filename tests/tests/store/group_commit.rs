//! Who waits at a warehouse, and who leads there.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use model::group_commit::{GroupMember, GroupOutcome};
use model::id::{DestinationId, RegulationId};
use model::subject::Subject;

use crate::{Fixture, at, twice};

fn member(id: &RegulationId, attempt: u32, table: &str) -> GroupMember {
    GroupMember::new(id.clone(), attempt, at(0), BTreeSet::from([table.to_owned()]), &[Subject::user("u1")])
}

#[tokio::test]
async fn an_attempt_waits_once_and_hears_its_own_outcome() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (place, id) = (DestinationId::new(), RegulationId::new());
    let (first, changed) = (member(&id, 1, "web.tracks"), member(&id, 1, "web.users"));
    twice(async || store.enlist(&place, &first).await).await?;
    store.enlist(&place, &changed).await?;
    assert_eq!(store.enlisted(&place, &id).await?, Some(first.clone()), "as it was written first");

    let outcome = |together| GroupOutcome { together, tables: first.tables.clone() };
    twice(async || store.note_outcome(&place, (&id, 1), &outcome(4)).await).await?;
    store.note_outcome(&place, (&id, 1), &outcome(9)).await?;
    let told = store.enlisted(&place, &id).await?.context("a member")?;
    assert_eq!(told.outcome, Some(outcome(4)), "what is known stands");

    let again = member(&id, 2, "web.tracks");
    store.enlist(&place, &again).await?;
    store.note_outcome(&place, (&id, 1), &outcome(4)).await?;
    store.enlist(&place, &first).await?;
    assert_eq!(store.all_enlisted(&place).await?, [again], "a new attempt, of which nothing is known");
    store.note_outcome(&place, (&RegulationId::new(), 1), &outcome(1)).await?;
    twice(async || store.strike(&place, &id).await).await?;
    assert!(store.all_enlisted(&place).await?.is_empty(), "nobody waits because something was noted");
    Ok(())
}

#[tokio::test]
async fn one_leads_until_it_gives_the_lead_back_or_its_lease_ends() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (place, one, other) = (DestinationId::new(), RegulationId::new(), RegulationId::new());
    assert_eq!(twice(async || store.take_lease(&place, &one, at(0)).await).await?, (true, true));
    assert!(!store.take_lease(&place, &other, at(24)).await?);
    assert!(store.take_lease(&DestinationId::new(), &other, at(24)).await?, "elsewhere it may");
    store.release_lease(&place, &other).await?;
    assert_eq!(store.leader(&place, at(24)).await?, Some(one.clone()));

    assert_eq!(store.leader(&place, at(26)).await?, None, "its lease has ended");
    assert!(store.take_lease(&place, &other, at(26)).await?);
    assert!(!store.take_lease(&place, &one, at(27)).await?);
    twice(async || store.release_lease(&place, &other).await).await?;
    let (first, second) =
        tokio::join!(store.take_lease(&place, &one, at(28)), store.take_lease(&place, &other, at(28)));
    assert_ne!(first?, second?);
    assert!(store.all_enlisted(&place).await?.is_empty(), "who leads does not wait by that");
    Ok(())
}
