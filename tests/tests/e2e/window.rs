//! Sealed means gone, whatever a recorder does that began before the suppression; and what a run found is known though
//! it was stopped.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tests::ingest::{TrackingClient, collected, names};
use tests::s3::{Fault, Rule, S3};
use tests::scenario::task;
use tests::world::Options;
use tokio::time::sleep;

use crate::archives::{archive, key, line, versions, world, world_with};
use crate::idempotence::kill;
use crate::runs::wait_for_phase;

/// How long the record function has: longer than a run takes to begin.
const TIMEOUT: u32 = 20;

/// A recorder reads the suppression list, then the person is suppressed; its file arrives when a run that did not wait
/// for it has listed the archive, and it is killed before its second look. Its message comes again with another one, so
/// that the second recorder's file is another one.
#[tokio::test]
async fn a_file_of_a_recorder_that_began_before_the_suppression_and_died_is_purged() -> Result<()> {
    let world = world_with(Options { record_timeout: Some(TIMEOUT), ..Options::default() }).await?;
    TrackingClient::open(&world, "web").await?;
    let proxy = S3::start(world.stack.aws)?;
    world.stack.configure("record", &[("AWS_ENDPOINT_URL_S3", &proxy.url)]).await?;
    let late = Fault::Held { before: Duration::from_secs(10), after: Duration::from_secs(600) };
    proxy.world().rules.push(Rule {
        methods: &[Method::PUT],
        path: world.bucket.clone(),
        times: 1,
        fault: late,
    });
    let (ada, bob) = (message("m1", "ada")?, message("m2", "bob")?);
    let (stack, records) = (world.stack.clone(), json!({ "Records": [ada.clone()] }));
    tokio::spawn(async move { stack.invoke("record", &records).await });
    wait(async || Ok(proxy.world().calls.iter().any(|call| call.method == Method::PUT))).await?;

    let id = world.stack.api.erase(&["ada"]).await?;
    wait(async || Ok(names(&collected(&world, "web").await?).contains("ada"))).await?;
    ensure!(kill("RecordFunction", world.stack.output("SuppressionsTable")?)? > 0, "no recorder was at work");
    world.stack.invoke("record", &json!({ "Records": [ada, bob] })).await?;

    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let left = collected(&world, "web").await?;
    assert_eq!(names(&left).into_iter().collect::<Vec<_>>(), ["bob"], "sealed, and ada is gone: {left:#?}");
    Ok(())
}

/// A message of the queue with one event.
fn message(id: &str, user: &str) -> Result<Value> {
    let now = Timestamp::now();
    let event = json!({
        "type": "track", "event": user, "userId": user, "messageId": id, "receivedAt": now, "timestamp": now,
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    writeln!(gzip, "{event}")?;
    let events = BASE64_STANDARD.encode(gzip.finish()?);
    let body = json!({ "sourceId": "web", "events": events }).to_string();
    Ok(json!({ "messageId": id, "receiptHandle": id, "body": body, "eventSource": "aws:sqs" }))
}

/// A run that is stopped when everything is removed, before it could say so: the next finds nothing, and yet what was
/// found counts.
#[tokio::test]
async fn what_a_stopped_run_found_is_in_the_evidence_of_the_attempt() -> Result<()> {
    let world = world().await?;
    let key = key("stopped.jsonl");
    world.put(&key, format!("{}{}", line("ada", 1).repeat(3), line("bob", 1)).as_bytes()).await?;
    let proxy = world.s3_proxy().await?;
    let silent = Fault::Held { before: Duration::ZERO, after: Duration::from_secs(8) };
    proxy.world().rules.push(Rule {
        methods: &[Method::DELETE],
        path: "stopped.jsonl".to_owned(),
        times: 1,
        fault: silent,
    });
    let api = &world.stack.api;
    let id = api.erase(&["ada"]).await?;
    let run = wait_for_phase(&world, "forget").await?;
    wait(async || {
        Ok(versions(&world, &key).await?.len() == 1 && world.get(&key).await? == line("bob", 1).as_bytes())
    })
    .await?;
    api.post(&format!("/purge-runs/{}/stop", run["id"].as_str().context("an id")?), &Value::Null).await?;
    wait_for_phase(&world, "aborted").await?;

    api.post("/purge-runs", &json!({})).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let evidence = &archive(&regulation)["evidence"];
    assert_eq!(evidence["find"]["counts"], json!({ "lines": 3, "objects": 1 }), "{evidence:#}");
    assert_eq!(evidence["verify"]["counts"]["lines"], 0, "{evidence:#}");
    Ok(())
}

/// Waits until something is so.
async fn wait(mut so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..600 {
        if so().await? {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("it did not come about")
}
