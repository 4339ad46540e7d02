//! An S3 that misbehaves: a proxy in front of the local one, which answers as AWS documents it where the local
//! one cannot be brought to.
//!
//! Errors are of the form and have the codes and statuses of
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>. An archived object answers `HEAD` with its
//! storage class, and with `x-amz-restore` once somebody asked for a copy
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>), and `GET` with `InvalidObjectState`
//! until there is one (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>). `HEAD` answers have no
//! body, and so no code. A range is kept to also where a version is named, for which the local S3 gives the whole.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use tokio::sync::oneshot;

use crate::aws::Endpoint;

/// The largest body that is passed on: one part of an upload.
const MAX_BODY: usize = 64 << 20;

/// What happens to a call.
#[derive(Clone)]
pub enum Fault {
    /// 403 `AccessDenied`.
    Denied,
    /// 404 `NoSuchKey`, or `NoSuchVersion` where a version is named.
    Gone,
    /// 503 `SlowDown`.
    SlowDown,
    /// 409 `ConditionalRequestConflict`: another write is under way.
    Conflict,
    /// The answer has this header, too.
    WithHeader(&'static str, &'static str),
    /// Of this storage class, with this `x-amz-restore`.
    Archived(&'static str, Option<&'static str>),
    /// The connection ends after half of the body.
    CutOff,
    /// Half of the body, as if it were the whole.
    Truncated,
    /// The body comes so much later than the answer's beginning.
    Late(Duration),
    /// The body comes at so many bytes a second.
    Paced(u32),
    /// The call is passed on only after a while, and its answer after another.
    Held {
        /// How long it is kept before it is passed on.
        before: Duration,
        /// How long the answer is kept.
        after: Duration,
    },
    /// This is done first, and the call then passed on.
    First(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>),
}

/// Which calls a fault happens to.
pub struct Rule {
    /// Their methods.
    pub methods: &'static [Method],
    /// What stands in their path: a part of the bucket's or the object's name.
    pub path: String,
    /// How many more of them.
    pub times: usize,
    /// What happens.
    pub fault: Fault,
}

/// A call to one object.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its path: `/bucket/key`.
    pub path: String,
    /// What stands behind the path.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// When it came.
    pub begun: Instant,
    /// When the last byte of the answer went.
    pub ended: Option<Instant>,
    /// How many bytes the answer's body had.
    pub bytes: usize,
}

/// What it does and saw.
#[derive(Default)]
pub struct World {
    /// The first that fits a call happens to it.
    pub rules: Vec<Rule>,
    /// All calls to objects, in order.
    pub calls: Vec<Call>,
}

impl World {
    /// Adds a rule for reading an object, or all objects below a prefix.
    pub fn on_read(&mut self, path: &str, times: usize, fault: Fault) {
        self.rules.push(Rule { methods: &[Method::GET, Method::HEAD], path: path.to_owned(), times, fault });
    }

    /// Adds a rule for the bytes of an object.
    pub fn on_get(&mut self, path: &str, times: usize, fault: Fault) {
        self.rules.push(Rule { methods: &[Method::GET], path: path.to_owned(), times, fault });
    }

    /// How many bytes of bodies were read whose path has this in it.
    pub fn bytes_read(&self, path: &str) -> usize {
        let reads = self.calls.iter().filter(|call| call.method == Method::GET && call.path.contains(path));
        reads.map(|call| call.bytes).sum()
    }
}

type Shared = Arc<Mutex<World>>;

#[derive(Clone)]
struct Proxy {
    world: Shared,
    aws: Endpoint,
    http: reqwest::Client,
}

/// A running proxy, stopped when dropped.
pub struct S3 {
    /// Where it listens.
    pub url: String,
    world: Shared,
    _stop: oneshot::Sender<()>,
}

impl S3 {
    /// Starts one on a free port, in front of this local AWS. It runs on a thread of its own, since each test has its
    /// own runtime.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(aws: Endpoint) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let world = Shared::default();
        let (stop, stopped) = oneshot::channel();
        let proxy = Proxy { world: world.clone(), aws, http: aws.http() };
        let routes = Router::new().fallback(answer).with_state(proxy);
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::select! {
                    served = axum::serve(listener, routes) => served,
                    _ = stopped => Ok(()),
                }
            })
        });
        Ok(Self { url, world, _stop: stop })
    }

    /// What it does and saw; also the place to add rules.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn answer(State(proxy): State<Proxy>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    // Listings and calls about buckets have no key.
    let is_object = path.trim_matches('/').contains('/');
    let (fault, call) = {
        let mut world = lock(&proxy.world);
        let fits = |rule: &&mut Rule| {
            is_object
                && rule.times > 0
                && rule.methods.contains(request.method())
                && path.contains(&rule.path)
        };
        let fault = world.rules.iter_mut().find(fits).map(|rule| {
            rule.times -= 1;
            rule.fault.clone()
        });
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let query = request.uri().query().unwrap_or_default().to_owned();
        world.calls.push(Call { method, path, query, headers, begun: Instant::now(), ended: None, bytes: 0 });
        (fault, world.calls.len() - 1)
    };
    let of_version = request.uri().query().is_some_and(|query| query.contains("versionId="));
    let reading = request.method() == Method::GET;
    match fault {
        Some(Fault::Denied) => refuse(&request, StatusCode::FORBIDDEN, "AccessDenied", "Access Denied", ""),
        Some(Fault::Gone) if of_version => refuse(
            &request,
            StatusCode::NOT_FOUND,
            "NoSuchVersion",
            "The specified version does not exist.",
            "",
        ),
        Some(Fault::Gone) => {
            refuse(&request, StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.", "")
        }
        Some(Fault::SlowDown) => refuse(
            &request,
            StatusCode::SERVICE_UNAVAILABLE,
            "SlowDown",
            "Please reduce your request rate.",
            "",
        ),
        Some(Fault::Conflict) => refuse(
            &request,
            StatusCode::CONFLICT,
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation.",
            "",
        ),
        Some(Fault::Archived(class, restore)) => {
            let restored = restore.is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
            if reading && !restored {
                let message = "The operation is not valid for the object's storage class";
                let class = format!("<StorageClass>{class}</StorageClass>");
                return refuse(&request, StatusCode::FORBIDDEN, "InvalidObjectState", message, &class);
            }
            let mut response = pass_on(&proxy, call, request, None).await;
            let mut add = |name, value| {
                response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            add("x-amz-storage-class", class);
            restore.map(|restore| add("x-amz-restore", restore));
            response
        }
        Some(Fault::WithHeader(name, value)) => {
            let mut response = pass_on(&proxy, call, request, None).await;
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            response
        }
        Some(Fault::First(action)) => {
            action().await;
            pass_on(&proxy, call, request, None).await
        }
        Some(Fault::Held { before, after }) => {
            tokio::time::sleep(before).await;
            let answer = pass_on(&proxy, call, request, None).await;
            tokio::time::sleep(after).await;
            answer
        }
        fault => pass_on(&proxy, call, request, fault).await,
    }
}

fn refuse(request: &Request, status: StatusCode, code: &str, message: &str, more: &str) -> Response {
    if request.method() == Method::HEAD {
        return status.into_response();
    }
    let resource = request.uri().path();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}\
         <Resource>{resource}</Resource><RequestId>4442587FB7D0A2F9</RequestId></Error>"
    );
    (status, [("content-type", "application/xml")], body).into_response()
}

/// Asks the local S3, and gives its answer as it comes, or as the fault has it.
async fn pass_on(proxy: &Proxy, call: usize, request: Request, fault: Option<Fault>) -> Response {
    match forward(proxy, call, request, fault).await {
        Ok(response) => response,
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn forward(proxy: &Proxy, call: usize, request: Request, fault: Option<Fault>) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let url = format!("{}{}", proxy.aws.url(), parts.uri.path_and_query().map_or("/", |path| path.as_str()));
    // With the host that was signed.
    let headers = parts.headers;
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok()).and_then(first_and_last);
    let body = axum::body::to_bytes(body, MAX_BODY).await?;
    let reply = proxy.http.request(parts.method, url).headers(headers).body(body).send().await?;
    let (mut status, mut headers) = (reply.status(), reply.headers().clone());
    headers.remove("transfer-encoding");
    let length: Option<usize> = length(&headers);
    let mut shape = Shape { wait: Duration::ZERO, rate: None, skip: 0, most: usize::MAX };
    if let (Some((first, last)), StatusCode::OK, Some(length)) = (range, status, length) {
        let last = last.min(length.saturating_sub(1));
        (shape.skip, shape.most) = (first, last + 1 - first);
        status = StatusCode::PARTIAL_CONTENT;
        // Checksums are of the whole.
        let checksums = headers.keys().filter(|name| name.as_str().starts_with("x-amz-checksum")).cloned();
        checksums.collect::<Vec<_>>().into_iter().for_each(|name| drop(headers.remove(name)));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(shape.most));
        headers.insert(CONTENT_RANGE, HeaderValue::try_from(format!("bytes {first}-{last}/{length}"))?);
    }
    let half = length.unwrap_or_default() / 2;
    match fault {
        Some(Fault::Late(wait)) => shape.wait = wait,
        Some(Fault::Paced(rate)) => shape.rate = Some(rate),
        Some(Fault::CutOff) => shape.most = half,
        Some(Fault::Truncated) => {
            shape.most = half;
            headers.insert(CONTENT_LENGTH, HeaderValue::from(half));
        }
        _ => {}
    }
    let body = Body::from_stream(body_of(proxy.world.clone(), call, reply, shape));
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// Of `bytes=5-9`, or `bytes=5-`.
fn first_and_last(range: &str) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, if last.is_empty() { usize::MAX } else { last.parse().ok()? }))
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What is made of a body.
#[derive(Clone, Copy)]
struct Shape {
    wait: Duration,
    rate: Option<u32>,
    skip: usize,
    most: usize,
}

/// The body of a reply: after a while, at some speed, from a byte on and up to so many bytes; behind them the connection
/// breaks, unless the answer said that there are no more.
fn body_of(
    world: Shared,
    call: usize,
    reply: reqwest::Response,
    shape: Shape,
) -> BoxStream<'static, Result<Bytes, std::io::Error>> {
    stream::unfold((reply, shape), move |(mut reply, mut shape)| {
        let world = world.clone();
        async move {
            tokio::time::sleep(std::mem::take(&mut shape.wait)).await;
            let chunk = loop {
                match reply.chunk().await {
                    Ok(Some(chunk)) if chunk.len() <= shape.skip => shape.skip -= chunk.len(),
                    Ok(chunk) => break chunk.filter(|_| shape.most > 0),
                    Err(error) => {
                        shape.most = 0;
                        return Some((Err(std::io::Error::other(error)), (reply, shape)));
                    }
                }
            };
            let Some(chunk) = chunk else {
                lock(&world).calls[call].ended = Some(Instant::now());
                return None;
            };
            let mut chunk = chunk.slice(std::mem::take(&mut shape.skip)..);
            chunk.truncate(shape.most);
            shape.most -= chunk.len();
            if let Some(rate) = shape.rate {
                tokio::time::sleep(Duration::from_secs(chunk.len() as u64) / rate).await;
            }
            let mut seen = lock(&world);
            seen.calls[call].bytes += chunk.len();
            // Nobody asks for more behind the last byte.
            seen.calls[call].ended = Some(Instant::now());
            drop(seen);
            Some((Ok(chunk), (reply, shape)))
        }
    })
    .boxed()
}
