//! One call: sent, and its answer told apart by what the engine does next.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response, StatusCode, redirect};

use destinations::cloud::{Call, Reply};
use model::failure::{Failure, Result};

/// The most that is read of an answer, in bytes: a list of jobs may be long.
const MAX_REPLY: usize = 16 << 20;

/// Sends calls.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    patience: Duration,
}

/// Why a call has no reply for its protocol.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing more is sent in this turn.
    Stop(Failure),
    /// This call may work later.
    Later(Failure),
    /// The vendor's rate limit is reached; it is free again after so many seconds, if it says so.
    Limited(Option<u32>),
}

impl Http {
    pub(super) fn new(patience: Duration) -> Result<Self> {
        let client = Client::builder().timeout(patience).redirect(redirect::Policy::none()).build();
        let client = client.map_err(|e| Failure::permanent("the HTTP client cannot start").detail(e))?;
        Ok(Self { client, patience })
    }

    pub(super) async fn send(&self, name: &str, call: &Call) -> Result<Reply, Fault> {
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or_default();
        let mut request = self.client.request(method, &call.url).body(call.body.clone());
        for (header, value) in &call.headers {
            request = request.header(*header, value);
        }
        let response = request.send().await.map_err(|e| self.fault(name, &e))?;
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Fault::Stop(Failure::transient(format!(
                    "{name} answered {}: the key is wrong, revoked or lacks a permission; set it again and retry",
                    status.as_u16()
                ))))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(Fault::Limited(wait(response.headers(), Timestamp::now()))),
            status if status.is_server_error() => Err(Fault::Later(
                Failure::transient(format!("{name} answered {}: it has trouble of its own", status.as_u16()))
                    .wait(wait(response.headers(), Timestamp::now())),
            )),
            status => {
                let header = |name| Some((name, response.headers().get(name)?.to_str().ok()?.to_owned()));
                let headers = Reply::HEADERS.into_iter().filter_map(header).collect();
                let body = read(response).await.map_err(|e| self.fault(name, &e))?;
                let body = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Reply { status: status.as_u16(), headers, body })
            }
        }
    }

    /// A reqwest error prints the URL, and a URL may hold an identifier: only its class is kept.
    fn fault(&self, name: &str, error: &reqwest::Error) -> Fault {
        let why = if error.is_builder() {
            return Fault::Stop(Failure::permanent(format!(
                "{name} cannot be asked: a setting or secret holds characters that do not fit into a request"
            )));
        } else if error.is_timeout() {
            format!("did not answer within {} s", self.patience.as_secs_f32())
        } else if error.is_connect() {
            "cannot be reached".to_owned()
        } else {
            "broke off its answer".to_owned()
        };
        Fault::Later(Failure::transient(format!("{name} {why}")))
    }
}

/// In how many seconds a vendor wants to be asked again: by `Retry-After` (RFC 9110: seconds or a date), or by
/// one of the headers that name the end of the window, as a moment or as a span.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let seconds = |text: &str| {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(|number| number.ceil() as i64)
    };
    let until = |moment: i64| moment - now.as_second();
    let after = text("retry-after").and_then(|text| {
        let date = || Some(until(rfc2822::parse(text).ok()?.timestamp().as_second()));
        seconds(text).or_else(date)
    });
    let reset = || {
        let names = ["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"];
        let reset = names.into_iter().find_map(|name| seconds(text(name)?))?;
        Some(if reset > now.as_second() / 2 { until(reset) } else { reset })
    };
    Some(u32::try_from(after.or_else(reset)?.max(0)).unwrap_or(u32::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_wait_is_read_in_every_form() {
        let now = Timestamp::from_second(1_800_000_000).expect("in range");
        for (name, value, seconds) in [
            ("retry-after", "7", Some(7)),
            ("retry-after", "0.3", Some(1)),
            ("retry-after", "Fri, 15 Jan 2027 08:00:20 GMT", Some(20)),
            ("x-ratelimit-reset", "1800000030", Some(30)),
            ("x-ratelimit-reset", "1799999999", Some(0)),
            ("x-ratelimit-reset", "12", Some(12)),
            ("ratelimit-reset", "41", Some(41)),
            ("retry-after", "soon", None),
        ] {
            let headers =
                [(name, value)].map(|(n, v)| (n.parse().expect("a name"), v.parse().expect("a value")));
            assert_eq!(wait(&HeaderMap::from_iter(headers), now), seconds, "{name}: {value}");
        }
    }
}
