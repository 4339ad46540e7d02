//! Two things at once, in the orders in which one once undid the other.

use anyhow::{Context, Result};
use jiff::SignedDuration;
use model::destination::MAX_CONNECTED;
use model::id::{DestinationId, RegulationId};
use model::person::SuppressionScope;
use model::regulation::Regulation;
use model::status::{Status, TaskStatus};
use model::subject::Subject;
use model::task::Task;
use model::tracking::{Call, EventKind, read};
use serde_json::json;
use store::{Change, Store};

use crate::regulations::regulation;
use crate::{Fixture, at, of, twice};

const EVERYWHERE: SuppressionScope = SuppressionScope::Workspace;

fn by(id: &RegulationId, minute: i64) -> Change<'_> {
    Change { scope: &EVERYWHERE, at: at(minute), by: Some(id), reason: None, by_link: false }
}

async fn is_out(store: &Store, subject: &Subject) -> Result<bool> {
    Ok(store.first_suppressed_everywhere(std::slice::from_ref(subject)).await?.is_some())
}

fn task(status: &str) -> Result<Task> {
    of(
        json!({ "destinationId": DestinationId::new(), "name": "Braze", "vendor": "braze", "kind": "CLOUD", "status": status,
               "progress": { "open": { "0": { "n": 1, "note": "a vendor's own id" } } } }),
    )
}

/// A regulation that failed, as it is stored, with a task of each of these states.
async fn failed(store: &Store, tasks: &[Task]) -> Result<Regulation> {
    let made = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&made, vec![Subject::user("u1")], tasks, None).await?;
    store.begin_regulation(&made.id).await?;
    store.end_attempt(&made, Status::PartialSuccess, at(1)).await?;
    store.regulation(&made.id).await?.context("stored")
}

#[tokio::test]
async fn a_withdrawn_later_request_lets_nobody_in_whom_an_earlier_one_suppresses() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (first, second) = (RegulationId::new(), RegulationId::new());
    // The earlier is carried out after the later was withdrawn, and before.
    let [after, before] = ["after", "before"].map(|id| [Subject::user(id)]);
    store.suppress(&after, &by(&second, 2)).await?;
    twice(async || store.take_back(&after, &by(&second, 2)).await).await?;
    assert!(!is_out(&store, &after[0]).await?);
    twice(async || store.suppress(&after, &by(&first, 1)).await).await?;
    assert!(is_out(&store, &after[0]).await?);

    store.suppress(&before, &by(&second, 2)).await?;
    twice(async || store.suppress(&before, &by(&first, 1)).await).await?;
    twice(async || store.take_back(&before, &by(&second, 2)).await).await?;
    assert!(is_out(&store, &before[0]).await?);
    Ok(())
}

#[tokio::test]
async fn a_hold_that_comes_after_the_withdrawal_holds_nobody() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let ada = [Subject::user("ada")];
    let made = regulation("SUPPRESS_ONLY", "INITIALIZED")?;
    store.create(&made, ada.to_vec(), &[], None).await?;
    assert!(store.withdraw(&made, "admin", at(1)).await?);
    twice(async || store.keep_out(&made, &ada).await).await?;
    assert!(!is_out(&store, &ada[0]).await?);
    Ok(())
}

#[tokio::test]
async fn lifting_somebody_unknown_counts_against_an_earlier_request() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let ada = [Subject::user("ada")];
    let (suppresses, lifts) = (RegulationId::new(), RegulationId::new());
    twice(async || store.unsuppress(&ada, &by(&lifts, 2)).await).await?;
    store.suppress(&ada, &by(&suppresses, 1)).await?;
    assert!(!is_out(&store, &ada[0]).await?);
    Ok(())
}

#[tokio::test]
async fn a_retry_whose_start_was_lost_is_still_under_way() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let half = failed(&store, &[task("FAILED")?]).await?;
    assert!(store.under_way(at(99)).await?.is_empty());
    store.begin_attempt(&half, at(2)).await?;
    // Nobody resets its tasks or starts it: a tick finds it.
    let found = store.under_way(at(99)).await?;
    let found: Vec<_> = found.iter().map(|one| (&one.id, one.attempt)).collect();
    assert_eq!(found, [(&half.id, 2)]);
    assert!(store.under_way(at(2)).await?.is_empty(), "it was asked for at 2, not before");
    Ok(())
}

#[tokio::test]
async fn a_seal_that_runs_again_leaves_the_next_attempt_alone() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let first = failed(&store, &[task("FAILED")?]).await?;
    store.begin_attempt(&first, at(2)).await?;
    // The first attempt's seal, whose answer was lost.
    twice(async || store.end_attempt(&first, Status::Failed, at(3)).await).await?;
    let kept = store.regulation(&first.id).await?.context("stored")?;
    assert_eq!((kept.status, kept.attempt, kept.finished_at), (Status::Running, 2, None));
    Ok(())
}

#[tokio::test]
async fn what_is_withdrawn_is_not_sealed_and_what_is_sealed_not_withdrawn() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (gone, sealed) =
        (regulation("SUPPRESS_ONLY", "INITIALIZED")?, regulation("SUPPRESS_ONLY", "INITIALIZED")?);
    for one in [&gone, &sealed] {
        store.create(one, vec![Subject::user("u1")], &[], None).await?;
    }
    // Its work failed before it began: it is INITIALIZED when it is withdrawn, and then sealed.
    assert!(store.withdraw(&gone, "admin", at(1)).await?);
    assert!(!store.begin_regulation(&gone.id).await?);
    store.end_attempt(&gone, Status::Failed, at(2)).await?;
    assert_eq!(store.regulation(&gone.id).await?.map(|kept| kept.status), Some(Status::Invalid));

    assert!(store.begin_regulation(&sealed.id).await?);
    assert!(!store.withdraw(&sealed, "admin", at(1)).await?);
    store.end_attempt(&sealed, Status::Failed, at(2)).await?;
    assert_eq!(store.regulation(&sealed.id).await?.map(|kept| kept.status), Some(Status::Failed));
    Ok(())
}

#[tokio::test]
async fn a_retry_that_comes_second_begins_no_task_again_that_ended_well() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let there = task("FAILED")?;
    let half = failed(&store, std::slice::from_ref(&there)).await?;
    // Both have read it; the first is faster, and its task ends well.
    store.begin_attempt(&half, at(2)).await?;
    store.reset_failed(&half.id).await?;
    let ended = Task { status: TaskStatus::Confirmed, ..there.clone() };
    store.save_task(&half.id, &ended).await?;
    assert!(store.begin_attempt(&half, at(3)).await.is_err());
    let stale = Task { status: TaskStatus::Queued, ..there };
    store.save_task_if(&half.id, &stale, TaskStatus::Failed).await?;
    store.reset_failed(&half.id).await?;
    assert_eq!(store.tasks(&half.id).await?, [ended]);
    Ok(())
}

#[tokio::test]
async fn what_came_in_while_somebody_was_suppressed_is_late_even_after_that_is_lifted() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let ada = [Subject::user("ada")];
    let (suppresses, lifts) = (RegulationId::new(), RegulationId::new());
    store.suppress(&ada, &by(&suppresses, 10)).await?;
    twice(async || store.unsuppress(&ada, &by(&lifts, 20)).await).await?;
    let (people, web) = (store.people(&ada).await?, "web".parse()?);
    let ms = SignedDuration::from_millis(1);
    for (received, late) in [(at(10) - ms, false), (at(10), true), (at(20) - ms, true), (at(20), false)] {
        let events = read(Call::One(EventKind::Page), br#"{"userId": "ada"}"#, received)?.events;
        assert_eq!(people.drops_late(&events[0], &web), late, "{received}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_vendor_calls_a_person_is_dropped_with_the_subjects() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let half = failed(&store, &[task("FAILED")?, task("CONFIRMED")?]).await?;
    store.note_due(&half.id, at(5)).await?;
    store.drop_due(at(61 * 24 * 60)).await?;
    let left = store.tasks(&half.id).await?;
    let states: Vec<_> = left.iter().map(|task| task.status).collect();
    assert!(
        states.contains(&TaskStatus::Failed) && states.contains(&TaskStatus::Confirmed),
        "what it did stays"
    );
    assert!(left.iter().all(|task| task.progress.is_null()), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn a_regulation_for_more_destinations_than_one_write_takes_is_refused_and_leaves_nothing() -> Result<()>
{
    let Fixture { store, .. } = Fixture::new().await?;
    let made = regulation("DELETE_ONLY", "INITIALIZED")?;
    let tasks = |count: usize| (0..count).map(|_| task("QUEUED")).collect::<Result<Vec<_>>>();
    // As many subjects as a regulation takes, as long as they may be in all.
    let subjects: Vec<_> = (0..5_000).map(|n| Subject::user(format!("{n:0>700}"))).collect();
    let refused = store.create(&made, subjects.clone(), &tasks(100)?, None).await.expect_err("too many");
    assert_eq!(refused.kind, model::failure::FailureKind::Invalid, "{refused}");
    assert_eq!(store.regulation(&made.id).await?, None);
    assert!(store.subjects(&made.id).await?.is_empty());
    assert!(store.create(&made, subjects, &tasks(MAX_CONNECTED)?, None).await?);
    Ok(())
}
