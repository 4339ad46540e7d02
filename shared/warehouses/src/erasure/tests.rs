//! The order of the phases, on a scripted engine.

use std::collections::VecDeque;

use super::*;
use destinations::warehouse::Column;
use model::subject::{Subject, SubjectType};

/// Returns the results of statements from a script.
#[derive(Default)]
pub(super) struct Scripted {
    pub(super) turns: VecDeque<StatementState>,
    pub(super) asked: Vec<String>,
}

impl Engine for Scripted {
    const TABLES_PER_COUNT: usize = 2;

    async fn discover(&mut self) -> Result<Vec<Table>> {
        Ok(tables(&["a", "b", "c"]))
    }

    async fn run(
        &mut self,
        statement: &Statement<'_>,
        memory: &mut Memory,
        _: Instant,
    ) -> Result<StatementState> {
        let names: Vec<_> = statement.tables.iter().map(|table| table.name.as_str()).collect();
        self.asked.push(format!("{:?} {}", statement.verb, names.join(" ")));
        let turn = self.turns.pop_front().expect("the script is over");
        match &turn {
            StatementState::Later { .. } => memory.handle = Some("running".into()),
            _ => memory.end(),
        }
        Ok(turn)
    }
}

pub(super) fn tables(names: &[&str]) -> Vec<Table> {
    let column = Column { name: "user_id".into(), data_type: "text".into(), holds: SubjectType::UserId };
    let table =
        |name: &&str| Table { schema: "s".into(), name: (*name).into(), columns: vec![column.clone()] };
    names.iter().map(table).collect()
}

pub(super) fn done(rows: &[u64]) -> StatementState {
    StatementState::Done(Answer { rows: rows.to_vec(), bytes: 10 })
}

pub(super) fn later() -> StatementState {
    StatementState::Later { seconds: 9, rows: 0 }
}

pub(super) fn refused(failure: Failure) -> StatementState {
    StatementState::Refused(failure)
}

/// Runs until the end or a failure, each phase in an invocation of its own: the saved progress goes through JSON.
pub(super) async fn run(
    engine: &mut Scripted,
    kept: &mut serde_json::Value,
) -> (Vec<(Step, Rows)>, Result<Option<u32>>) {
    let tables = engine.discover().await.expect("scripted");
    let subjects = [Subject::user("u1")];
    let ids = Ids::new(&subjects, &tables);
    let mut told = Vec::new();
    loop {
        let mut progress = ErasureProgress::of(kept.clone(), 1);
        let mut erasure = Erasure { engine, tables: &tables, ids: &ids, seed: "seed" };
        let until = Instant::now() + std::time::Duration::from_secs(60);
        let next = erasure.next(&mut progress, until, Timestamp::UNIX_EPOCH).await;
        *kept = serde_json::to_value(&progress).expect("JSON");
        match next {
            Ok(Next::Tell(report)) => told.push((report.step, report.counts)),
            Ok(Next::Later(seconds)) => return (told, Ok(Some(seconds))),
            Ok(Next::Done) => return (told, Ok(None)),
            Err(failure) => return (told, Err(failure)),
        }
    }
}

pub(super) fn rows(rows: &[(&str, u64)]) -> Rows {
    rows.iter().map(|(table, rows)| (format!("s.{table}"), *rows)).collect()
}

#[tokio::test]
async fn only_tables_with_rows_are_deleted_from_and_all_are_counted_again() {
    let turns = [done(&[1, 0]), done(&[2]), done(&[1]), done(&[2]), done(&[0, 0]), done(&[0])];
    let mut engine = Scripted { turns: turns.into(), ..Scripted::default() };
    let (told, end) = run(&mut engine, &mut serde_json::Value::Null).await;
    assert_eq!(end, Ok(None));
    assert_eq!(engine.asked, ["Count a b", "Count c", "Delete a", "Delete c", "Count a b", "Count c"]);
    assert_eq!(
        told,
        [
            (Step::Find, rows(&[("a", 1), ("b", 0), ("c", 2)])),
            (Step::Forget, rows(&[("a", 1), ("c", 2)])),
            (Step::Verify, rows(&[("a", 0), ("b", 0), ("c", 0)])),
        ]
    );
}

#[tokio::test]
async fn a_statement_that_runs_is_gone_on_with_first() {
    let turns =
        [done(&[1, 1]), done(&[0]), refused(Failure::transient("busy")), later(), done(&[1]), done(&[1])];
    let mut engine = Scripted {
        turns: turns.into_iter().chain([done(&[0, 0]), done(&[0])]).collect(),
        ..Scripted::default()
    };
    let mut kept = serde_json::Value::Null;
    assert_eq!(run(&mut engine, &mut kept).await.1, Ok(Some(9)));
    let before = engine.asked.len();
    assert_eq!(run(&mut engine, &mut kept).await.1, Ok(None));
    assert_eq!(engine.asked[before], "Delete b", "which was running");
}

#[tokio::test]
async fn rows_that_arrive_are_deleted_too() {
    let turns = [done(&[1, 0]), done(&[0]), done(&[1]), done(&[0, 1]), done(&[0])];
    let turns = turns.into_iter().chain([done(&[1]), done(&[0, 0]), done(&[0])]);
    let mut engine = Scripted { turns: turns.collect(), ..Scripted::default() };
    let mut kept = serde_json::Value::Null;
    let (_, end) = run(&mut engine, &mut kept).await;
    assert!(end.expect_err("not yet").is_transient());
    let (told, end) = run(&mut engine, &mut kept).await;
    assert_eq!(end, Ok(None));
    assert_eq!(told[0], (Step::Forget, rows(&[("a", 1), ("b", 1)])));
}

#[tokio::test]
async fn a_table_that_refuses_for_good_fails_alone_and_after_all_that_may_pass() {
    let key = || refused(Failure::permanent("a key"));
    let streamed = || refused(Failure::transient("streamed").wait(Some(5_400)));
    let turns = [done(&[1, 1]), done(&[1]), key(), done(&[1]), streamed(), key(), streamed()];
    let mut engine = Scripted { turns: turns.into(), ..Scripted::default() };
    let mut kept = serde_json::Value::Null;
    let (_, end) = run(&mut engine, &mut kept).await;
    let failure = end.expect_err("c may pass");
    assert_eq!((failure.is_transient(), failure.wait), (true, Some(5_400)));
    assert_eq!(failure.public, "s.c: streamed");

    engine.turns = [key(), done(&[1]), key(), done(&[1, 0]), done(&[0])].into();
    let (told, end) = run(&mut engine, &mut kept).await;
    assert_eq!(end.expect_err("a never does").public, "s.a: a key");
    assert_eq!(told[0], (Step::Forget, rows(&[("a", 0), ("b", 1), ("c", 1)])));
    assert_eq!(told[1], (Step::Verify, rows(&[("a", 1), ("b", 0), ("c", 0)])), "what is left is told");
}

#[tokio::test]
async fn tables_that_cannot_be_counted_are_found_one_by_one() {
    let no = || refused(Failure::permanent("no right"));
    let turns =
        [no(), done(&[1]), no(), no(), done(&[0]), done(&[1]), no(), done(&[0]), no(), no(), done(&[0])];
    let mut engine = Scripted { turns: turns.into(), ..Scripted::default() };
    let (_, end) = run(&mut engine, &mut serde_json::Value::Null).await;
    let counts = ["Count a b", "Count a", "Count b c", "Count b", "Count c"];
    assert_eq!(engine.asked, [&counts[..], &["Delete a"], &counts].concat());
    assert_eq!(end.expect_err("b was never seen").public, "s.b: no right");
}

#[tokio::test]
async fn a_new_attempt_begins_anew() {
    let old = ErasureProgress { attempt: 1, phase: Phase::Verify, ..ErasureProgress::default() };
    let kept = serde_json::to_value(&old).expect("JSON");
    assert_eq!(ErasureProgress::of(kept.clone(), 1), old);
    assert_eq!(ErasureProgress::of(kept, 2), ErasureProgress { attempt: 2, ..ErasureProgress::default() });
}
