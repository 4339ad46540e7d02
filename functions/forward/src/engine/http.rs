//! Sends one call, and sorts the results by what the engine does next.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use outbound::may_be_called;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response, StatusCode};

use destinations::cloud::{Call, HashReader, Hashes, Reply};
use model::failure::{Failure, Result};

/// The most bytes that are kept of a reply: a list of jobs may be long.
const MAX_REPLY: usize = 16 << 20;

/// How many times as long the reply to a call that lists hashes may take.
const LONG_LIST: u32 = 6;

/// Sends calls.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    answer_within: Duration,
    any_endpoint: bool,
}

/// Why a call has no reply for its protocol.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nothing more is sent in this turn.
    Stop(Failure),
    /// This call may work later.
    Later(Failure),
    /// The vendor refused the key, with this status.
    Denied(u16),
    /// The vendor's rate limit is reached, for this many seconds, if it says so.
    Limited(Option<u32>),
}

impl Http {
    /// A client that waits this long for a reply. `any_endpoint` lets it call any address, as on test stacks.
    pub(super) fn new(answer_within: Duration, any_endpoint: bool) -> Result<Self> {
        Ok(Self { client: outbound::client(answer_within, any_endpoint)?, answer_within, any_endpoint })
    }

    pub(super) async fn send(&self, name: &str, call: &Call) -> Result<Reply, Fault> {
        if !self.any_endpoint && !may_be_called(&call.url) {
            return Err(Fault::Stop(Failure::permanent(format!(
                "{name} is not called: its URL does not name a public host over https"
            ))));
        }
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or_default();
        let mut request = self.client.request(method, &call.url).body(call.body.clone());
        for (header, value) in &call.headers {
            request = request.header(*header, value);
        }
        if call.lists_hashes {
            request = request.timeout(self.answer_within * LONG_LIST);
        }
        let response = request.send().await.map_err(|e| self.fault(name, &e))?;
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Fault::Denied(status.as_u16())),
            StatusCode::TOO_MANY_REQUESTS => Err(Fault::Limited(wait(response.headers(), Timestamp::now()))),
            status if status.is_server_error() => Err(Fault::Later(
                Failure::transient(format!("{name} answered {}: it has trouble of its own", status.as_u16()))
                    .wait(wait(response.headers(), Timestamp::now())),
            )),
            status => {
                let header = |name| Some((name, response.headers().get(name)?.to_str().ok()?.to_owned()));
                let headers = Reply::HEADERS.into_iter().filter_map(header).collect();
                let (hashes, body) = read(response, call).await.map_err(|e| self.fault(name, &e))?;
                let body = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Reply { status: status.as_u16(), headers, body, hashes })
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
            format!("did not answer within {} s", self.answer_within.as_secs_f32())
        } else if error.is_connect() {
            "cannot be reached".to_owned()
        } else {
            "broke off its answer".to_owned()
        };
        Fault::Later(Failure::transient(format!("{name} {why}")))
    }
}

/// The seconds until a vendor may be called again: by `Retry-After` (RFC 9110: seconds or a date), or by one of the
/// headers that name the end of the window, as a moment or as a span.
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

/// Reads a body, and the hashes apart from it, if the call lists hashes.
async fn read(mut response: Response, call: &Call) -> reqwest::Result<(Hashes, Vec<u8>)> {
    let (mut body, mut hashes) = (Vec::new(), HashReader::default());
    while let Some(chunk) = response.chunk().await? {
        match call.lists_hashes {
            true => hashes.read(&chunk),
            false => body.extend_from_slice(&chunk),
        }
        if body.len() + hashes.kept() > MAX_REPLY {
            break;
        }
    }
    let (hashes, rest) = hashes.end();
    Ok((hashes, if call.lists_hashes { rest } else { body }))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// As with a webhook whose name leads to this machine, or that was stored before its URL was checked.
    #[tokio::test]
    async fn nothing_but_public_addresses_is_called() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let http = Http::new(Duration::from_secs(2), false).expect("a client");
        for url in [
            format!("https://localhost:{port}/"),
            format!("https://127.0.0.1:{port}/"),
            format!("http://127.0.0.1:{port}/"),
            format!("https://example.com:x@127.0.0.1:{port}/"),
            format!("https://[::ffff:127.0.0.1]:{port}/"),
            format!("https://2130706433:{port}/"),
        ] {
            let sent = http.send("Webhook", &Call::post(url.clone())).await;
            assert!(sent.is_err(), "{url}");
        }
        let reached = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(reached.is_err(), "a connection was made");
    }

    /// Beyond 16 MiB such a list was once cut, and nobody in it was ever confirmed.
    #[tokio::test]
    async fn a_list_of_hashes_is_read_to_its_end() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let hash = |n: u32| format!("{n:016x}{}", "0".repeat(48));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            assert!(stream.read(&mut [0; 4096]).await.expect("a request") > 0);
            let hashes: Vec<String> = (0..300_000).map(|n| format!("\"{}\"", hash(n))).collect();
            let body = format!("{{\"hashedEmails\":[{}]}}", hashes.join(","));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.expect("sent");
        });
        let http = Http::new(Duration::from_secs(10), true).expect("a client");
        let reply = http.send("Iterable", &Call::get(url).listing_hashes()).await.expect("a reply");
        assert!(reply.hashes.hold(&hash(299_999)) && !reply.hashes.hold(&hash(300_000)));
        assert_eq!(reply.body, serde_json::json!({ "hashedEmails": [] }));
    }

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
