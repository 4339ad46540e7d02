//! A network that fails by chance: a proxy in front of the local AWS or a vendor that throttles, delays, repeats, loses and
//! cuts calls, by seed.
//!
//! What it answers is what the services' pages name:
//! [DynamoDB](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html),
//! [S3](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html),
//! [SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html),
//! [Step Functions](https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html),
//! [KMS](https://docs.aws.amazon.com/kms/latest/developerguide/throttling.html) and
//! [Lambda](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). S3 answers a
//! conditional write with 409 while another one is under way
//! ([conditional writes](https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html)).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use fastrand::Rng;
use futures::stream;

use crate::serve::{Stop, serve};

/// Out of how many calls one is disturbed.
const ONE_IN: u32 = 12;

/// How long a delayed call waits at most, in milliseconds.
const DELAY: u64 = 1_500;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// It arrives later.
    Delayed,
    /// It does not arrive: the service asks to slow down.
    Throttled,
    /// It does not arrive, and the connection ends.
    Refused,
    /// It arrives and is done, but 500 comes back.
    Lost,
    /// It arrives twice; the second answer comes back.
    Twice,
    /// It arrives and is done, but the answer ends half-way.
    Cut,
    /// A conditional write to S3 meets another writer: 409, and nothing is done.
    Conflict,
    /// It does not arrive: the server is away.
    Away,
}

/// How often each trouble happened, by service.
pub type Troubles = BTreeMap<(String, Trouble), usize>;

/// A running proxy, stopped when dropped. It passes everything on until trouble begins.
pub struct Chaos {
    /// Where it listens.
    pub url: String,
    network: Arc<Network>,
    _stop: Stop,
}

struct Network {
    to: String,
    http: reqwest::Client,
    dice: Mutex<Option<Rng>>,
    troubles: Mutex<Troubles>,
    /// Until when the server is away.
    away: Mutex<Option<Instant>>,
}

impl Chaos {
    /// Starts one on a free port, in front of a server.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(to: &str) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let (dice, troubles, away) = Default::default();
        let network = Arc::new(Network { to: to.to_owned(), http, dice, troubles, away });
        let (url, stop) = serve(Router::new().fallback(pass).with_state(network.clone()))?;
        Ok(Self { url, network, _stop: stop })
    }

    /// Trouble begins. The seed decides which call is disturbed, by its number; which call has that number is up to the
    /// functions that run side by side.
    pub fn begin(&self, seed: u64) {
        *lock(&self.network.dice) = Some(Rng::with_seed(seed));
    }

    /// The server goes away for some time, as one that restarts: every call is refused.
    pub fn go_away(&self, time: Duration) {
        *lock(&self.network.away) = Some(Instant::now() + time);
    }

    /// Trouble ends. Answers what happened since the proxy started.
    pub fn end(&self) -> Troubles {
        *lock(&self.network.dice) = None;
        *lock(&self.network.away) = None;
        lock(&self.network.troubles).clone()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn pass(State(network): State<Arc<Network>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let service = service(&head);
    let Some((trouble, delay)) = network.disturb(&service, &head) else {
        return network.forward(&head, body).await;
    };
    match trouble {
        Trouble::Delayed => tokio::time::sleep(delay).await,
        Trouble::Throttled => return throttled(&service, &head),
        Trouble::Refused | Trouble::Away => return broken(Bytes::new()),
        Trouble::Conflict => return s3_error(StatusCode::CONFLICT, "ConditionalRequestConflict"),
        Trouble::Twice => drop(network.forward(&head, body.clone()).await),
        Trouble::Lost | Trouble::Cut => {}
    }
    let answer = network.forward(&head, body).await;
    match trouble {
        Trouble::Lost => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Trouble::Cut => {
            let (head, body) = answer.into_parts();
            let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let mut cut = broken(whole.slice(..whole.len() / 2));
            (*cut.status_mut(), *cut.headers_mut()) = (head.status, head.headers);
            cut
        }
        _ => answer,
    }
}

impl Network {
    /// What happens to this call, if anything.
    fn disturb(&self, service: &str, head: &Parts) -> Option<(Trouble, Duration)> {
        if lock(&self.away).is_some_and(|until| Instant::now() < until) {
            *lock(&self.troubles).entry((service.to_owned(), Trouble::Away)).or_default() += 1;
            return Some((Trouble::Away, Duration::ZERO));
        }
        let mut dice = lock(&self.dice);
        let dice = dice.as_mut()?;
        if dice.u32(..ONE_IN) > 0 {
            return None;
        }
        let conditional = head.headers.contains_key("if-match") || head.headers.contains_key("if-none-match");
        let mut possible = vec![
            Trouble::Delayed,
            Trouble::Throttled,
            Trouble::Refused,
            Trouble::Lost,
            Trouble::Twice,
            Trouble::Cut,
        ];
        if service == "s3" && conditional && head.method != Method::GET {
            possible.push(Trouble::Conflict);
        }
        let trouble = possible[dice.usize(..possible.len())];
        *lock(&self.troubles).entry((service.to_owned(), trouble)).or_default() += 1;
        Some((trouble, Duration::from_millis(dice.u64(..DELAY))))
    }

    async fn forward(&self, head: &Parts, body: Bytes) -> Response {
        let mut request =
            self.http.request(head.method.clone(), format!("{}{}", self.to, head.uri)).body(body);
        // With the host that was signed.
        for (name, value) in &head.headers {
            if !matches!(name.as_str(), "content-length" | "transfer-encoding") {
                request = request.header(name, value);
            }
        }
        let Ok(reply) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
        let mut response = Response::builder().status(reply.status());
        for (name, value) in reply.headers() {
            if *name != HeaderName::from_static("transfer-encoding") {
                response = response.header(name, value);
            }
        }
        let Ok(body) = reply.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
        response.body(Body::from(body)).unwrap_or_default()
    }
}

/// The AWS service that a signed call is for; of a vendor's call, nothing.
fn service(head: &Parts) -> String {
    let signed = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let scope = signed.and_then(|value| value.split_once("Credential=")?.1.split(',').next());
    scope.and_then(|scope| scope.split('/').nth(3)).unwrap_or_default().to_owned()
}

fn throttled(service: &str, head: &Parts) -> Response {
    let (status, code) = match service {
        "s3" => return s3_error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        "dynamodb" => (400, "ProvisionedThroughputExceededException"),
        "sqs" => (403, "RequestThrottled"),
        "lambda" => (429, "TooManyRequestsException"),
        // A vendor.
        "" => return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response(),
        _ => (400, "ThrottlingException"),
    };
    let version = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.split('.').next());
    let kind = format!("{}#{code}", version.unwrap_or_default());
    let body = serde_json::json!({ "__type": kind, "message": "Rate exceeded" }).to_string();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, [("content-type", "application/x-amz-json-1.0"), ("x-amzn-errortype", code)], body)
        .into_response()
}

fn s3_error(status: StatusCode, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
    (status, [("content-type", "application/xml")], body).into_response()
}

/// A body after which the connection breaks.
fn broken(bytes: Bytes) -> Response {
    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Body::from_stream(stream::iter([Ok(bytes), Err(cut)])).into_response()
}
