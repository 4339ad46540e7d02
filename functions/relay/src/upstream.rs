//! Sends events to a tracking API, and sorts its answers by what is done next.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws::secrets::SecretStore;
use jiff::Timestamp;
use model::failure::{Failure, Result};
use model::source::{Upstream, UpstreamFormat};
use model::tracking::Event;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use url::Url;

/// How long a tracking API may take for an answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);

/// The longest wait that an answer may ask for, in seconds.
const LONGEST_WAIT: u32 = 3_600;

/// The longest answer that is read, in bytes.
const SHORT: u64 = 64 << 10;

/// Sends events.
pub struct Sender {
    client: Client,
    secrets: SecretStore,
    any_endpoint: bool,
    /// Secrets by their ids: they never change.
    kept: Mutex<HashMap<String, String>>,
}

/// Why events did not arrive.
#[derive(Debug)]
pub enum Fault {
    /// They may arrive later.
    Later(Failure),
    /// This request is refused: one of its events may be the cause.
    Refused(Failure),
    /// Everything is refused, as long as the settings stay what they are.
    Moved(Failure),
}

impl Sender {
    /// A sender with these secrets. `any_endpoint` lets it call any address, as on test stacks.
    pub fn new(secrets: SecretStore, any_endpoint: bool) -> Result<Self> {
        let client = outbound::client(TIME_TO_ANSWER, any_endpoint)?;
        Ok(Self { client, secrets, any_endpoint, kept: Mutex::default() })
    }

    /// Sends events in one request.
    pub async fn send(&self, upstream: &Upstream, events: &[&Event]) -> Result<(), Fault> {
        let url = upstream.endpoint();
        if !self.any_endpoint && !outbound::may_be_called(&url) {
            let message = "the upstream is not called: its URL does not name a public host over https";
            return Err(Fault::Moved(Failure::permanent(message)));
        }
        let secret = self.secret(&upstream.secret_id).await.map_err(Fault::Later)?;
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body(events)?);
        let request = match upstream.format {
            UpstreamFormat::Segment => request.basic_auth(secret, Some("")),
            UpstreamFormat::Webhook => {
                let unfit =
                    |_| Fault::Later(Failure::permanent("the upstream's secret does not fit into a header"));
                let mut secret = HeaderValue::from_str(&secret).map_err(unfit)?;
                secret.set_sensitive(true);
                request.header(AUTHORIZATION, secret)
            }
        };
        let response = request.send().await.map_err(|error| Fault::Later(unanswered(&error)))?;
        sort(&response)?;
        // The connection can be used again once the body is read, which is the other side's to make long.
        if response.content_length().is_some_and(|bytes| bytes <= SHORT) {
            drop(response.bytes().await);
        }
        Ok(())
    }

    async fn secret(&self, id: &str) -> Result<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(secret) = kept {
            return Ok(secret);
        }
        let secret = self.secrets.upstream(id).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(id.to_owned(), secret.clone());
        Ok(secret)
    }
}

/// Events as Segment's batch call takes them.
fn body(events: &[&Event]) -> Result<Vec<u8>, Fault> {
    let unreadable = |_| Fault::Refused(Failure::permanent("an event is not of the expected form"));
    let mut body = br#"{"batch":["#.to_vec();
    for (place, event) in events.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend(event.resent().map_err(unreadable)?);
    }
    body.extend(format!(r#"],"sentAt":"{:.3}"}}"#, Timestamp::now()).into_bytes());
    Ok(body)
}

/// A reqwest error prints the URL, and a URL may hold a secret: only its class is kept.
fn unanswered(error: &reqwest::Error) -> Failure {
    let why = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off its answer"
    };
    Failure::transient(format!("the upstream {why}"))
}

fn sort(response: &Response) -> Result<(), Fault> {
    let (status, number) = (response.status(), response.status().as_u16());
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    match status {
        _ if status.is_success() => Ok(()),
        _ if status.is_redirection() => {
            let place = header(LOCATION).and_then(|text| Url::parse(text).ok());
            let host = place.as_ref().and_then(Url::host_str).unwrap_or("another place");
            let message = format!("the upstream answered {number}: it has moved to {host}; set its new URL");
            Err(Fault::Moved(Failure::permanent(message)))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Fault::Later(Failure::transient(format!(
            "the upstream answered {number}: the secret is wrong or revoked; set it again"
        )))),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => Err(Fault::Later(
            Failure::transient(format!("the upstream answered {number}: its URL is wrong; set it again")),
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            let wait = header(RETRY_AFTER).and_then(|text| text.parse().ok());
            let failure =
                Failure::transient(format!("the upstream answered {number}: it takes no more for now"));
            Err(Fault::Later(failure.wait(wait.map(|seconds: u32| seconds.min(LONGEST_WAIT)))))
        }
        _ if status.is_client_error() => Err(Fault::Refused(Failure::permanent(format!(
            "the upstream answered {number}: it refuses what it was sent"
        )))),
        _ => Err(Fault::Later(Failure::transient(format!(
            "the upstream answered {number}: it has trouble of its own"
        )))),
    }
}
