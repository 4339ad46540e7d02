//! How long the API's function takes to answer, and how much of that it waits for AWS.
//!
//! The deployed program is run as Lambda runs it: a small runtime API (docs.aws.amazon.com/lambda/latest/dg/
//! runtimes-api.html) hands it one event after the other and takes the answers, so that the clock runs inside the
//! function alone, without API Gateway. Its calls to the local AWS go through a proxy that notes when each is under way.
//! State machines end at once here, so that no other function takes the machine's time.
//!
//! `target/bench/api.json` has a row per case, in milliseconds: `ours`, what the function itself takes; `reference`, what
//! it waits for AWS; p50 and p99 of the whole.

#![allow(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::process::root;
use tests::stack::programs;
use tests::world::World;

use runtime::{Function, Took, Wire, percentile};

#[allow(dead_code, reason = "what a core did is asked by another benchmark")]
mod runtime;

/// How often the program is started, to see how long that takes.
const STARTS: usize = 15;

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` asks every benchmark whether it runs; measuring is for `make bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let world = World::new().await?;
    idle_state_machine(&world).await?;
    let wire = Wire::start(world.stack.aws.port).await?;
    let token = format!("Bearer {}", world.stack.api.token);
    let intake = programs()?.join("intake");
    let mut rows = Vec::new();
    let (mut inits, mut firsts) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut function = Function::start(&world, &wire, &intake, &token, &[]).await?;
        inits.push(Took { whole: function.init, aws: Duration::ZERO });
        firsts.push(function.call("GET", "/regulations", "pagination.count=1", None).await?.1);
    }
    rows.push(row("cold start: until the first event is asked for", inits));
    rows.push(row("cold start: the first request", firsts));

    let mut function = Function::start(&world, &wire, &intake, &token, &[]).await?;
    let subjects = |count: usize, round: usize| -> Vec<String> {
        (0..count).map(|n| format!("user-{round}-{n:05}-{:032}", n)).collect()
    };
    let body = |count, round| {
        let subjects: Vec<String> = subjects(count, round);
        json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": subjects })
    };
    let create = async |function: &mut Function, name: &str, count, rounds| {
        let (mut times, mut last) = (Vec::new(), String::new());
        for round in 0..rounds {
            let (answer, took) = function.call("POST", "/regulations", "", Some(body(count, round))).await?;
            last = answer["data"]["regulateId"].as_str().with_context(|| format!("{answer}"))?.to_owned();
            times.push(took);
        }
        anyhow::Ok((row(name, times), last))
    };
    let read = async |function: &mut Function, name: &str, path: &str, query: &str, rounds| {
        let mut times = Vec::new();
        for _ in 0..rounds {
            times.push(function.call("GET", path, query, None).await?.1);
        }
        anyhow::Ok(row(name, times))
    };
    let (posted, last) = create(&mut function, "POST /regulations, 1 subject", 1, 200).await?;
    rows.push(posted);
    let one = format!("/regulations/{last}");
    rows.push(read(&mut function, "GET /regulations/{id}", &one, "", 200).await?);
    let (list, hundred) = ("/regulations", "pagination.count=100");
    rows.push(read(&mut function, "GET /regulations, 100 of 1 subject", list, hundred, 60).await?);
    rows.push(create(&mut function, "POST /regulations, 5,000 subjects", 5_000, 40).await?.0);
    rows.push(read(&mut function, "GET /regulations, a full page of 4 MB", list, hundred, 20).await?);
    let whom = |n: usize| {
        let kind = ["USER_ID", "EMAIL"][n % 2];
        json!({ "type": kind, "id": format!("user-{n}@example.com") })
    };
    let half: Vec<Value> = (0..500).map(whom).collect();
    world.stack.api.post("/suppressions", &json!({ "subjects": half })).await?;
    let check = json!({ "subjects": (0..1_000).map(whom).collect::<Vec<_>>() });
    let mut times = Vec::new();
    for _ in 0..200 {
        let (answer, took) = function.call("POST", "/suppressions/check", "", Some(check.clone())).await?;
        let out = answer["data"]["suppressed"].as_array().into_iter().flatten().filter(|out| **out == true);
        ensure!(out.count() == 500, "half of them are suppressed");
        times.push(took);
    }
    rows.push(row("POST /suppressions/check, 1,000 subjects", times));
    let target = root().join("target/bench");
    fs::create_dir_all(&target)?;
    fs::write(target.join("api.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

fn row(name: &str, times: Vec<Took>) -> Value {
    let of = |share: f64, part: fn(&Took) -> Duration| percentile(&times, share, part);
    let (p50, p99) = (of(0.5, |t| t.whole), of(0.99, |t| t.whole));
    let (ours, aws) = (of(0.5, Took::own), of(0.5, |t| t.aws));
    println!("{name:<50} p50 {p50:>7.1} ms  p99 {p99:>7.1} ms  of p50: ours {ours:>6.1}, AWS {aws:>6.1}");
    let ratio = if aws > 0.0 { Some(ours / aws) } else { None };
    json!({ "name": name, "ours": ours, "reference": aws, "ratio": ratio, "at_least": null, "p50": p50, "p99": p99,
            "samples": times.len() })
}

/// Makes every execution end as soon as it begins.
async fn idle_state_machine(world: &World) -> Result<()> {
    let definition = json!({ "StartAt": "Done", "States": { "Done": { "Type": "Pass", "End": true } } });
    let machine = world.stack.output("DeletionStateMachine")?;
    let update = json!({ "stateMachineArn": machine, "definition": definition.to_string() });
    world.stack.aws.call("states", "AWSStepFunctions.UpdateStateMachine", update).await?;
    Ok(())
}
