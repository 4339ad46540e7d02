//! A shared deletion, on a scripted engine.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::tests::{Scripted, done, later, refused, rows, run, tables};
use super::*;
use model::group_commit::{GroupMember, GroupOutcome};
use model::id::RegulationId;
use model::subject::Subject;

const START: Timestamp = Timestamp::UNIX_EPOCH;

/// A regulation that found one row in `a`, two in `c`, and has yet to delete them.
async fn found() -> ErasureProgress {
    let mut engine = Scripted { turns: [done(&[1, 0]), done(&[2])].into(), ..Scripted::default() };
    let mut progress = ErasureProgress::of(Value::Null, 1);
    assert!(!progress.may_share(), "nothing is found yet");
    assert!(matches!(next(&mut engine, &mut progress).await, Ok(Next::Tell(_))));
    assert!(progress.may_share());
    progress
}

async fn next(engine: &mut Scripted, progress: &mut ErasureProgress) -> Result<Next> {
    let (tables, subjects) = (tables(&["a", "b", "c"]), [Subject::user("u1")]);
    let mut erasure = Erasure { engine, tables: &tables, ids: &Ids::new(&subjects, &tables), seed: "own" };
    erasure.next(progress, Instant::now() + Duration::from_secs(60), START).await
}

/// The deletion of the whole group's rows.
async fn work(engine: &mut Scripted, progress: &mut ErasureProgress) -> Result<Option<u32>> {
    let (tables, subjects) = (tables(&["a", "b", "c"]), [Subject::user("u1"), Subject::user("u2")]);
    let mut erasure = Erasure { engine, tables: &tables, ids: &Ids::new(&subjects, &tables), seed: "group" };
    let lead = progress.leads().expect("it leads");
    erasure.delete(&mut lead.work, Instant::now() + Duration::from_secs(60)).await
}

fn member(tables: &[&str]) -> GroupMember {
    GroupMember::new(RegulationId::new(), 1, START, names(tables), &[])
}

fn names(tables: &[&str]) -> BTreeSet<String> {
    tables.iter().map(|table| format!("s.{table}")).collect()
}

fn together(tables: &[&str]) -> GroupOutcome {
    GroupOutcome { together: 2, tables: names(tables) }
}

#[tokio::test]
async fn who_leads_deletes_from_the_tables_of_all_and_goes_on_after_a_crash() {
    let mut progress = found().await;
    progress.lead(&[member(&["a", "c"]), member(&["b", "c"])], START);
    let kept = serde_json::to_value(&progress).expect("JSON");
    let mut progress = ErasureProgress::of(kept, 1);
    assert_eq!(progress.leads().expect("it leads").members.len(), 2, "the same group");
    let mut engine = Scripted { turns: [done(&[5]), later()].into(), ..Scripted::default() };
    assert_eq!(work(&mut engine, &mut progress).await, Ok(Some(9)));
    engine.turns = [done(&[3]), done(&[7])].into();
    assert_eq!(work(&mut engine, &mut progress).await, Ok(None));
    assert_eq!(engine.asked, ["Delete a", "Delete b", "Delete b", "Delete c"]);
    let outcome = progress.leads().expect("it leads").outcome(2);
    assert_eq!(outcome, together(&["a", "b", "c"]));

    progress.settle(&outcome);
    assert!(!progress.may_share());
    let told = next(&mut engine, &mut progress).await;
    let Ok(Next::Tell(report)) = told else { panic!("{told:?}") };
    assert_eq!(report.counts, rows(&[("a", 1), ("c", 2)]), "its own rows, not the group's");
    let looked_at = [("tables", 2), ("bytesBilled", 30), ("regulationsTogether", 2)];
    assert_eq!(report.looked_at, looked_at.map(|(name, count)| (name.to_owned(), count)).into());
}

#[tokio::test]
async fn who_was_served_tells_what_it_had_found_and_counts_again() {
    let mut progress = found().await;
    progress.settle(&together(&["a", "b", "c"]));
    let kept = &mut serde_json::to_value(&progress).expect("JSON");
    let mut engine = Scripted { turns: [done(&[0, 0]), done(&[0])].into(), ..Scripted::default() };
    let (told, end) = run(&mut engine, kept).await;
    assert_eq!(end, Ok(None));
    assert_eq!(engine.asked, ["Count a b", "Count c"], "nothing is deleted once more");
    assert_eq!(told[0], (Step::Forget, rows(&[("a", 1), ("c", 2)])));
}

#[tokio::test]
async fn what_is_left_of_a_shared_deletion_is_deleted_alone_and_without_an_error() {
    let mut progress = found().await;
    progress.settle(&together(&["a", "c"]));
    let kept = &mut serde_json::to_value(&progress).expect("JSON");
    let mut engine = Scripted { turns: [done(&[0, 0]), done(&[1])].into(), ..Scripted::default() };
    assert_eq!(run(&mut engine, kept).await.1, Ok(Some(1)));
    assert!(!ErasureProgress::of(kept.clone(), 1).may_share(), "no second time");
    engine.turns = [done(&[1]), done(&[0, 0]), done(&[1])].into();
    let end = run(&mut engine, kept).await.1;
    assert!(end.expect_err("alone, rows that come back are trouble").is_transient());
    assert_eq!(engine.asked[2..], ["Delete c", "Count a b", "Count c"]);
}

#[tokio::test]
async fn a_table_that_refuses_the_group_is_left_to_each() {
    let mut progress = found().await;
    progress.lead(&[member(&["a", "c"]), member(&["c"])], START);
    let key = || refused(Failure::permanent("a key"));
    let mut engine = Scripted { turns: [done(&[1]), key(), key()].into(), ..Scripted::default() };
    assert_eq!(work(&mut engine, &mut progress).await, Ok(None));
    let outcome = progress.leads().expect("it leads").outcome(2);
    assert_eq!(outcome, together(&["a"]), "c was refused");

    // Of the group's rows in c, one of this regulation's went before another's was refused.
    progress.settle(&outcome);
    assert_eq!(*progress.pending(), names(&["c"]));
    let kept = &mut serde_json::to_value(&progress).expect("JSON");
    engine.turns = [done(&[1]), done(&[0, 0]), done(&[0])].into();
    let (told, end) = run(&mut engine, kept).await;
    assert_eq!(end, Ok(None), "it was the other's row");
    assert_eq!(engine.asked[3..], ["Delete c", "Count a b", "Count c"]);
    assert_eq!(told[0], (Step::Forget, rows(&[("a", 1), ("c", 2)])));
}

#[tokio::test]
async fn who_is_refused_alone_fails_alone_and_tells_only_what_went() {
    let mut progress = found().await;
    progress.settle(&together(&["a"]));
    let key = || refused(Failure::permanent("a key"));
    let turns = [key(), done(&[0, 0]), done(&[2])];
    let mut engine = Scripted { turns: turns.into(), ..Scripted::default() };
    let (told, end) = run(&mut engine, &mut serde_json::to_value(&progress).expect("JSON")).await;
    assert_eq!(end.expect_err("c refuses").public, "s.c: a key");
    assert_eq!(told[0], (Step::Forget, rows(&[("a", 1), ("c", 0)])));
    assert_eq!(told[1], (Step::Verify, rows(&[("a", 0), ("b", 0), ("c", 2)])));
}

#[tokio::test]
async fn a_group_of_one_is_told_as_if_there_were_no_groups() {
    let mut progress = found().await;
    progress.lead(&[member(&["a", "c"])], START);
    let key = || refused(Failure::permanent("a key"));
    let mut engine = Scripted { turns: [done(&[4]), key(), key()].into(), ..Scripted::default() };
    assert_eq!(work(&mut engine, &mut progress).await, Ok(None));
    let outcome = progress.leads().expect("it leads").outcome(1);
    progress.settle(&outcome);
    engine.turns = [done(&[0, 0]), done(&[2])].into();
    let told = next(&mut engine, &mut progress).await;
    let Ok(Next::Tell(report)) = told else { panic!("{told:?}") };
    assert_eq!(report.counts, rows(&[("a", 4), ("c", 0)]), "what the deletion itself says");
    assert!(!report.looked_at.contains_key("regulationsTogether"));
    let (_, end) = run(&mut engine, &mut serde_json::to_value(&progress).expect("JSON")).await;
    assert_eq!(end.expect_err("c refuses").public, "s.c: a key");
    assert_eq!(engine.asked[3..], ["Count a b", "Count c"], "which is not asked again");
}

#[tokio::test]
async fn others_wait_with_the_leader_for_short_trouble_only() {
    let mut progress = found().await;
    progress.lead(&[member(&["a"])], START);
    let lead = progress.leads().expect("it leads");
    let minutes = |minutes| START + jiff::SignedDuration::from_mins(minutes);
    assert!(lead.bears(&Failure::transient("locked"), minutes(9)));
    assert!(!lead.bears(&Failure::transient("locked"), minutes(10)));
    assert!(!lead.bears(&Failure::transient("streamed").wait(Some(5_400)), START));
    assert!(!lead.bears(&Failure::permanent("revoked"), START));
}

#[tokio::test]
async fn looks_whether_another_leads_grow_apart_slowly() {
    let mut progress = found().await;
    let waits: Vec<_> = (0..30).map(|_| progress.wait()).collect();
    assert_eq!(waits[..12], [2, 2, 3, 3, 4, 6, 7, 9, 11, 14, 18, 23]);
    assert_eq!(waits[29], 300);
}
