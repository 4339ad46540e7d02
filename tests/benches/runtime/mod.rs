//! Runs a function's program as Lambda does, so that the clock runs inside the function alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path as FilePath;
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
use tests::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as Turn, mpsc};

/// How long a call took, and how much of it at least one call to AWS was under way.
#[derive(Clone, Copy)]
pub struct Took {
    pub whole: Duration,
    pub aws: Duration,
}

impl Took {
    /// What of it the function itself took.
    pub fn own(&self) -> Duration {
        self.whole - self.aws
    }
}

/// The share of times that no more than so many milliseconds took.
pub fn percentile(times: &[Took], share: f64, part: impl Fn(&Took) -> Duration) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|took| part(took).as_secs_f64() * 1_000.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len()) - 1]
}

/// Passes bytes on to the local AWS, and notes from when to when each call was under way.
#[derive(Clone)]
pub struct Wire {
    port: u16,
    calls: Arc<Mutex<Vec<(Instant, Instant)>>>,
}

impl Wire {
    /// Starts on a free port.
    pub async fn start(to: u16) -> Result<Self> {
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
pub struct Function {
    /// How long it took until it asked for the first event.
    pub init: Duration,
    wire: Wire,
    authorization: String,
    events: mpsc::Sender<Value>,
    answers: mpsc::Receiver<(Instant, Bytes)>,
    given: mpsc::Receiver<Instant>,
    program: Process,
}

#[derive(Clone)]
struct Runtime {
    events: Arc<Turn<mpsc::Receiver<Value>>>,
    answers: mpsc::Sender<(Instant, Bytes)>,
    given: mpsc::Sender<Instant>,
    asked: mpsc::Sender<()>,
}

impl Function {
    /// Starts the program of the function of its name with that one's environment, but for what `change` says. Its
    /// callers send `authorization`.
    pub async fn start(
        world: &World,
        wire: &Wire,
        program: &FilePath,
        authorization: &str,
        change: &[(&str, &str)],
    ) -> Result<Self> {
        let name = program.file_name().and_then(OsStr::to_str).context("a program has a name")?;
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

        let mut program = Command::new(program);
        program.envs(world.stack.aws.env()).envs(world.stack.environment(name).await?);
        program.envs(change.iter().copied());
        program.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", wire.port));
        program.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        for (name, value) in [
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ] {
            program.env(name, value);
        }
        let log = root().join(format!(".local/logs/bench-{name}.log"));
        let begun = Instant::now();
        let program = Process::start(Spec {
            command: program,
            dir: Dir::new(name)?,
            log: &log,
            stop: "TERM",
            user: None,
        })?;
        let started = tokio::time::timeout(Duration::from_secs(30), asked.recv()).await;
        started.with_context(|| format!("the function does not start: see {}", log.display()))?;
        let init = begun.elapsed();
        let authorization = authorization.to_owned();
        Ok(Self { init, wire: wire.clone(), authorization, events, answers, given, program })
    }

    /// How long a core has worked for the program so far, in seconds.
    pub fn core_seconds(&self) -> Result<f64> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.program.pid()?))? {
            // Its first number: docs.kernel.org/scheduler/sched-stats.html.
            let spent = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(nanoseconds as f64 / 1e9)
    }

    /// One request: its answer, and how long the function took.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<Value>,
    ) -> Result<(Value, Took)> {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": { "authorization": self.authorization, "content-type": "application/json",
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
