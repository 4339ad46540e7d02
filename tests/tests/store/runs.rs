//! Purge runs: who waits for one, the lock, and what a run and whoever confirms or stops it write at once.

use std::fs;

use anyhow::{Context, Result, ensure};
use model::id::{RegulationId, RunId};
use model::purge_run::Phase;
use serde_json::{Value, json};
use store::{Run, RunProgress, Store};
use tests::process::root;

use crate::{Fixture, at, twice};

/// The item that a state of a state machine writes, with the places in it that these say filled in.
fn item_of(machine: &str, state: &str, values: &Value) -> Result<Value> {
    let text = fs::read_to_string(root().join("infra").join(machine))?;
    let machine: Value = serde_json::from_str(&text)?;
    let state = find(&machine, state).with_context(|| format!("no state {state}"))?;
    let mut item = state["Parameters"]["Item"].clone();
    for (name, attribute) in item.as_object_mut().context("no item")? {
        if let Some(path) = attribute["S.$"].as_str() {
            let value = values[path].as_str().with_context(|| format!("{name} is {path}"))?;
            *attribute = json!({ "S": value });
        }
    }
    Ok(item)
}

/// A state, in a machine or in the machines within it.
fn find<'a>(machine: &'a Value, name: &str) -> Option<&'a Value> {
    match machine {
        Value::Object(fields) => {
            let here = fields.get("States").and_then(|states| states.get(name));
            here.or_else(|| fields.values().find_map(|within| find(within, name)))
        }
        Value::Array(all) => all.iter().find_map(|within| find(within, name)),
        _ => None,
    }
}

#[tokio::test]
async fn what_the_state_machine_writes_of_a_waiting_regulation_is_what_the_store_reads() -> Result<()> {
    let Fixture { store, tables, aws } = &Fixture::new().await?;
    let fixture = Fixture { store: store.clone(), tables: tables.clone(), aws: *aws };
    let (id, run) = (RegulationId::new(), RunId::new());
    let enlist = async |token: &str, since: i64| {
        let values =
            json!({ "$.regulationId": id, "$$.State.EnteredTime": at(since), "$$.Task.Token": token });
        fixture.put(&tables.runs, &item_of("deletion.asl.json", "Enlist", &values)?).await
    };
    assert_eq!(store.waits(&id).await?, None);
    store.note_abort(&id, "first", &run).await?;
    assert_eq!(store.waits(&id).await?, None, "nobody waits because a run was given up");

    enlist("first", 1).await?;
    twice(async || store.note_abort(&id, "first", &run).await).await?;
    let waiting = store.waits(&id).await?.context("it waits")?;
    assert_eq!((&waiting.regulation_id, waiting.since, &*waiting.task_token), (&id, at(1), "first"));
    assert_eq!(waiting.aborted_runs, [run].into());
    assert_eq!(store.waiting().await?, [waiting]);

    // Enlisted anew: who served the first token does not take it off.
    enlist("second", 2).await?;
    twice(async || store.served(&id, "first").await).await?;
    assert!(store.waits(&id).await?.is_some());
    twice(async || store.served(&id, "second").await).await?;
    assert!(store.waiting().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_state_machine_keeps_to_be_confirmed_is_what_the_store_reads() -> Result<()> {
    let fixture = Fixture::new().await?;
    let run = RunId::new();
    assert_eq!(fixture.store.confirmation(&run).await?, None);
    let values = json!({ "$.runId": run, "$$.Task.Token": "token" });
    let item = item_of("purge-run.asl.json", "KeepToken", &values)?;
    fixture.put(&fixture.tables.runs, &item).await?;
    assert_eq!(fixture.store.confirmation(&run).await?.as_deref(), Some("token"));
    twice(async || fixture.store.drop_confirmation(&run).await).await?;
    assert_eq!(fixture.store.confirmation(&run).await?, None);
    Ok(())
}

#[tokio::test]
async fn one_run_holds_the_lock() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let (one, other) = (RunId::new(), RunId::new());
    assert_eq!(twice(async || store.lock(&one, at(0)).await).await?, (true, true));
    assert!(!store.lock(&other, at(0)).await?);
    store.unlock(&other).await?;
    assert_eq!(store.locked_by().await?, Some(one.clone()), "who does not hold it frees nothing");
    twice(async || store.unlock(&one).await).await?;
    assert_eq!(store.locked_by().await?, None);
    let (first, second) = tokio::join!(store.lock(&one, at(0)), store.lock(&other, at(0)));
    assert_ne!(first?, second?);
    Ok(())
}

async fn begun(store: &Store) -> Result<RunId> {
    let run = Run::new(RunId::new(), false, at(0));
    store.create_run(&run).await?;
    store.begin_find(&run.id, 2, 30, 400).await?;
    Ok(run.id)
}

async fn read(store: &Store, id: &RunId) -> Result<Run> {
    store.run(id).await?.context("a run")
}

#[tokio::test]
async fn a_run_is_made_once_and_begins_to_look_until_it_has_ended() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let run = Run::new(RunId::new(), false, at(0));
    ensure!(store.begin_find(&run.id, 2, 30, 400).await.is_err(), "there is no such run");
    assert_eq!(store.run(&run.id).await?, None, "no run out of nothing");
    store.create_run(&run).await?;
    twice(async || store.begin_find(&run.id, 2, 30, 400).await).await?;
    store.create_run(&run).await?;
    let found = read(&store, &run.id).await?;
    assert_eq!((found.phase, found.regulations, found.objects, found.bytes), (Phase::Find, 2, 30, 400));
    twice(async || store.end_run(&run.id, Phase::Closed, at(9)).await).await?;
    store.end_run(&run.id, Phase::Aborted, at(10)).await?;
    store.begin_find(&run.id, 5, 5, 5).await?;
    let ended = read(&store, &run.id).await?;
    assert_eq!((ended.phase, ended.finished_at, ended.regulations), (Phase::Closed, Some(at(9)), 2));
    let newer = begun(&store).await?;
    assert_eq!(store.runs().await?.iter().map(|run| &run.id).collect::<Vec<_>>(), [&newer, &run.id]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_asks_goes_on_once_it_is_confirmed() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let run = begun(&store).await?;
    assert!(!store.confirm_run(&run, at(1)).await?, "it does not ask");
    let (asked, again) = twice(async || store.pass_guard(&run, Some("So much?")).await).await?;
    assert_eq!(asked, again);
    assert_eq!(
        (asked.phase, asked.question.as_deref(), asked.may_go_on()),
        (Phase::Guard, Some("So much?"), None)
    );
    assert_eq!(twice(async || store.confirm_run(&run, at(2)).await).await?, (true, false));
    // A guard that runs again does not ask again.
    let passed = store.pass_guard(&run, Some("So much?")).await?;
    assert_eq!((passed.phase, passed.confirmed_at), (Phase::Forget, Some(at(2))));
    assert_eq!((passed.question.as_deref(), passed.may_go_on()), (None, Some(true)));

    let modest = begun(&store).await?;
    let (passed, _) = twice(async || store.pass_guard(&modest, None).await).await?;
    assert_eq!((passed.phase, passed.question), (Phase::Forget, None));
    ensure!(store.pass_guard(&RunId::new(), None).await.is_err(), "there is no such run");
    Ok(())
}

#[tokio::test]
async fn a_stop_is_heard_until_the_run_has_ended() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    assert!(!store.request_stop(&RunId::new()).await?, "there is no such run");
    let run = begun(&store).await?;
    store.pass_guard(&run, Some("So much?")).await?;
    assert_eq!(twice(async || store.request_stop(&run).await).await?, (true, true));
    assert!(!store.confirm_run(&run, at(1)).await?, "it was stopped first");
    let stopped = store.pass_guard(&run, None).await?;
    assert_eq!((stopped.phase, stopped.may_go_on()), (Phase::Guard, Some(false)));
    store.end_run(&run, Phase::Aborted, at(2)).await?;
    assert!(!store.request_stop(&run).await?);
    assert_eq!(read(&store, &run).await?.phase, Phase::Aborted);
    Ok(())
}

#[tokio::test]
async fn a_batch_that_runs_twice_counts_once() -> Result<()> {
    let Fixture { store, .. } = Fixture::new().await?;
    let run = RunId::new();
    let of_batch = |objects| RunProgress { objects, bytes: 10 * objects, hits: 1 };
    twice(async || store.note_progress(&run, Phase::Find, 0, of_batch(8)).await).await?;
    store.note_progress(&run, Phase::Find, 1, of_batch(2)).await?;
    store.note_progress(&run, Phase::Verify, 0, of_batch(5)).await?;
    assert_eq!(store.progress(&run, Phase::Find).await?, RunProgress { objects: 10, bytes: 100, hits: 2 });
    assert_eq!(store.progress(&run, Phase::Forget).await?, RunProgress::default());
    Ok(())
}

#[tokio::test]
async fn runs_and_their_progress_go_after_a_year() -> Result<()> {
    let Fixture { store, tables, aws } = &Fixture::new().await?;
    let run = begun(store).await?;
    store.note_progress(&run, Phase::Find, 1, RunProgress::default()).await?;
    let scan = json!({ "TableName": tables.runs });
    let found = aws.call("dynamodb", "DynamoDB_20120810.Scan", scan).await?;
    let items = found["Items"].as_array().context("items")?;
    assert_eq!(items.len(), 2, "{found:#}");
    for item in items {
        let end: i64 = item["ttl"]["N"].as_str().with_context(|| format!("{item}"))?.parse()?;
        let days = (end - jiff::Timestamp::now().as_second()) / 86_400;
        assert!((364..=366).contains(&days), "{days} days: {item}");
    }
    Ok(())
}
