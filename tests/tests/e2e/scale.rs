//! Many objects in many batches, objects that end an invocation, and a stop in the middle of an object: each object has
//! an outcome of its own, every core has one to work on, and nothing is left behind.

use std::collections::BTreeSet;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tests::people::THREE;
use tests::progress::until_every;
use tests::s3::{Call, Fault, Rule};
use tests::scenario::{retry, task};

use crate::archives::{archive, forget, key, line, versions, world};
use crate::idempotence::{kill, long_lines, slowly};
use crate::runs::wait_for_phase;

const OBJECTS: usize = 2_000;
const IN_A_BATCH: usize = 8;

fn content(n: usize) -> String {
    let hit = if n.is_multiple_of(50) { line("ada", n) } else { String::new() };
    format!("{}{hit}{}", line("bob", n), line(&format!("eve-{n}"), n))
}

/// Two of them are corrupt, one in fifty holds the subject.
#[tokio::test]
async fn thousands_of_objects_in_hundreds_of_batches_are_counted_exactly() -> Result<()> {
    let world = world().await?;
    // An invocation lists no more than a page, and leaves the rest to the next.
    let objects = IN_A_BATCH.to_string();
    world.stack.configure("purge-run", &[("BATCH_OBJECTS", &objects), ("LIST_SECONDS", "0")]).await?;
    let name = |n: usize| key(&format!("{n:04}"));
    let corrupt = [name(777), name(1_234)];
    let put = |n: usize| {
        let (world, key) = (&world, name(n));
        // The first bytes of gzip, and then nothing.
        let body = if corrupt.contains(&key) { b"\x1f\x8b\x08".to_vec() } else { content(n).into_bytes() };
        async move { world.put(&key, &body).await }
    };
    stream::iter(0..OBJECTS).map(put).buffer_unordered(16).try_collect::<()>().await?;

    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "FAILED", "{regulation:#}");
    assert!(message.starts_with("2 object(s) could not be purged"), "{message}");
    assert!(corrupt.iter().all(|key| message.contains(&format!("{key} (corrupt"))), "{message}");
    let evidence = &archive(&regulation)["evidence"];
    let hit = OBJECTS.div_ceil(50);
    assert_eq!(evidence["find"]["counts"], json!({ "lines": hit, "objects": hit }), "{evidence:#}");
    assert_eq!(evidence["find"]["lookedAt"]["versions"], OBJECTS - corrupt.len(), "{evidence:#}");
    assert_eq!(evidence["forget"]["counts"]["objectsRewritten"], hit, "{evidence:#}");
    assert_eq!(evidence["verify"]["counts"]["lines"], 0, "{evidence:#}");
    assert_eq!(evidence["verify"]["residuals"], json!({ "corrupt": 2 }), "{evidence:#}");
    let runs = world.stack.api.get("/purge-runs").await?;
    let run = runs["data"]["purgeRuns"][0]["id"].as_str().context("an id")?;
    let shown = world.stack.api.get(&format!("/purge-runs/{run}")).await?;
    let progress = &shown["data"]["purgeRun"]["progress"];
    assert_eq!(progress["find"]["objects"], OBJECTS, "{progress:#}");
    assert_eq!(progress["find"]["hits"], hit, "{progress:#}");
    let own = world.stack.output("LetheBucket")?;
    let files = world.s3.list_objects_v2().bucket(own).prefix("runs/").into_paginator().send();
    let files = files.try_collect().await?;
    let keys = files.iter().flat_map(|page| page.contents()).filter_map(|object| object.key());
    let batches = keys.filter(|key| key.contains("/find/") && key.ends_with(".results.json")).count();
    // The last batch of each invocation that lists may not be full.
    let full = OBJECTS / IN_A_BATCH;
    assert!((full + 1..full + 4).contains(&batches), "{batches} batches");
    for n in (0..OBJECTS).step_by(25).filter(|&n| !corrupt.contains(&name(n))) {
        let left = content(n).replace(&line("ada", n), "");
        assert_eq!(world.get(&name(n)).await?, left.as_bytes(), "{n}");
    }
    assert_eq!(versions(&world, &name(0)).await?.len(), 1, "the version that held the subject is gone");
    Ok(())
}

/// How many of these calls were answered at once, at most.
fn at_once(calls: &[Call]) -> usize {
    let spans: Vec<_> = calls.iter().filter_map(|call| Some((call.begun, call.ended?))).collect();
    let during = |at| spans.iter().filter(|(begun, ended)| *begun <= at && at < *ended).count();
    spans.iter().map(|(begun, _)| during(*begun)).max().unwrap_or(0)
}

#[tokio::test]
async fn as_many_objects_of_a_batch_are_read_at_once_as_there_are_cores() -> Result<()> {
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    let names: BTreeSet<String> = (0..9).map(|n| key(&format!("{n}.jsonl"))).collect();
    for key in &names {
        world.put(key, line("bob", 1).as_bytes()).await?;
    }
    let archived = format!("/{}/", world.bucket);
    proxy.world().on_get(&archived, usize::MAX, Fault::Late(Duration::from_millis(300)));
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "NO_DATA_FOUND", "{regulation:#}");
    let mut calls = proxy.world().calls.clone();
    calls.retain(|call| call.method == Method::GET && call.path.starts_with(&archived));
    assert_eq!(calls.len(), names.len());
    let cores = available_parallelism()?.get();
    assert_eq!(at_once(&calls), cores.min(names.len()));
    Ok(())
}

/// Whatever it is about an object that ends each invocation that works on it, its neighbours in the batch are purged.
#[tokio::test]
async fn an_object_on_which_every_invocation_dies_is_left_and_named_and_its_neighbours_are_purged()
-> Result<()> {
    let world = world().await?;
    let proxy = world.s3_proxy().await?;
    let names: Vec<String> = ["a", "deadly", "p", "z"].map(|name| key(&format!("{name}.jsonl"))).into();
    for key in &names {
        world.put(key, format!("{}{}", line("ada", 1), line("bob", 1)).as_bytes()).await?;
    }
    let own = world.stack.output("LetheBucket")?.to_owned();
    let dies = move || -> futures::future::BoxFuture<'static, ()> {
        let own = own.clone();
        Box::pin(async move { drop(kill("PurgeFunction", &own)) })
    };
    let fault = Fault::First(Arc::new(dies));
    proxy.world().rules.push(Rule {
        methods: &[Method::GET],
        path: "deadly".into(),
        times: usize::MAX,
        fault,
    });
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "FAILED", "{regulation:#}");
    assert!(message.starts_with("1 object(s) could not be purged"), "{message}");
    assert!(message.contains("deadly.jsonl (no invocation ended that worked on it"), "{message}");
    assert_eq!(archive(&regulation)["evidence"]["verify"]["residuals"], json!({ "unprocessed": 1 }));
    for key in &names {
        let text = String::from_utf8(world.get(key).await?)?;
        assert_eq!(text.contains("ada"), key.contains("deadly"), "{key}: {text}");
        assert!(text.ends_with(&line("bob", 1)), "{key}: {text}");
    }

    proxy.world().rules.clear();
    let done = retry(&world, &regulation).await?;
    assert_eq!(task(&done, "Events archive").0, "CONFIRMED", "{done:#}");
    assert_eq!(world.get(&names[1]).await?, line("bob", 1).as_bytes());
    Ok(())
}

/// The object is so large that it takes several invocations, and the stop comes when parts of it were sent.
#[tokio::test]
async fn a_run_that_is_stopped_in_the_middle_of_an_object_leaves_no_parts() -> Result<()> {
    let world = world().await?;
    let proxy = slowly(&world).await?;
    let (key, lines) = (key("long.jsonl"), long_lines());
    world.put(&key, lines.concat().as_bytes()).await?;

    let api = &world.stack.api;
    let id = api.erase(&[THREE[0]]).await?;
    let uploads = async || -> Result<usize> {
        let uploads = world.s3.list_multipart_uploads().bucket(&world.bucket).send().await?;
        Ok(uploads.uploads().len())
    };
    until_every(Duration::from_millis(20), async || {
        Ok(if uploads().await? > 0 { Break(()) } else { Continue("no part was sent") })
    })
    .await?;
    let runs = api.get("/purge-runs").await?;
    let run = runs["data"]["purgeRuns"][0]["id"].as_str().context("an id")?.to_owned();
    api.post(&format!("/purge-runs/{run}/stop"), &Value::Null).await?;
    wait_for_phase(&world, "aborted").await?;
    assert_eq!(uploads().await?, 0, "parts were left");
    assert!(world.get(&key).await? == lines.concat().as_bytes(), "the object stays as it was");
    assert_eq!(api.regulation(&id).await?["overallStatus"], "RUNNING", "it waits for the next");

    proxy.world().rules.clear();
    api.post("/purge-runs", &json!({})).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let survivors: String = lines.into_iter().filter(|line| line.contains("somebody-else")).collect();
    assert!(world.get(&key).await? == survivors.as_bytes(), "everyone else's lines, byte for byte");
    assert_eq!(uploads().await?, 0, "parts were left");
    Ok(())
}
