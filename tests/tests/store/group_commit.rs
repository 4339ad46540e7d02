//! Who waits at a warehouse, and who leads there.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use jiff::Timestamp;
use model::failure::FailureKind;
use model::group_commit::{GroupMember, GroupOutcome};
use model::id::{DestinationId, RegulationId};
use model::status::TaskStatus;
use model::subject::Subject;
use model::task::Task;
use serde_json::json;
use store::Store;

use crate::{Fixture, at, of, twice};

fn member(id: &RegulationId, attempt: u32, table: &str) -> GroupMember {
    GroupMember::new(id.clone(), attempt, at(0), BTreeSet::from([table.to_owned()]), &[Subject::user("u1")])
}

/// A regulation with a task at a warehouse that has begun.
async fn running(store: &Store, place: &DestinationId) -> Result<RegulationId> {
    let id = RegulationId::new();
    store.save_task(&id, &task(place)?).await?;
    Ok(id)
}

fn task(place: &DestinationId) -> Result<Task> {
    of(json!({
        "destinationId": place, "name": "Rows", "vendor": "redshift", "kind": "WAREHOUSE", "status": "RUNNING",
    }))
}

#[tokio::test]
async fn an_attempt_waits_once_and_hears_its_own_outcome() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let place = DestinationId::new();
    let id = running(&store, &place).await?;
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
    twice(async || store.leave(&place, &id).await).await?;
    assert!(store.all_enlisted(&place).await?.is_empty(), "nobody waits because something was noted");
    Ok(())
}

#[tokio::test]
async fn one_leads_until_it_gives_the_lead_back_or_its_lease_ends() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (place, elsewhere) = (DestinationId::new(), DestinationId::new());
    let (one, other) = (running(&store, &place).await?, running(&store, &place).await?);
    store.save_task(&other, &task(&elsewhere)?).await?;
    assert_eq!(twice(async || store.take_lease(&place, &one, at(0)).await).await?, (true, true));
    assert!(!store.take_lease(&place, &other, at(24)).await?);
    assert!(store.take_lease(&elsewhere, &other, at(24)).await?, "elsewhere it may");
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

#[tokio::test]
async fn what_has_ended_neither_waits_nor_leads() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let place = DestinationId::new();
    let id = running(&store, &place).await?;
    assert!(store.take_lease(&place, &id, at(0)).await?);
    store.enlist(&place, &member(&id, 1, "web.tracks")).await?;

    let mut ended = task(&place)?;
    ended.end(TaskStatus::Confirmed, None, Timestamp::UNIX_EPOCH);
    store.save_task(&id, &ended).await?;
    twice(async || store.leave(&place, &id).await).await?;
    // A second invocation, which read the task before it ended.
    let waits = store.enlist(&place, &member(&id, 1, "web.tracks")).await;
    let leads = store.take_lease(&place, &id, at(1)).await;
    assert_eq!(waits.map_err(|failure| failure.kind), Err(FailureKind::Transient));
    assert_eq!(leads.map_err(|failure| failure.kind), Err(FailureKind::Transient));
    assert!(store.all_enlisted(&place).await?.is_empty());
    assert_eq!(store.leader(&place, at(1)).await?, None);
    Ok(())
}
