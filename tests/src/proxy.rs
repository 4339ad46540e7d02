//! Stands between Lethe and a server, passes everything on, and can go wrong on the way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::serve::{Stop, serve};

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It does not arrive; this comes back.
    Answer(u16, Value),
    /// It does not arrive, though this comes back; and so does it for the next call about the second text.
    Then(&'static str, u16, Value),
    /// It arrives and is done, but the answer is lost: 503 comes back.
    Lost,
}

/// Trouble for the next call whose method, path, headers' values and body hold each of these texts.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The texts.
    pub about: Vec<String>,
    /// The trouble.
    pub trouble: Trouble,
}

/// What went through, and what will go wrong.
#[derive(Debug, Default)]
pub struct Line {
    /// Each strikes once, the first that fits.
    pub faults: VecDeque<Fault>,
    /// Method, path, headers' values and body of each call.
    pub calls: Vec<String>,
}

impl Line {
    /// Plans trouble.
    pub fn expect(&mut self, about: &[&str], trouble: Trouble) {
        let about = about.iter().map(|text| (*text).to_owned()).collect();
        self.faults.push_back(Fault { about, trouble });
    }
}

#[derive(Clone)]
struct Shared {
    line: Arc<Mutex<Line>>,
    http: reqwest::Client,
    to: String,
}

/// A running proxy, stopped when dropped.
pub struct Proxy {
    /// Where it listens.
    pub url: String,
    line: Arc<Mutex<Line>>,
    _stop: Stop,
}

impl Proxy {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(to: &str) -> Result<Self> {
        let line = Arc::<Mutex<Line>>::default();
        let http = reqwest::Client::builder().no_proxy().build()?;
        let shared = Shared { line: line.clone(), http, to: to.to_owned() };
        let routes = Router::new().fallback(pass).with_state(shared);
        let (url, stop) = serve(routes)?;
        Ok(Self { url, line, _stop: stop })
    }

    /// What went through; also the place to plan trouble.
    pub fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

async fn pass(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let headers: String =
        head.headers.values().filter_map(|v| Some(format!("{}\n", v.to_str().ok()?))).collect();
    let call = format!("{} {}\n{headers}{}", head.method, head.uri, String::from_utf8_lossy(&body));
    let trouble = {
        let mut line = lock(&shared.line);
        let fits = |fault: &Fault| fault.about.iter().all(|text| call.contains(text));
        let trouble = line.faults.iter().position(fits).and_then(|n| line.faults.remove(n));
        line.calls.push(call);
        trouble.map(|fault| fault.trouble)
    };
    match trouble {
        Some(Trouble::Answer(status, body)) => return answer(status, body),
        Some(Trouble::Then(about, status, body)) => {
            let fault =
                Fault { about: vec![about.to_owned()], trouble: Trouble::Answer(status, body.clone()) };
            lock(&shared.line).faults.push_front(fault);
            return answer(status, body);
        }
        _ => {}
    }
    let reply = forward(&shared, &head, body).await;
    match trouble {
        Some(Trouble::Lost) => answer(503, Value::Null),
        _ => reply.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response()),
    }
}

fn answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

async fn forward(
    shared: &Shared,
    head: &axum::http::request::Parts,
    body: Bytes,
) -> reqwest::Result<Response> {
    let mut request = shared.http.request(head.method.clone(), format!("{}{}", shared.to, head.uri));
    for (name, value) in &head.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "transfer-encoding") {
            request = request.header(name, value);
        }
    }
    let reply = request.body(body).send().await?;
    let mut response = Response::builder().status(reply.status());
    for (name, value) in reply.headers() {
        if *name != HeaderName::from_static("transfer-encoding") {
            response = response.header(name, value);
        }
    }
    let body = reply.bytes().await?;
    Ok(response.body(Body::from(body)).unwrap_or_default())
}
