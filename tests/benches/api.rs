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

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tests::process::{Dir, Process, Spec, root};
use tests::stack::programs;
use tests::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as Turn, mpsc};

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
    let mut rows = Vec::new();
    let (mut inits, mut firsts) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut function = Function::start(&world, &wire).await?;
        inits.push(Took { whole: function.init, aws: Duration::ZERO });
        firsts.push(function.call("GET", "/regulations", "pagination.count=1", None).await?.1);
    }
    rows.push(row("cold start: until the first event is asked for", inits));
    rows.push(row("cold start: the first request", firsts));

    let mut function = Function::start(&world, &wire).await?;
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
    let target = root().join("target/bench");
    fs::create_dir_all(&target)?;
    fs::write(target.join("api.json"), serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// How long a call took, and how much of it at least one call to AWS was under way.
#[derive(Clone, Copy)]
struct Took {
    whole: Duration,
    aws: Duration,
}

fn row(name: &str, times: Vec<Took>) -> Value {
    let of = |share: f64, part: fn(&Took) -> Duration| {
        let mut sorted: Vec<f64> = times.iter().map(|took| part(took).as_secs_f64() * 1_000.0).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1]
    };
    let (p50, p99) = (of(0.5, |t| t.whole), of(0.99, |t| t.whole));
    let (ours, aws) = (of(0.5, |t| t.whole - t.aws), of(0.5, |t| t.aws));
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

/// Passes bytes on to the local AWS, and notes from when to when each call was under way.
#[derive(Clone)]
struct Wire {
    port: u16,
    calls: Arc<Mutex<Vec<(Instant, Instant)>>>,
}

impl Wire {
    async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire = Self { port: listener.local_addr()?.port(), calls: Arc::default() };
        let calls = wire.calls.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let calls = calls.clone();
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await {
                        let _ = (client.set_nodelay(true), server.set_nodelay(true));
                        pass(client, server, calls).await;
                    }
                });
            }
        });
        Ok(wire)
    }

    /// For how long at least one call was under way between two times.
    fn busy(&self, from: Instant, to: Instant) -> Duration {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.sort();
        let (mut busy, mut until) = (Duration::ZERO, from);
        for (begun, ended) in calls.iter().filter(|(begun, ended)| *ended > from && *begun < to) {
            let (begun, ended) = ((*begun).max(until), (*ended).min(to));
            busy += ended.saturating_duration_since(begun);
            until = until.max(ended);
        }
        calls.clear();
        busy
    }
}

/// One connection: a call begins with bytes of the client's that follow bytes of the server's.
async fn pass(mut client: TcpStream, mut server: TcpStream, calls: Arc<Mutex<Vec<(Instant, Instant)>>>) {
    let (mut asked, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let (mut begun, mut ended): (Option<Instant>, Option<Instant>) = (None, None);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                if ended.take().is_some() || begun.is_none() {
                    begun = Some(Instant::now());
                }
                if server.write_all(&asked[..read]).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                let now = Instant::now();
                ended = Some(now);
                if let Some(begun) = begun {
                    calls.lock().unwrap_or_else(PoisonError::into_inner).push((begun, now));
                }
                if client.write_all(&answered[..read]).await.is_err() { return }
            }
        }
    }
}

/// The function's program, and the runtime API that it asks.
struct Function {
    init: Duration,
    wire: Wire,
    token: String,
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<(Instant, Bytes)>,
    given: mpsc::Receiver<Instant>,
    _program: Process,
}

#[derive(Clone)]
struct Runtime {
    events: Arc<Turn<mpsc::Receiver<Value>>>,
    answers: mpsc::Sender<(Instant, Bytes)>,
    given: mpsc::Sender<Instant>,
    asked: mpsc::Sender<()>,
}

impl Function {
    async fn start(world: &World, wire: &Wire) -> Result<Self> {
        let ((events, next), (answer, answers)) = (mpsc::channel(1), mpsc::channel(1));
        let ((give, given), (ask, mut asked)) = (mpsc::channel(1), mpsc::channel(64));
        let runtime = Runtime { events: Arc::new(Turn::new(next)), answers: answer, given: give, asked: ask };
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_event))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(take_answer))
            // What Lambda takes of an answer.
            .layer(DefaultBodyLimit::max(6 << 20))
            .with_state(runtime);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, routes).await });

        let mut program = Command::new(programs()?.join("intake"));
        program.envs(world.stack.aws.env()).envs(world.stack.environment("intake").await?);
        program.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", wire.port));
        program.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", "intake"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ] {
            program.env(name, value);
        }
        let log = root().join(".local/logs/bench-intake.log");
        let begun = Instant::now();
        let program = Process::start(Spec {
            command: program,
            dir: Dir::new("intake")?,
            log: &log,
            stop: "TERM",
            user: None,
        })?;
        let started = tokio::time::timeout(Duration::from_secs(30), asked.recv()).await;
        started.with_context(|| format!("the function does not start: see {}", log.display()))?;
        let init = begun.elapsed();
        let token = world.stack.api.token.clone();
        Ok(Self { init, wire: wire.clone(), token, events, answers, given, _program: program })
    }

    /// One request: its answer, and how long the function took.
    async fn call(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<Value>,
    ) -> Result<(Value, Took)> {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "authorization": format!("Bearer {}", self.token), "content-type": "application/json",
                         "host": "bench" },
            "requestContext": { "accountId": "0", "apiId": "bench", "domainName": "bench", "domainPrefix": "bench",
                "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                          "userAgent": "bench" },
                "requestId": "bench", "routeKey": "$default", "stage": "$default", "timeEpoch": 0 },
            "body": body.map(|body| body.to_string()), "isBase64Encoded": false,
        });
        self.events.send(event).await?;
        let from = self.given.recv().await.context("nobody asked")?;
        let (to, answer) = self.answers.recv().await.context("no answer")?;
        let answer: Value = serde_json::from_slice(&answer)?;
        ensure!(answer["statusCode"] == 200, "{method} {path}: {answer}");
        let text = answer["body"].as_str().context("no body")?;
        let took = Took { whole: to - from, aws: self.wire.busy(from, to) };
        Ok((serde_json::from_str(text)?, took))
    }
}

async fn next_event(State(runtime): State<Runtime>) -> Response {
    let _ = runtime.asked.try_send(());
    let Some(event) = runtime.events.lock().await.recv().await else {
        return ().into_response();
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let deadline = (now + Duration::from_secs(29)).as_millis().to_string();
    let _ = runtime.given.send(Instant::now()).await;
    let headers: BTreeMap<&str, String> = [
        ("lambda-runtime-aws-request-id", "bench".to_owned()),
        ("lambda-runtime-deadline-ms", deadline),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:intake".to_owned(),
        ),
    ]
    .into();
    let mut response = Json(event).into_response();
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn take_answer(State(runtime): State<Runtime>, Path(_): Path<String>, answer: Bytes) {
    let _ = runtime.answers.send((Instant::now(), answer)).await;
}
