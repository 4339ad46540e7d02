//! Regulations, their tasks and their evidence.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;
use model::evidence::Evidence;
use model::failure::FailureKind;
use model::id::{DestinationId, RegulationId};
use model::outcome::Outcome;
use model::regulation::Regulation;
use model::status::{Status, TaskStatus};
use model::subject::{Subject, SubjectType};
use model::task::Task;
use serde_json::json;

use crate::{Fixture, at, of, twice};

pub(super) fn regulation(kind: &str, status: &str) -> Result<Regulation> {
    of(json!({
        "id": RegulationId::new(), "regulationType": kind, "subjectType": "USER_ID", "subjectCount": 2,
        "status": status, "attempt": 1, "createdAt": at(0),
    }))
}

fn task(status: &str) -> Result<Task> {
    of(json!({
        "destinationId": DestinationId::new(), "name": "Braze", "vendor": "braze", "kind": "CLOUD", "status": status,
    }))
}

fn two() -> Vec<Subject> {
    vec![Subject::user("u1"), Subject::user("u2")]
}

#[tokio::test]
async fn a_regulation_is_stored_once_with_its_subjects_and_tasks() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (first, task) = (regulation("DELETE_ONLY", "INITIALIZED")?, task("QUEUED")?);
    twice(async || store.create(&first, two(), std::slice::from_ref(&task), None).await).await?;
    assert_eq!(store.regulation(&first.id).await?, Some(first.clone()));
    assert_eq!(store.subjects(&first.id).await?, two());
    assert_eq!(store.tasks(&first.id).await?, [task]);

    // What happened since is not undone by storing it again.
    store.begin_regulation(&first.id).await?;
    store.create(&first, vec![Subject::user("another")], &[], None).await?;
    assert_eq!(store.regulation(&first.id).await?.map(|kept| kept.status), Some(Status::Running));
    assert_eq!(store.subjects(&first.id).await?, two());
    Ok(())
}

#[tokio::test]
async fn an_attempt_ends_once_and_only_if_it_is_under_way() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let there = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&there, two(), &[], None).await?;
    assert_eq!(store.under_way(at(1)).await?.len(), 1);
    store.end_attempt(&there, Status::Finished, at(4)).await?;
    assert_eq!(store.regulation(&there.id).await?, Some(there.clone()), "it has not begun");

    store.begin_regulation(&there.id).await?;
    assert_eq!(store.under_way(at(1)).await?.len(), 1, "should its execution be lost, it is taken up again");
    twice(async || store.end_attempt(&there, Status::Finished, at(5)).await).await?;
    store.end_attempt(&there, Status::Failed, at(6)).await?;
    let kept = store.regulation(&there.id).await?.expect("stored");
    assert_eq!((kept.status, kept.finished_at), (Status::Finished, Some(at(5))));
    assert!(store.under_way(at(1)).await?.is_empty(), "it has ended");

    let unknown = regulation("DELETE_ONLY", "RUNNING")?;
    store.end_attempt(&unknown, Status::Finished, at(5)).await?;
    assert_eq!(store.regulation(&unknown.id).await?, None, "none is made out of nothing");
    Ok(())
}

#[tokio::test]
async fn the_work_begins_or_the_regulation_is_withdrawn_never_both() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let begun = regulation("SUPPRESS_WITH_DELETE", "INITIALIZED")?;
    store.create(&begun, two(), &[], None).await?;
    assert_eq!(twice(async || store.begin_regulation(&begun.id).await).await?, (true, true));
    assert!(!store.withdraw(&begun, "admin", at(1)).await?, "too late");
    assert_eq!(store.subjects(&begun.id).await?, two(), "they are kept");

    let withdrawn = regulation("SUPPRESS_WITH_DELETE", "INITIALIZED")?;
    store.create(&withdrawn, two(), &[], None).await?;
    store.keep_out(&withdrawn, &two()).await?;
    assert_eq!(store.first_suppressed_everywhere(&two()).await?, Some(0));
    assert!(store.withdraw(&withdrawn, "admin", at(1)).await?);
    let kept = store.regulation(&withdrawn.id).await?.expect("stored");
    assert_eq!((kept.status, kept.finished_at), (Status::Invalid, Some(at(1))));
    assert!(!store.withdraw(&kept, "admin", at(2)).await?, "nothing is left to do");
    assert_eq!(store.first_suppressed_everywhere(&two()).await?, None, "what it suppressed is taken back");
    assert!(store.subjects(&withdrawn.id).await?.is_empty());
    assert_eq!(twice(async || store.begin_regulation(&withdrawn.id).await).await?, (false, false));

    // Both at once: one of them.
    let contested = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&contested, two(), &[], None).await?;
    let (work, gone) =
        tokio::join!(store.begin_regulation(&contested.id), store.withdraw(&contested, "admin", at(1)));
    assert_ne!(work?, gone?);
    Ok(())
}

#[tokio::test]
async fn a_withdrawal_that_broke_off_goes_on() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let half = regulation("SUPPRESS_WITH_DELETE", "INVALID")?;
    store.create(&half, two(), &[], None).await?;
    store.keep_out(&half, &two()).await?;
    assert!(store.withdraw(&half, "admin", at(2)).await?, "its subjects were still there");
    assert_eq!(store.first_suppressed_everywhere(&two()).await?, None);
    assert!(store.subjects(&half.id).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn of_two_retries_at_once_one_begins_an_attempt() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (failed, done) = (task("FAILED")?, task("CONFIRMED")?);
    let first = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&first, two(), &[failed.clone(), done.clone()], None).await?;
    let refused = store.begin_attempt(&first, Timestamp::now()).await.expect_err("nothing failed");
    assert_eq!(refused.kind, FailureKind::Invalid);

    store.begin_regulation(&first.id).await?;
    store.end_attempt(&first, Status::PartialSuccess, at(1)).await?;
    let half = store.regulation(&first.id).await?.expect("stored");
    // The client may send the same write again.
    assert_eq!(twice(async || store.begin_attempt(&half, at(2)).await).await?, (2, 2));
    let refused = store.begin_attempt(&half, at(3)).await.expect_err("it has begun");
    assert_eq!(refused.kind, FailureKind::Invalid);
    twice(async || store.reset_failed(&first.id).await).await?;
    assert_eq!(store.task(&first.id, &failed.destination_id).await?.status, TaskStatus::Queued);
    assert_eq!(store.task(&first.id, &done.destination_id).await?, done);
    let kept = store.regulation(&first.id).await?.expect("stored");
    assert_eq!((kept.status, kept.attempt, kept.finished_at), (Status::Running, 2, None));

    // Its identifiers are kept for a retry, not for ever.
    store.end_attempt(&kept, Status::Failed, at(0)).await?;
    let half = store.regulation(&first.id).await?.expect("stored");
    let later = at(61 * 24 * 60);
    assert_eq!(store.begin_attempt(&half, later).await.expect_err("too late").kind, FailureKind::Invalid);
    Ok(())
}

#[tokio::test]
async fn what_a_step_said_first_in_an_attempt_stands() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (id, destination) = (RegulationId::new(), DestinationId::new());
    let evidence = |attempt: u32, rows: u64| -> Result<Evidence> {
        of(
            json!({ "destinationId": destination, "vendor": "postgres", "attempt": attempt, "step": "find", "at": at(1),
                   "counts": { "web.users": rows } }),
        )
    };
    store.keep_evidence(&id, &evidence(1, 0)?).await?;
    assert!(!store.ever_found(&id, &destination).await?);
    let (first, second) = (evidence(2, 7)?, evidence(2, 0)?);
    twice(async || store.keep_evidence(&id, &first).await).await?;
    store.keep_evidence(&id, &second).await?;
    assert_eq!(store.evidence(&id).await?, [evidence(1, 0)?, first], "by attempt; the second run found less");
    assert!(store.ever_found(&id, &destination).await?);
    assert!(!store.ever_found(&id, &DestinationId::new()).await?);
    Ok(())
}

#[tokio::test]
async fn a_regulation_that_asks_for_the_same_is_found_while_it_is_under_way() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let first = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&first, two(), &[], None).await?;
    twice(async || store.note_same("same", &first.id).await).await?;
    let new = RegulationId::new();
    assert_eq!(store.same_under_way("same", &new).await?, Some(first.id.clone()));
    assert_eq!(store.same_under_way("same", &first.id).await?, None, "not itself");
    assert_eq!(store.same_under_way("other", &new).await?, None);
    store.begin_regulation(&first.id).await?;
    store.end_attempt(&first, Status::Finished, at(1)).await?;
    assert_eq!(store.same_under_way("same", &new).await?, None, "it has ended");
    Ok(())
}

#[tokio::test]
async fn an_outcome_is_kept_with_the_end_of_an_attempt_until_the_next_one_begins() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let mut there = regulation("DELETE_ONLY", "INITIALIZED")?;
    store.create(&there, two(), &[], None).await?;
    store.begin_regulation(&there.id).await?;
    there.outcome = Some(Outcome { failed: 2, failed_at: 1, ..Outcome::default() });
    twice(async || store.end_attempt(&there, Status::Failed, at(5)).await).await?;
    let kept = store.regulation(&there.id).await?.expect("stored");
    assert_eq!((kept.status, kept.outcome), (Status::Failed, there.outcome));
    store.begin_attempt(&kept, at(6)).await?;
    assert_eq!(store.regulation(&there.id).await?.expect("stored").outcome, None);
    Ok(())
}

#[tokio::test]
async fn all_regulations_of_a_period_are_tallied_or_it_is_said_since_when() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let part = json!({ "sourceId": "web" });
    for minute in 0..5 {
        let one: Regulation = of(json!({
            "id": RegulationId::new(), "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectCount": 7,
            "status": "INITIALIZED", "attempt": 1, "createdAt": at(minute), "part": part,
        }))?;
        store.create(&one, two(), &[], None).await?;
    }
    let far = Instant::now() + Duration::from_secs(60);
    let mut seen = Vec::new();
    assert_eq!(store.tally(at(1), at(4), far, |one| seen.push(one)).await?, None);
    let times: Vec<_> = seen.iter().map(|one| one.created_at).collect();
    assert_eq!(times, [at(3), at(2), at(1)], "the newest first, the end excluded");
    assert_eq!((seen[0].subject_count, seen[0].outcome), (7, None));
    assert_eq!(seen[0].part.as_ref().map(|part| part.source_id.as_str()), Some("web"));

    // A page of DynamoDB's has 1 MB: with more than that, time may run out after a page.
    let long: BTreeMap<SubjectType, usize> =
        (0..7_000).map(|n| (format!("kind_of_an_identifier_{n}").parse().expect("a kind"), 1)).collect();
    for minute in 10..20 {
        let mut one = regulation("DELETE_ONLY", "INITIALIZED")?;
        (one.created_at, one.identifiers) = (at(minute), long.clone());
        store.create(&one, two(), &[], None).await?;
    }
    let mut seen = Vec::new();
    let back_to = store.tally(at(0), at(99), Instant::now(), |one| seen.push(one)).await?;
    assert!(seen.len() < 15, "{}", seen.len());
    assert_eq!(back_to, seen.last().map(|one| one.created_at));
    let mut all = 0;
    assert_eq!(store.tally(at(0), at(99), far, |_| all += 1).await?, None);
    assert_eq!(all, 15, "page by page");
    Ok(())
}
