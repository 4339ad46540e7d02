//! How fast the door is with 0, 10,000 and 1,000,000 suppressed subjects, and how long a suppression takes to hold.
//!
//! The deployed program, built as it is deployed but for x86-64, is run as Lambda runs it (see `runtime`): one instance for
//! each size of the list. A request is a batch of 100 events of as many users. The door knows them from earlier in the day,
//! and not from the last half second, so that each is looked up. The instances take turns, and each round begins with
//! another one: what a busy machine does to one size it does to all. A ratio is the median of what the rounds say.
//!
//! `target/bench/collect.json`: per size, p50 and p99 in milliseconds (`ours`) beside those with nobody suppressed
//! (`reference`), and how many events a second of one core's time lets in. The lag: from the API's 200 to the last event
//! that one of three warm instances put into the queue, the longest of all in milliseconds, beside the second that is
//! promised. Upstream: a source whose events are sent on, too, beside one whose are not. `BEFORE=program` measures an earlier
//! program beside this one, and nothing else.

#![allow(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws::event_queue::Message;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tests::aws::Endpoint;
use tests::ingest::TrackingClient;
use tests::process::root;
use tests::stack::programs;
use tests::world::World;

use runtime::{Function, Took, Wire, percentile};

#[allow(dead_code, reason = "how long a start takes is the API's benchmark")]
mod runtime;

const SIZES: [usize; 3] = [0, 10_000, 1_000_000];
const EVENTS: usize = 100;
const ROUNDS: usize = 1_000;
/// After so many batches the same users come again, later than the door remembers them for.
const BATCHES: usize = 20;
/// How many suppressions are timed, and at how many warm instances.
const LAGS: usize = 20;
const INSTANCES: usize = 3;

/// The door in front of a list of one size.
struct Place {
    size: usize,
    function: Function,
    times: Vec<Took>,
    /// What one core did for it, in seconds.
    core: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` asks every benchmark whether it runs; measuring is for `make bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = ["build", "--release", "--package", "collect"];
    ensure!(Command::new(cargo).args(build).current_dir(root()).status()?.success(), "it does not build");
    let world = World::collecting().await?;
    let mut bench = Bench {
        program: programs()?.with_file_name("release").join("collect"),
        wire: Wire::start(world.stack.aws.port).await?,
        key: TrackingClient::open(&world, "web").await?.key,
        queue: queue(world.stack.aws).await?,
        world,
        rows: Vec::new(),
    };
    match std::env::var_os("BEFORE") {
        Some(before) => bench.compare(before.into()).await?,
        None => {
            bench.speed().await?;
            bench.upstream().await?;
            bench.lag().await?;
        }
    }
    let target = root().join("target/bench");
    fs::create_dir_all(&target)?;
    fs::write(target.join("collect.json"), serde_json::to_string_pretty(&bench.rows)?)?;
    Ok(())
}

struct Bench {
    world: World,
    wire: Wire,
    program: std::path::PathBuf,
    /// The write key.
    key: String,
    /// Where what is let in goes: into a queue that nobody writes to an archive from, so that only the door is at work.
    queue: String,
    rows: Vec<Value>,
}

impl Bench {
    async fn door(&self, table: Option<&str>) -> Result<Function> {
        self.door_of(&self.key, table, None).await
    }

    async fn door_of(&self, key: &str, table: Option<&str>, upstream: Option<&str>) -> Result<Function> {
        let authorization = format!("Basic {}", BASE64_STANDARD.encode(format!("{key}:")));
        let mut change = vec![("EVENTS_QUEUE", self.queue.as_str())];
        change.extend(table.map(|table| ("SUPPRESSIONS_TABLE", table)));
        change.extend(upstream.map(|queue| ("UPSTREAM_QUEUE", queue)));
        Function::start(&self.world, &self.wire, &self.program, &authorization, &change).await
    }

    async fn speed(&mut self) -> Result<()> {
        let mut places = Vec::new();
        for size in SIZES {
            let table = format!("suppressed-{size}");
            fill(self.world.stack.aws, &table, size).await?;
            let function = self.door(Some(&table)).await?;
            places.push(Place { size, function, times: Vec::new(), core: 0.0 });
        }
        // On the first pass each user is met for the first time that day, which is written down.
        for round in 0..BATCHES + ROUNDS {
            for turn in 0..places.len() {
                let place = &mut places[(round + turn) % SIZES.len()];
                if round == BATCHES {
                    place.core = -place.function.core_seconds()?;
                }
                let took =
                    place.function.call("POST", "/v1/batch", "", Some(batch(round % BATCHES))).await?.1;
                place.times.extend((round >= BATCHES).then_some(took));
            }
        }
        for place in &mut places {
            place.core += place.function.core_seconds()?;
        }
        let none = &places[0];
        for place in &places {
            let of = |place: &Place, share| percentile(&place.times, share, |took| took.whole);
            let mut ratios: Vec<f64> = none
                .times
                .iter()
                .zip(&place.times)
                .map(|(none, some)| none.whole.as_secs_f64() / some.whole.as_secs_f64())
                .collect();
            ratios.sort_by(f64::total_cmp);
            let (p50, p99, size) = (of(place, 0.5), of(place, 0.99), place.size);
            let per_second = (EVENTS * ROUNDS) as f64 / place.core;
            let (ratio, least) = (ratios[ratios.len() / 2], percentile(&place.times, 0.0, |took| took.whole));
            println!(
                "{size:>9} suppressed: p50 {p50:>5.1} ms (ratio {ratio:.2})  p99 {p99:>6.1} ms  least {least:>5.1} ms  {per_second:>7.0} events/s and core"
            );
            self.rows.push(json!({ "name": format!("100 events, {size} suppressed: p50"), "ours": p50,
                "reference": of(none, 0.5), "ratio": ratio, "at_least": 0.9, "least": least }));
            self.rows.push(json!({ "name": format!("100 events, {size} suppressed: p99"), "ours": p99,
                "reference": of(none, 0.99), "ratio": of(none, 0.99) / p99, "at_least": 0.9 }));
            self.rows.push(json!({ "name": format!("events a second and core, {size} suppressed"), "ours": per_second,
                "reference": (EVENTS * ROUNDS) as f64 / none.core, "ratio": none.core / place.core, "at_least": 0.9 }));
        }
        Ok(())
    }

    /// This program beside an earlier one, in turn, with 10,000 suppressed.
    async fn compare(&mut self, before: std::path::PathBuf) -> Result<()> {
        let mut places = Vec::new();
        for program in [before, self.program.clone()] {
            let table = format!("compared-{}", places.len());
            fill(self.world.stack.aws, &table, SIZES[1]).await?;
            self.program = program;
            places.push((self.door(Some(&table)).await?, Vec::new(), 0.0));
        }
        for round in 0..BATCHES + ROUNDS {
            for turn in 0..places.len() {
                let place = (round + turn) % places.len();
                let (function, times, core) = &mut places[place];
                if round == BATCHES {
                    *core = -function.core_seconds()?;
                }
                let took = function.call("POST", "/v1/batch", "", Some(batch(round % BATCHES))).await?.1;
                times.extend((round >= BATCHES).then_some(took));
            }
        }
        for (function, _, core) in &mut places {
            *core += function.core_seconds()?;
        }
        let [before, now] = [0, 1].map(|place| percentile(&places[place].1, 0.5, |took| took.whole));
        let (cores, events) = ([places[0].2, places[1].2], (EVENTS * ROUNDS) as f64);
        let [core_before, core_now] = cores.map(|core| events / core);
        println!(
            "before: p50 {before:.1} ms, {core_before:.0} events/s and core; now: p50 {now:.1} ms (ratio {:.2}), {core_now:.0} events/s and core (ratio {:.2})",
            before / now,
            core_now / core_before
        );
        self.rows.push(
            json!({ "name": "100 events, beside the program before: p50", "ours": now, "reference": before,
            "ratio": before / now, "at_least": 0.9 }),
        );
        self.rows
            .push(json!({ "name": "events a second and core, beside the program before", "ours": core_now,
            "reference": core_before, "ratio": core_now / core_before, "at_least": 0.9 }));
        Ok(())
    }

    /// The price of sending on: the same requests to a source with an upstream and to one without, in turn.
    async fn upstream(&mut self) -> Result<()> {
        let front = TrackingClient::open(&self.world, "front").await?;
        let there = json!({ "url": "http://127.0.0.1:9", "format": "segment", "secret": "key" });
        let (status, answer) =
            self.world.stack.api.send(Method::PUT, "/sources/front/upstream", Some(&there)).await?;
        ensure!(status.is_success(), "{answer}");
        let queue = fifo(self.world.stack.aws).await?;
        let mut places = Vec::new();
        for key in [self.key.clone(), front.key] {
            let table = format!("sent-on-{}", places.len());
            fill(self.world.stack.aws, &table, 0).await?;
            places.push((self.door_of(&key, Some(&table), Some(&queue)).await?, Vec::new()));
        }
        for round in 0..BATCHES + ROUNDS / 2 {
            for turn in 0..places.len() {
                let place = (round + turn) % places.len();
                let (function, times) = &mut places[place];
                let took = function.call("POST", "/v1/batch", "", Some(batch(round % BATCHES))).await?.1;
                times.extend((round >= BATCHES).then_some(took));
            }
        }
        let [alone, on] = [0, 1].map(|place| percentile(&places[place].1, 0.5, |took| took.whole));
        println!("sent on upstream, too: p50 {on:.1} ms, without {alone:.1} ms (ratio {:.2})", alone / on);
        self.rows
            .push(json!({ "name": "100 events, sent on upstream, too: p50", "ours": on, "reference": alone,
            "ratio": alone / on, "at_least": 0.5 }));
        Ok(())
    }

    /// From the answer to a suppression to the last event of that user which any instance let in. The instances begin at
    /// different times, so that what they know is of different age.
    async fn lag(&mut self) -> Result<()> {
        received(self.world.stack.aws, &self.queue).await?;
        let mut instances = Vec::new();
        for _ in 0..INSTANCES {
            instances.push(self.door(None).await?);
        }
        let mut answered = BTreeMap::new();
        for number in 0..LAGS {
            let user = format!("lag-{number}");
            let event = json!({ "userId": user, "event": "Here I Am" });
            for (place, instance) in instances.iter_mut().enumerate() {
                instance.call("POST", "/v1/track", "", Some(event.clone())).await?;
                tokio::time::sleep(Duration::from_millis(150 * place as u64)).await;
            }
            let body =
                json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": [user] });
            let api = self.world.stack.api.clone();
            let suppressing = tokio::spawn(async move {
                api.post("/regulations", &body).await.map(|_| (Timestamp::now(), Instant::now()))
            });
            let mut until = None;
            while until.is_none_or(|until| Instant::now() < until) {
                for instance in &mut instances {
                    instance.call("POST", "/v1/track", "", Some(event.clone())).await?;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
                if until.is_none() && suppressing.is_finished() {
                    until = Some(Instant::now() + Duration::from_millis(1_500));
                }
            }
            answered.insert(user, suppressing.await??.0);
        }
        let mut lags: BTreeMap<&String, f64> = answered.keys().map(|user| (user, 0.0)).collect();
        let let_in = received(self.world.stack.aws, &self.queue).await?;
        ensure!(let_in.len() >= LAGS * INSTANCES, "the door let {} in", let_in.len());
        for (user, at) in &let_in {
            let (user, answered) = answered.get_key_value(user).context("nobody else was there")?;
            let lag = at.duration_since(*answered).as_secs_f64() * 1_000.0;
            lags.entry(user).and_modify(|most| *most = most.max(lag));
        }
        let mut lags: Vec<f64> = lags.into_values().collect();
        lags.sort_by(f64::total_cmp);
        let (middle, most) = (lags[lags.len() / 2], lags[lags.len() - 1]);
        println!(
            "lag of {LAGS} suppressions at {INSTANCES} instances: p50 {middle:.0} ms, the longest {most:.0} ms"
        );
        self.rows.push(json!({ "name": "lag: from a suppression's 200 to the last event let in", "ours": most,
            "reference": 1_000.0, "ratio": 1_000.0 / most.max(1.0), "at_least": 1.0, "p50": middle, "samples": LAGS }));
        Ok(())
    }
}

/// A queue that nobody takes from.
async fn queue(aws: Endpoint) -> Result<String> {
    let made = aws.call("sqs", "AmazonSQS.CreateQueue", json!({ "QueueName": "bench-events" })).await?;
    Ok(made["QueueUrl"].as_str().context("the queue has no URL")?.to_owned())
}

/// The same, in order.
async fn fifo(aws: Endpoint) -> Result<String> {
    let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    let create = json!({ "QueueName": "bench-upstream.fifo", "Attributes": attributes });
    let made = aws.call("sqs", "AmazonSQS.CreateQueue", create).await?;
    Ok(made["QueueUrl"].as_str().context("the queue has no URL")?.to_owned())
}

/// Whose events are in the queue, and when they came in; after that it is empty.
async fn received(aws: Endpoint, queue: &str) -> Result<Vec<(String, Timestamp)>> {
    let mut all = Vec::new();
    loop {
        let ask = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600 });
        let reply = aws.call("sqs", "AmazonSQS.ReceiveMessage", ask).await?;
        let messages = reply["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return Ok(all);
        }
        for message in messages {
            let (_, events) = Message::read(message["Body"].as_str().context("a message has a body")?)?;
            all.extend(events.into_iter().filter_map(|event| Some((event.user?.id, event.received_at))));
            let delete = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
            aws.call("sqs", "AmazonSQS.DeleteMessage", delete).await?;
        }
    }
}

fn batch(number: usize) -> Value {
    let event = |n: usize| {
        json!({
            "type": "track", "event": "Order Completed", "messageId": format!("bench-{number}-{n}"),
            "userId": format!("user-{number}-{n}"), "timestamp": "2026-11-24T20:00:00.000Z",
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
