//! Purge runs: what is asked before much goes, and what a person may say to a run at any moment; that many objects
//! in many batches are dealt with, and how little the next run has to read.

use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tests::progress::{until, until_every};
use tests::scenario::task;
use tests::stack::Stack;
use tests::traces::items;
use tests::world::{Options, World};

use crate::archives::{archive, forget, key, line, world_with};

const MOSTLY_THEIRS: &str = "mostly-theirs.jsonl";

fn mostly_theirs() -> String {
    format!("{}{}", line("ada", 1).repeat(3), line("bob", 1))
}

/// A regulation whose run would remove three of four lines and asks.
pub(super) async fn guarded() -> Result<(World, String, Value)> {
    let world = world_with(Options { max_share: Some(0.5), ..Options::default() }).await?;
    world.put(&key(MOSTLY_THEIRS), mostly_theirs().as_bytes()).await?;
    let id = world.stack.api.erase(&["ada"]).await?;
    let run = wait_for_phase(&world, "guard").await?;
    Ok((world, id, run))
}

#[tokio::test]
async fn a_run_that_would_remove_too_much_waits_to_be_confirmed() -> Result<()> {
    let (world, id, run) = guarded().await?;
    let (api, key, text) = (&world.stack.api, key(MOSTLY_THEIRS), mostly_theirs());
    let run_id = run["id"].as_str().context("an id")?;
    assert!(run["question"].as_str().is_some_and(|q| q.contains("3 of 4 lines (75.00 %)")), "{run:#}");
    assert_eq!(world.get(&key).await?, text.as_bytes(), "nothing is touched before");

    // It may not listen yet: it hears it all the same.
    api.post(&format!("/purge-runs/{run_id}/confirm"), &Value::Null).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    assert_eq!(world.get(&key).await?, line("bob", 1).as_bytes());
    let again = api.send(Method::POST, &format!("/purge-runs/{run_id}/confirm"), None).await?;
    assert_eq!(again.0.as_u16(), 422, "{}", again.1);
    Ok(())
}

/// The newest run, once it is in a phase.
pub(super) async fn wait_for_phase(world: &World, phase: &str) -> Result<Value> {
    until(async || {
        let runs = world.stack.api.get("/purge-runs").await?;
        // Null until the first run is recorded.
        let run = runs["data"]["purgeRuns"][0].clone();
        Ok(if run["phase"] == phase { Break(run) } else { Continue(run) })
    })
    .await
}

#[tokio::test]
async fn a_run_can_be_stopped_and_its_regulations_wait_for_the_next() -> Result<()> {
    let (world, id, run) = guarded().await?;
    let (api, key, text) = (&world.stack.api, key(MOSTLY_THEIRS), mostly_theirs());
    let run_id = run["id"].as_str().context("an id")?;
    api.post(&format!("/purge-runs/{run_id}/stop"), &Value::Null).await?;
    wait_for_phase(&world, "aborted").await?;
    assert_eq!(world.get(&key).await?, text.as_bytes(), "nothing is touched");
    assert_eq!(api.regulation(&id).await?["overallStatus"], "RUNNING", "it waits for the next");

    let next = api.post("/purge-runs", &json!({})).await?;
    let next = next["data"]["purgeRun"]["id"].as_str().context("an id")?.to_owned();
    wait_for_phase(&world, "guard").await?;
    api.post(&format!("/purge-runs/{next}/confirm"), &Value::Null).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    Ok(())
}

/// The first run reads everything; the second, for somebody who is nowhere, reads next to nothing; and a dry run
/// counts and changes nothing.
#[tokio::test]
async fn the_second_run_reads_only_what_can_match_and_a_dry_run_changes_nothing() -> Result<()> {
    let world = World::new().await?;
    let proxy = world.s3_proxy().await?;
    let scenario = tests::scenario::Scenario::set(&world).await?;
    let filters = format!("/{}/index/", world.stack.output("LetheBucket")?);
    let read = async |who: &str| -> Result<(Value, usize)> {
        proxy.world().calls.clear();
        let regulation = forget(&world, &[who]).await?;
        let seen = [&format!("/{}/", world.bucket), &filters].map(|path| proxy.world().bytes_read(path));
        let seen = seen.iter().sum();
        Ok((archive(&regulation)["evidence"]["find"]["lookedAt"].clone(), seen))
    };
    let ((first, all_seen), (second, again_seen)) = (read("nobody-1").await?, read("nobody-2").await?);
    assert_eq!(first["versions"], second["versions"]);
    assert_eq!((&first["ruledOut"], &second["ruledOut"]), (&json!(0), &first["versions"]), "{second:#}");
    // What S3 gave: of compressed objects, and of filters, which it said at first are not there.
    assert_eq!(second["bytesRead"], again_seen);
    assert!(first["bytesRead"].as_u64().is_some_and(|read| read > 0 && read <= all_seen as u64), "{first:#}");
    let all_seen = first["bytesRead"].as_u64().unwrap_or(0) as usize;
    // Each of these small events has an anonymous id of its own. The benchmark holds the share for events like real ones.
    assert!(again_seen > 0 && again_seen * 10 <= all_seen, "{again_seen} of {all_seen} bytes");

    // Somebody who is there is found all the same.
    let done = tests::scenario::forget_the_three(&world).await?;
    assert_eq!(done["overallStatus"], "FINISHED", "{done:#}");
    assert_eq!(archive(&done)["evidence"]["find"]["counts"]["lines"], scenario.lines_of_the_three());
    scenario.assert_forgotten(&world).await
}

/// Once, a regulation that another's run served at once was sealed only when it had waited for others all the same.
#[tokio::test]
async fn a_regulation_that_is_served_early_is_sealed_early() -> Result<()> {
    let world = world_with(Options { purge_delay: Some(3_600), ..Options::default() }).await?;
    world.put(&key("early.jsonl"), line("ada", 1).as_bytes()).await?;
    let id = world.stack.api.erase(&["ada"]).await?;
    until(async || {
        let waits = items(&world, "RunsTable").await?.iter().any(|item| item["pk"]["S"] == "WAITING");
        Ok(if waits { Break(()) } else { Continue("it does not wait for a run") })
    })
    .await?;
    world.stack.api.post("/purge-runs", &json!({})).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    Ok(())
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() -> Result<()> {
    let world = World::with(Options { purge_delay: Some(600), ..Options::default() }).await?;
    let api = &world.stack.api;
    let key = key("counted.jsonl");
    let text = format!("{}{}", line("ada-lovelace", 1).repeat(2), line("bob", 1).repeat(9));
    world.put(&key, line("ada-lovelace", 7).as_bytes()).await?;
    world.put(&key, text.as_bytes()).await?;
    for name in ["sums.orc", "other.orc"] {
        world.put(&self::key(name), b"ORC\x0a").await?;
    }
    let all = api.get("/destinations").await?;
    let archive =
        all["data"]["destinations"].as_array().into_iter().flatten().find(|one| one["vendor"] == "s3");
    let archive = archive.and_then(|archive| archive["id"].as_str()).context("an archive")?;
    let exception = json!({
        "keys": self::key("sums.orc"), "kind": "unsupported", "reason": "sums, no ids",
        "until": jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)
    });
    api.post(&format!("/destinations/{archive}/exceptions"), &exception).await?;
    let id = api.erase(&["ada-lovelace", "nobody"]).await?;
    let everything = async || -> Result<String> {
        let versions = world.s3.list_object_versions().bucket(&world.bucket).send().await?;
        let mut all = format!("{:?}{:?}", versions.versions(), versions.delete_markers());
        for table in ["RegulationsTable", "SuppressionsTable", "DestinationsTable"] {
            all.push_str(&rows(&world.stack, table).await?);
        }
        Ok(all)
    };
    // Its other destinations and the list of who waits settle first.
    let mut before = everything().await?;
    until_every(Duration::from_secs(2), async || {
        let now = everything().await?;
        let settled = now == before && rows(&world.stack, "RunsTable").await?.contains("WAITING");
        before.clone_from(&now);
        Ok(if settled { Break(()) } else { Continue(now) })
    })
    .await?;
    let run = api.post("/purge-runs", &json!({ "dryRun": true })).await?;
    let run = run["data"]["purgeRun"]["id"].as_str().context("an id")?.to_owned();
    wait_for_phase(&world, "closed").await?;
    let report = api.get(&format!("/purge-runs/{run}/report")).await?["data"]["report"].take();
    let mut lines: Vec<_> = report["subjects"].as_object().context("subjects")?.values().cloned().collect();
    lines.sort_by_key(Value::as_u64);
    assert_eq!(lines, [json!(0), json!(3)], "{report:#}");
    assert_eq!(report["objects"][0]["key"], key.as_str(), "{report:#}");
    assert_eq!((&report["excepted"], &report["residuals"][1]), (&json!(1), &Value::Null), "{report:#}");
    assert_eq!(report["residuals"][0]["key"], self::key("other.orc"), "{report:#}");
    assert!(!report.to_string().contains("ada-lovelace"), "people stand in it by pseudonym: {report:#}");
    assert_eq!(world.get(&key).await?, text.as_bytes());
    assert_eq!(api.regulation(&id).await?["overallStatus"], "RUNNING", "it still waits");
    let shown = api.get(&format!("/purge-runs/{run}")).await?;
    assert_eq!(shown["data"]["purgeRun"]["progress"]["find"]["hits"], 3, "{shown:#}");
    assert_eq!(everything().await?, before, "objects, versions and records stay as they were");
    Ok(())
}

/// Every item of a table, as DynamoDB gives them.
async fn rows(stack: &Stack, table: &str) -> Result<String> {
    let body = json!({ "TableName": stack.output(table)?, "ConsistentRead": true });
    let scanned = stack.aws.call("dynamodb", "DynamoDB_20120810.Scan", body).await?;
    let mut items: Vec<_> = scanned["Items"].as_array().into_iter().flatten().map(Value::to_string).collect();
    items.sort_unstable();
    Ok(items.concat())
}

/// A run removes at most one line in a hundred unasked, if the archive says nothing else.
#[tokio::test]
async fn more_than_one_line_in_a_hundred_is_asked_for_unless_the_archive_says_otherwise() -> Result<()> {
    let world = World::with(Options { default_share: true, ..Options::default() }).await?;
    let text =
        format!("{}{}{}", line("ada", 1).repeat(2), line("eve", 1).repeat(3), line("bob", 1).repeat(195));
    world.put(&key("shared.jsonl"), text.as_bytes()).await?;

    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "2 of 200 lines: {regulation:#}");

    let id = world.stack.api.erase(&["eve"]).await?;
    let run = wait_for_phase(&world, "guard").await?;
    let question = run["question"].as_str().context("a question")?;
    assert!(question.contains("3 of 198 lines (1.52 %)"), "{question}");
    assert!(question.contains("at most 1.00 %"), "{question}");
    let shown = archive(&world.stack.api.regulation(&id).await?);
    assert_eq!(shown["purgeRun"]["id"], run["id"], "{shown:#}");
    assert_eq!(shown["purgeRun"]["question"], question, "{shown:#}");
    let run_id = run["id"].as_str().context("an id")?;
    world.stack.api.post(&format!("/purge-runs/{run_id}/confirm"), &Value::Null).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    assert_eq!(world.get(&key("shared.jsonl")).await?, line("bob", 1).repeat(195).as_bytes());
    Ok(())
}

/// A stop is asked for at one moment after the other, while the run begins, finds, asks and waits. Whoever was told
/// that the run is asked to stop is right, always.
#[tokio::test]
async fn a_stop_is_never_lost_whatever_the_run_does_at_that_moment() -> Result<()> {
    let options = Options { max_share: Some(0.5), purge_delay: Some(3_600), ..Options::default() };
    let world = world_with(options).await?;
    let api = &world.stack.api;
    world.put(&key(MOSTLY_THEIRS), mostly_theirs().as_bytes()).await?;
    let begin = async || -> Result<String> {
        api.erase(&["ada"]).await?;
        until(async || {
            let rows = rows(&world.stack, "RunsTable").await?;
            Ok(if rows.contains("WAITING") { Break(()) } else { Continue(rows) })
        })
        .await?;
        let run = api.post("/purge-runs", &json!({})).await?;
        Ok(run["data"]["purgeRun"]["id"].as_str().context("an id")?.to_owned())
    };
    for pause in [0, 150, 300, 450, 600, 800, 1_000, 1_300, 1_600, 2_000] {
        let run = begin().await?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let stopped = api.post(&format!("/purge-runs/{run}/stop"), &Value::Null).await?;
        assert_eq!(stopped["data"]["purgeRun"]["stopRequested"], true, "{stopped}");
        let ended = wait_for_end(&world, &run).await?;
        assert_eq!(ended["phase"], "aborted", "after {pause} ms: {ended:#}");
        assert_eq!(ended["stopRequested"], true, "after {pause} ms: {ended:#}");
        assert_eq!(world.get(&key(MOSTLY_THEIRS)).await?, mostly_theirs().as_bytes());
    }
    // Two who say different things at once: the run ends, and what it did is whole.
    let run = begin().await?;
    wait_for_phase(&world, "guard").await?;
    let (confirm, stop) = (format!("/purge-runs/{run}/confirm"), format!("/purge-runs/{run}/stop"));
    let (confirmed, stopped) =
        tokio::join!(api.send(Method::POST, &confirm, None), api.send(Method::POST, &stop, None));
    let (confirmed, stopped) = (confirmed?.0, stopped?.0);
    assert!(stopped.is_success() && (confirmed.is_success() || confirmed.as_u16() == 422));
    let ended = wait_for_end(&world, &run).await?;
    assert_eq!(ended["stopRequested"], true, "{ended:#}");
    let left = world.get(&key(MOSTLY_THEIRS)).await?;
    assert!(left == mostly_theirs().as_bytes() || left == line("bob", 1).as_bytes());
    Ok(())
}

/// A run, once it has ended.
pub(super) async fn wait_for_end(world: &World, run: &str) -> Result<Value> {
    until(async || {
        let run = world.stack.api.get(&format!("/purge-runs/{run}")).await?["data"]["purgeRun"].take();
        Ok(if run["finishedAt"].is_string() { Break(run) } else { Continue(run) })
    })
    .await
}
