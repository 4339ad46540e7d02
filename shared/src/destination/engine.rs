//! The one place that speaks HTTP to vendors.
//!
//! 1. The subjects are cut into batches of the vendor's size.
//! 2. For each batch the protocol is asked for its next step, until it is done or wants to wait.
//! 3. What is done is counted in [`Progress`], which is kept between two invocations. A batch that was sent
//!    but not counted is sent again: every deletion may be asked for twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, redirect};
use serde::{Deserialize, Serialize};

use super::cloud::{Call, Connection, Outcome, Reply, Step, Vendor};
use crate::failure::{Failure, Result};
use crate::subject::Subject;

/// How long a vendor may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most that is read of an answer, in bytes.
const MAX_REPLY: usize = 1 << 20;

/// Speaks HTTP to vendors.
#[derive(Debug, Clone)]
pub struct Engine {
    http: Client,
}

/// How far a task has come; kept between invocations. Holds no identifier of ours, though a vendor's replies
/// may: it is dropped when the regulation is sealed.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// How many batches were sent and answered for good or are waiting for the vendor.
    sent: usize,
    /// Batches that wait for the vendor, with the replies so far.
    waiting: BTreeMap<usize, Vec<Reply>>,
    /// How many subjects had which outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Every subject has its outcome.
    Done,
    /// Come back after this many seconds.
    Later(u32),
}

impl Engine {
    /// An engine with connections of its own.
    ///
    /// # Errors
    /// `Permanent`, if TLS cannot be set up.
    pub fn new() -> Result<Self> {
        let http = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).build();
        Ok(Self { http: http.map_err(|e| Failure::permanent("the HTTP client cannot start").detail(e))? })
    }

    /// Moves every batch as far as it goes before `until`.
    ///
    /// # Errors
    /// The vendor's failure; `progress` then holds all that was done before it.
    pub async fn turn(
        &self,
        vendor: &dyn Vendor,
        connection: &Connection<'_>,
        subjects: &[Subject],
        progress: &mut Progress,
        until: Instant,
    ) -> Result<Turn> {
        let batches: Vec<_> = subjects.chunks(vendor.batch()).collect();
        let mut wait = None;
        let waiting: Vec<_> = progress.waiting.keys().copied().collect();
        for number in waiting.into_iter().chain(progress.sent..batches.len()) {
            if Instant::now() >= until {
                return Ok(Turn::Later(1));
            }
            let mut replies = progress.waiting.remove(&number).unwrap_or_default();
            let outcome = self.batch(vendor, connection, batches[number], &mut replies).await;
            progress.sent = progress.sent.max(number + usize::from(outcome.is_ok()));
            match outcome {
                Ok(Step::Later(seconds)) => {
                    progress.waiting.insert(number, replies);
                    wait = Some(wait.map_or(seconds, |least: u32| least.min(seconds)));
                }
                Ok(Step::Done(outcomes)) => {
                    for outcome in outcomes {
                        *progress.outcomes.entry(outcome).or_default() += 1;
                    }
                }
                Ok(Step::Send(_)) => unreachable!("batch() sends until there is nothing to send"),
                Err(failure) => {
                    if !replies.is_empty() {
                        progress.waiting.insert(number, replies);
                        progress.sent = progress.sent.max(number + 1);
                    }
                    return Err(failure);
                }
            }
        }
        Ok(wait.map_or(Turn::Done, Turn::Later))
    }

    async fn batch(
        &self,
        vendor: &dyn Vendor,
        connection: &Connection<'_>,
        subjects: &[Subject],
        replies: &mut Vec<Reply>,
    ) -> Result<Step> {
        loop {
            match vendor.next(subjects, connection, replies) {
                Ok(Step::Send(call)) => replies.push(self.send(vendor.description().vendor, call).await?),
                Ok(step) => return Ok(step),
                Err(failure) => {
                    // The reply that made no sense is asked for again.
                    replies.pop();
                    return Err(failure);
                }
            }
        }
    }

    async fn send(&self, name: &str, call: Call) -> Result<Reply> {
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or_default();
        let mut request = self.http.request(method, &call.url);
        for (header, value) in &call.headers {
            request = request.header(*header, value);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|e| unreachable_vendor(name, &e))?;
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::permanent(format!(
                "{name} answered {}: the key is wrong, revoked or lacks a permission; set it again and retry",
                status.as_u16()
            ))),
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = wait(response.headers(), Timestamp::now());
                Err(Failure::transient(format!("{name} answered 429: its rate limit is reached")).wait(wait))
            }
            status if status.is_server_error() => {
                Err(Failure::transient(format!("{name} answered {}", status.as_u16())))
            }
            status => {
                let body = read(response).await.map_err(|e| unreachable_vendor(name, &e))?;
                let body = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Reply { status: status.as_u16(), body })
            }
        }
    }
}

/// In how many seconds a vendor wants to be asked again: by `Retry-After` (RFC 9110, in seconds), or by
/// `X-RateLimit-Reset`, which some vendors give as a moment and others as a span.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let number =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()?.parse::<i64>().ok());
    let seconds = number("retry-after").or_else(|| {
        let reset = number("x-ratelimit-reset")?;
        Some(if reset > now.as_second() / 2 { reset - now.as_second() } else { reset })
    })?;
    Some(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
}

async fn read(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_REPLY {
            break;
        }
    }
    Ok(body)
}

/// A reqwest error prints the URL, and a URL may hold an identifier: only its class is kept.
fn unreachable_vendor(name: &str, error: &reqwest::Error) -> Failure {
    let why = if error.is_timeout() {
        format!("did not answer within {} s", PATIENCE.as_secs())
    } else if error.is_connect() {
        "cannot be reached".to_owned()
    } else {
        "broke off its answer".to_owned()
    };
    Failure::transient(format!("{name} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_wait_is_read_in_every_form() {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        for (name, value, seconds) in [
            ("retry-after", "7", Some(7)),
            ("x-ratelimit-reset", "1800000030", Some(30)),
            ("x-ratelimit-reset", "1799999999", Some(0)),
            ("x-ratelimit-reset", "12", Some(12)),
            ("retry-after", "soon", None),
        ] {
            let headers =
                [(name, value)].map(|(n, v)| (n.parse().expect("a name"), v.parse().expect("a value")));
            assert_eq!(wait(&HeaderMap::from_iter(headers), now), seconds, "{name}: {value}");
        }
    }
}
