//! Fake vendors: local servers that know users, and answer as the vendor documents it.
//!
//! The harness here does what all have in common: it serves, checks the key, measures the rate and refuses what
//! is too fast, misbehaves when told to, and remembers who was asked for. What is a vendor's own is a
//! [`Vendor`] in a file of its own: a few answers, with the page that documents them.

pub mod amplitude;
pub mod appsflyer;
pub mod braze;
pub mod clevertap;
pub mod customerio;
pub mod google_analytics;
pub mod hubspot;
pub mod intercom;
pub mod iterable;
pub mod klaviyo;
pub mod mailchimp;
pub mod mixpanel;
pub mod onesignal;
pub mod posthog;
pub mod salesforce;
pub mod sendgrid;
pub mod tracking;
pub mod webhook;
pub mod zendesk;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::serve::{Stop, serve};

/// What makes a fake that of one vendor.
pub struct Vendor {
    /// Its name in Lethe's catalogue.
    pub name: &'static str,
    /// A destination of this vendor at a URL, as `POST /destinations` takes it, with the key that it accepts.
    pub destination: fn(url: &str) -> Value,
    /// The `Authorization` (or other) header that it wants.
    pub key: (&'static str, &'static str),
    /// The path that gives tokens, which wants no key.
    pub open: Option<&'static str>,
    /// Its answer to a wrong key.
    pub unauthorized: fn() -> Answer,
    /// How many calls it takes within which time.
    pub rate: (usize, Duration),
    /// The headers of its 429: after so many seconds, at this time since 1970, it is free again.
    pub limited: fn(seconds: u64, now: u64) -> Vec<(&'static str, String)>,
    /// What it does about a call that it lets in.
    pub answer: fn(&mut World, &Call) -> Answer,
}

/// A call as a vendor sees it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The segments of the path, decoded.
    pub path: Vec<String>,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// Method and path in one: `"POST users/delete"`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path.join("/"))
    }

    /// The body as JSON; null, if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text in the body, by its JSON pointer; empty, if there is none.
    pub fn text(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The texts of a list in the body.
    pub fn texts(&self, field: &str) -> Vec<String> {
        let body = self.json();
        let texts = body[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// The segments of the path.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// A field of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a vendor answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Value,
}

/// An answer without headers of its own.
pub fn answer(status: u16, body: Value) -> Answer {
    Answer { status, headers: Vec::new(), body }
}

/// `Retry-After`, the header that most vendors answer with.
fn retry_after(seconds: u64, _now: u64) -> Vec<(&'static str, String)> {
    vec![("retry-after", seconds.to_string())]
}

/// Every vendor that has a fake and knows people by user ids.
pub const ALL: [&Vendor; 17] = [
    &amplitude::AMPLITUDE,
    &amplitude::AMPLITUDE_ORGANIZATION,
    &appsflyer::APPSFLYER,
    &braze::BRAZE,
    &clevertap::CLEVERTAP,
    &customerio::CUSTOMERIO,
    &google_analytics::GOOGLE_ANALYTICS,
    &hubspot::HUBSPOT,
    &intercom::INTERCOM,
    &iterable::ITERABLE,
    &klaviyo::KLAVIYO,
    &mixpanel::MIXPANEL,
    &onesignal::ONESIGNAL,
    &posthog::POSTHOG,
    &salesforce::SALESFORCE,
    &webhook::WEBHOOK,
    &zendesk::ZENDESK,
];

/// How a fake can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None: it does its work.
    Nothing,
    /// 401: the key was revoked.
    Unauthorized,
    /// 429, free again after so many seconds.
    RateLimited(u64),
    /// 500.
    ServerError,
    /// 200 with something that is no JSON.
    Garbage,
    /// No answer for so long.
    Hang(Duration),
    /// It does its work, after so long.
    Late(Duration),
}

/// What a fake knows.
#[derive(Debug, Default)]
pub struct World {
    /// Its users, by the company's id.
    pub users: BTreeSet<String>,
    /// Every id it was asked to delete, in the order of the calls, known or not.
    pub asked: Vec<String>,
    /// How many calls it got, refused ones too.
    pub calls: usize,
    /// When the calls came that it let in.
    pub times: Vec<Instant>,
    /// How many calls it refused because they came too fast.
    pub too_fast: usize,
    /// What it does on the next calls, in order, instead of its work.
    pub faults: VecDeque<Fault>,
    /// How long it takes for an answer.
    pub delay: Duration,
    /// What is the vendor's own: its jobs, say.
    pub state: Value,
}

impl World {
    /// Deletes a user. Answers whether there was one.
    pub fn delete(&mut self, id: &str) -> bool {
        self.asked.push(id.to_owned());
        self.users.remove(id)
    }
}

struct Server {
    vendor: &'static Vendor,
    world: Mutex<World>,
}

/// A running fake, stopped when dropped.
pub struct Fake {
    /// Where it listens.
    pub url: String,
    vendor: &'static Vendor,
    server: Arc<Server>,
    _stop: Stop,
}

impl Fake {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(vendor: &'static Vendor) -> Result<Self> {
        let server = Arc::new(Server { vendor, world: Mutex::default() });
        let routes = Router::new()
            // Not the vendor's: how another process (the demo) fills it and looks into it.
            .route("/fake/users", get(list).put(fill))
            .fallback(take)
            .with_state(server.clone());
        let (url, stop) = serve(routes)?;
        Ok(Self { url, vendor, server, _stop: stop })
    }

    /// This vendor as `POST /destinations` takes it.
    pub fn destination(&self) -> Value {
        self.destination_at(&self.url)
    }

    /// The same, where something stands before it at another URL.
    pub fn destination_at(&self, url: &str) -> Value {
        (self.vendor.destination)(url)
    }

    /// What it knows now; also the place to add users and faults.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.server)
    }
}

fn lock(server: &Server) -> MutexGuard<'_, World> {
    server.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn list(State(server): State<Arc<Server>>) -> Json<BTreeSet<String>> {
    Json(lock(&server).users.clone())
}

async fn fill(State(server): State<Arc<Server>>, Json(users): Json<BTreeSet<String>>) {
    lock(&server).users = users;
}

async fn take(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let vendor = server.vendor;
    let (fault, delay) = {
        let mut world = lock(&server);
        world.calls += 1;
        (world.faults.pop_front(), world.delay)
    };
    match fault {
        None | Some(Fault::Nothing) => {}
        Some(Fault::Late(time)) => tokio::time::sleep(time).await,
        Some(fault) => return misbehave(vendor, fault).await,
    }
    let is_open = vendor.open.is_some_and(|path| uri.path() == path);
    if !is_open && headers.get(vendor.key.0).is_none_or(|given| given != vendor.key.1) {
        return misbehave(vendor, Fault::Unauthorized).await;
    }
    let path = uri.path().trim_matches('/').split('/').map(decode).collect();
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    let call = Call { method, path, query, headers, body };
    let answer = {
        let mut world = lock(&server);
        let (calls, time) = vendor.rate;
        let now = Instant::now();
        if world.times.iter().rev().take_while(|at| now.duration_since(**at) < time).count() >= calls {
            world.too_fast += 1;
            None
        } else {
            world.times.push(now);
            Some((vendor.answer)(&mut world, &call))
        }
    };
    tokio::time::sleep(delay).await;
    match answer {
        Some(answer) => respond(answer),
        None => misbehave(vendor, Fault::RateLimited(1)).await,
    }
}

/// `%` and two hex digits, as RFC 3986 has it.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => (bytes.push(byte), rest = &tail[2..]),
            _ => (bytes.push(*first), rest = tail),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    match answer.body {
        Value::Null => (status, headers).into_response(),
        body => (status, headers, Json(body)).into_response(),
    }
}

async fn misbehave(vendor: &Vendor, fault: Fault) -> Response {
    match fault {
        Fault::Nothing | Fault::Late(_) => StatusCode::NO_CONTENT.into_response(),
        Fault::Unauthorized => respond((vendor.unauthorized)()),
        Fault::RateLimited(seconds) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            let headers = (vendor.limited)(seconds, now);
            respond(Answer { status: 429, headers, body: json!({ "message": "Rate limit exceeded" }) })
        }
        Fault::ServerError => respond(answer(500, json!({ "message": "Internal error" }))),
        Fault::Garbage => (StatusCode::OK, "<html>It works!</html>").into_response(),
        Fault::Hang(time) => {
            tokio::time::sleep(time).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Calls a fake with its own key; answers the status and the body.
    pub(crate) async fn call(fake: &Fake, method: Method, path: &str, body: Value) -> (u16, Value) {
        let (name, value) = fake.vendor.key;
        let request =
            reqwest::Client::new().request(method, format!("{}{path}", fake.url)).header(name, value);
        let reply = request.json(&body).send().await.unwrap();
        (reply.status().as_u16(), reply.json().await.unwrap_or_default())
    }

    #[tokio::test]
    async fn a_wrong_key_and_too_many_calls_are_refused_and_faults_come_in_turn() {
        let fake = Fake::start(&amplitude::AMPLITUDE).unwrap();
        let url = format!("{}/api/2/deletions/users?start_day=2026-01-01&end_day=2026-02-01", fake.url);
        assert_eq!(reqwest::get(&url).await.unwrap().status(), 401);
        let path = &url[fake.url.len()..];
        assert_eq!(call(&fake, Method::GET, path, Value::Null).await.0, 200);
        assert_eq!(call(&fake, Method::GET, path, Value::Null).await.0, 429, "one call a second");
        let (too_fast, taken) = {
            let world = fake.world();
            (world.too_fast, world.times.len())
        };
        assert_eq!((too_fast, taken), (1, 1));
        fake.world().faults.extend([Fault::RateLimited(5), Fault::ServerError, Fault::Garbage]);
        for expected in [429, 500, 200] {
            assert_eq!(call(&fake, Method::GET, path, Value::Null).await.0, expected);
        }
        assert_eq!(fake.world().calls, 6);
    }

    #[test]
    fn paths_are_decoded() {
        assert_eq!(decode("a%2Fb%C3%A9%zz"), "a/bé%zz");
    }
}
