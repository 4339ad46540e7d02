//! How fast the door is with 0, 10,000 and 1,000,000 suppressed subjects, and how long a suppression takes to hold.
//!
//! The deployed program is run as Lambda runs it (see `runtime`). A request is a batch of 100 events of as many users whom
//! the instance has not met in the last half second, so that each is looked up; lists of the three sizes take turns.
//!
//! `target/bench/collect.json`: per size, p50 in milliseconds (`ours`) beside p50 with nobody suppressed (`reference`),
//! p99, and how many events the function's own time would let one core take in a second. The lag: from the API's 200 to
//! the last event that was kept, over three warm instances; the slowest of all in milliseconds, beside the second that is
//! promised.

#![allow(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::aws::Endpoint;
use tests::door::{Door, wait_for};
use tests::process::root;
use tests::world::World;

use runtime::{Function, Took, Wire, percentile};

#[allow(dead_code, reason = "how long a start takes is the API's benchmark")]
mod runtime;

const SIZES: [usize; 3] = [0, 10_000, 1_000_000];
const EVENTS: usize = 100;
const ROUNDS: usize = 120;
/// How many suppressions are timed, and at how many warm instances.
const LAGS: usize = 10;
const INSTANCES: usize = 3;

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` asks every benchmark whether it runs; measuring is for `make bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let world = World::new().await?;
    let wire = Wire::start(world.stack.aws.port).await?;
    let door = Door::open(&world, "web").await?;
    let authorization = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", door.key)));
    let mut rows = Vec::new();

    let mut doors = Vec::new();
    for size in SIZES {
        let table = format!("suppressed-{size}");
        fill(world.stack.aws, &table, size).await?;
        let change = [("SUPPRESSIONS_TABLE", table.as_str())];
        doors.push((
            size,
            Function::start(&world, &wire, "collect", &authorization, &change).await?,
            Vec::new(),
        ));
    }
    for round in 0..ROUNDS {
        for (_, function, times) in &mut doors {
            let took = function.call("POST", "/v1/batch", "", Some(batch(round))).await?.1;
            // The first ones open connections.
            if round >= 10 {
                times.push(took);
            }
        }
    }
    let reference = percentile(&doors[0].2, 0.5, |took| took.whole);
    for (size, _, times) in &doors {
        let of = |share| percentile(times, share, |took| took.whole);
        let (p50, p99, own) = (of(0.5), of(0.99), percentile(times, 0.5, Took::own));
        let per_second = EVENTS as f64 / own * 1_000.0;
        println!(
            "{size:>9} suppressed: p50 {p50:>6.1} ms  p99 {p99:>6.1} ms  {per_second:>8.0} events/s and core"
        );
        rows.push(json!({ "name": format!("100 events, {size} suppressed"), "ours": p50, "reference": reference,
            "ratio": reference / p50, "at_least": 0.9, "p50": p50, "p99": p99, "eventsPerSecondPerCore": per_second,
            "samples": times.len() }));
    }
    drop(doors);

    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(Function::start(&world, &wire, "collect", &authorization, &[]).await?);
    }
    let mut lags = Vec::new();
    for number in 0..LAGS {
        lags.push(lag(&world, &mut instances, &format!("lag-{number}")).await?);
    }
    lags.sort_by(f64::total_cmp);
    let (middle, most) = (lags[lags.len() / 2], lags[lags.len() - 1]);
    println!("lag: p50 {middle:.0} ms, the longest {most:.0} ms");
    rows.push(json!({ "name": "lag: from a suppression's 200 to the last event kept", "ours": most,
        "reference": 1_000.0, "ratio": 1_000.0 / most.max(1.0), "at_least": 1.0, "p50": middle, "samples": LAGS }));

    let target = root().join("target/bench");
    fs::create_dir_all(&target)?;
    fs::write(target.join("collect.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

fn batch(round: usize) -> Value {
    let event = |n: usize| {
        json!({
            "type": "track", "event": "Order Completed", "messageId": format!("bench-{round}-{n}"),
            "userId": format!("user-{round}-{n}"), "timestamp": "2026-11-24T20:00:00.000Z",
            "context": { "library": { "name": "bench", "version": "1" }, "userAgent": "x".repeat(120),
                         "page": { "url": "https://shop.example.com/checkout", "title": "Checkout" } },
            "properties": { "order_id": format!("o-{n}"), "total": 49.9, "currency": "EUR",
                            "note": "y".repeat(400) },
        })
    };
    json!({ "sentAt": "2026-11-24T20:00:01.000Z", "batch": (0..EVENTS).map(event).collect::<Vec<_>>() })
}

/// Makes a suppression list. Its subjects are nobody's who comes in, so that each size has the same work to do.
async fn fill(aws: Endpoint, table: &str, size: usize) -> Result<()> {
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let create = json!({ "TableName": table, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("pk"), text("sk")], "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")] });
    aws.call("dynamodb", "DynamoDB_20120810.CreateTable", create).await?;
    let put = |n: usize| {
        let id = format!("suppressed-{n}");
        let subject = json!({ "M": { "type": { "S": "USER_ID" }, "id": { "S": id } } });
        json!({ "PutRequest": { "Item": { "pk": { "S": format!("USER_ID#{id}") }, "sk": { "S": "PERSON" },
            "scope": { "S": "WORKSPACE" }, "suppressedAt": { "S": "2026-11-24T20:00:00.000000000Z" },
            "subject": subject } } })
    };
    let http = aws.http();
    let writes = (0..size).step_by(25).map(|from| {
        let items: Vec<Value> = (from..(from + 25).min(size)).map(put).collect();
        let body = json!({ "RequestItems": { table: items } }).to_string();
        let request = http
            .post(aws.url())
            .header("x-amz-target", "DynamoDB_20120810.BatchWriteItem")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .body(body);
        async move {
            let reply = request.send().await?;
            ensure!(reply.status().is_success(), "{}", reply.status());
            anyhow::Ok(())
        }
    });
    stream::iter(writes).buffer_unordered(8).try_collect().await
}

/// From the answer to a suppression to the last event of that user which any instance let in, in milliseconds.
async fn lag(world: &World, instances: &mut [Function], user: &str) -> Result<f64> {
    let event = |name: String| json!({ "userId": user, "event": name });
    for (place, instance) in instances.iter_mut().enumerate() {
        instance.call("POST", "/v1/track", "", Some(event(format!("{user} warm {place}")))).await?;
    }
    let body = json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": [user] });
    let called = Timestamp::now();
    world.stack.api.post("/regulations", &body).await?;
    let answered = Timestamp::now();
    let mut number = 0;
    while Timestamp::now().duration_since(answered).as_millis() < 1_500 {
        for instance in instances.iter_mut() {
            instance.call("POST", "/v1/track", "", Some(event(format!("{user} {number}")))).await?;
            number += 1;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let other = json!({ "userId": "somebody", "event": format!("{user} is done") });
    instances[0].call("POST", "/v1/track", "", Some(other)).await?;
    let warm = (0..instances.len()).map(|place| format!("{user} warm {place}"));
    let wanted: Vec<String> = warm.chain([format!("{user} is done")]).collect();
    wait_for(world, "web", &wanted).await?;
    // What was let in before that and is written later.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut last = called;
    for kept in tests::door::collected(world, "web").await? {
        if kept["userId"] == user {
            last = last.max(kept["receivedAt"].as_str().context("an event came in at a time")?.parse()?);
        }
    }
    Ok((last.duration_since(answered).as_secs_f64() * 1_000.0).max(0.0))
}
