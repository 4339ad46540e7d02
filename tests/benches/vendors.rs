//! How fast vendors are told, beside the rate that they permit, in the same run.
//!
//! Workers are processes of their own, as Lambda's are, with the real engine and the store of slots that they share.
//! The vendors are fakes that refuse what comes too fast.
//!
//! 1. Two workers tell Braze 5,000 people each, 50 a call. The reference is what Braze permits: 20,000 calls a minute.
//! 2. Eight workers ask Amplitude at once. The reference is what Amplitude permits: one call a second. A ratio above 1
//!    would be too fast.
//!
//! `target/bench/vendors.json` has a row per case: calls per second of ours and of the reference, their ratio, and the
//! ratio that is aimed at.

#![allow(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use destinations::cloud::{Outcome, vendor};
use forward::engine::{Engine, Job, VendorProgress, VendorTurn};
use model::destination::{Destination, Secrets};
use model::subject::Subject;
use serde_json::{Value, json};
use store::Store;
use tests::aws::Aws;
use tests::process::root;
use tests::vendors::amplitude::AMPLITUDE;
use tests::vendors::braze::BRAZE;
use tests::vendors::{Fake, Vendor};

const TABLE: &str = "destinations";
/// What a worker is told in this variable: its vendor, and where that is.
const WORK: &str = "BENCH_WORK";

struct Case {
    name: &'static str,
    fake: &'static Vendor,
    workers: usize,
    /// How many people each worker tells of.
    people: usize,
    /// Calls a second that the vendor permits.
    permitted: f64,
    at_least: f64,
}

const CASES: [Case; 2] = [
    Case {
        name: "Braze, 10,000 people, 2 workers",
        fake: &BRAZE,
        workers: 2,
        people: 5_000,
        permitted: 20_000.0 / 60.0,
        at_least: 0.8,
    },
    Case {
        name: "Amplitude, 1,600 people, 8 workers",
        fake: &AMPLITUDE,
        workers: 8,
        people: 200,
        permitted: 1.0,
        at_least: 0.7,
    },
];

#[tokio::main]
async fn main() -> Result<()> {
    if let Ok(work) = std::env::var(WORK) {
        return tell(&serde_json::from_str(&work)?).await;
    }
    // `cargo test --all-targets` asks every benchmark whether it runs; measuring is for `make bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let aws = Aws::start(&root().join(".local/logs/bench-aws.log")).await?;
    let key = |name| json!({ "AttributeName": name, "AttributeType": "S" });
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [key("pk"), key("sk")],
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
    });
    aws.endpoint.call("dynamodb", "DynamoDB_20120810.CreateTable", table).await?;
    let mut rows = Vec::new();
    for case in CASES {
        let fake = Fake::start(case.fake)?;
        let people = case.workers * case.people;
        fake.world().users.extend((0..people).map(|n| format!("u{n}")));
        let mut workers = Vec::new();
        for worker in 0..case.workers {
            let work = json!({ "destination": fake.destination(), "from": worker * case.people, "people": case.people });
            let mut command = Command::new(std::env::current_exe()?);
            command.env(WORK, work.to_string()).env("DESTINATIONS_TABLE", TABLE).envs(aws.endpoint.env());
            workers.push(command.spawn()?);
        }
        for mut worker in workers {
            ensure!(worker.wait()?.success(), "a worker failed");
        }
        let known = fake.world();
        ensure!(known.users.is_empty(), "everybody is told of");
        let (first, last) = known.times.first().zip(known.times.last()).context("calls")?;
        let ours = (known.times.len() - 1) as f64 / last.duration_since(*first).as_secs_f64();
        let ratio = ours / case.permitted;
        println!(
            "{:<40} {ours:>7.1} calls/s  permitted {:>7.1}  ratio {ratio:.2} (aim {}), {} refused as too fast",
            case.name, case.permitted, case.at_least, known.too_fast
        );
        rows.push(json!({ "name": case.name, "ours": ours, "reference": case.permitted, "ratio": ratio,
                          "at_least": case.at_least, "tooFast": known.too_fast }));
    }
    let target = root().join("target/bench");
    fs::create_dir_all(&target)?;
    fs::write(target.join("vendors.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// A worker: takes turns until each of its people has an outcome.
async fn tell(work: &Value) -> Result<()> {
    let mut place = work["destination"].clone();
    let secrets: Secrets = serde_json::from_value(place["secrets"].take())?;
    let place = json!({ "id": "dst_0193aeb1c2d37f6f8c1e5a7b9d0e2f41", "name": place["name"], "vendor": place["vendor"], "kind": "CLOUD",
                        "settings": place["settings"], "enabledFrom": "2026-01-01T00:00:00Z" });
    let destination: Destination = serde_json::from_value(place)?;
    let number = |field: &str| work[field].as_u64().unwrap_or_default();
    let people = number("from")..number("from") + number("people");
    let people: Vec<_> = people.map(|n| vec![Subject::user(format!("u{n}"))]).collect();
    let engine = Engine::new(Some(Store::from_env(&aws::config().await)), true)?;
    let vendor = vendor(&destination.vendor)?;
    let job = Job { destination: &destination, secrets: &secrets, regulation: "bench", people: &people };
    let (mut progress, end) = (VendorProgress::default(), Instant::now() + Duration::from_secs(300));
    loop {
        ensure!(Instant::now() < end, "it does not end");
        let until = Instant::now() + Duration::from_secs(60);
        match engine.turn(vendor, job, &mut progress, until, async |_| Ok(())).await {
            Ok(VendorTurn::Done) => break,
            Ok(VendorTurn::Later(_)) | Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
    ensure!(!progress.outcomes().contains_key(&Outcome::Refused), "nobody is refused");
    Ok(())
}
