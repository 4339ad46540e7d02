//! Requests to a vendor, and its replies.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::Hashes;
use model::failure::Failure;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text as a segment of a path or a value of a query or form.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Fields as a query or form.
fn fields(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// A request to a vendor. `Debug` shows only the method: the rest holds secrets and identifiers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// Whether it is the same for every batch (a token, a list of jobs): then it is sent once in a turn, and all
    /// batches get its reply.
    pub once: bool,
    /// Whether the reply is a list of hashes, too long to be kept whole.
    pub lists_hashes: bool,
}

impl Call {
    /// A call without headers or body.
    pub fn new(method: &'static str, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: Vec::new(), once: false, lists_hashes: false }
    }

    /// `GET`.
    pub fn get(url: String) -> Self {
        Self::new("GET", url)
    }

    /// `POST`.
    pub fn post(url: String) -> Self {
        Self::new("POST", url)
    }

    /// `DELETE`.
    pub fn delete(url: String) -> Self {
        Self::new("DELETE", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Authenticates with a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Authenticates with a name and a password.
    #[must_use]
    pub fn basic(self, user: &str, password: &str) -> Self {
        self.header(
            "authorization",
            format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))),
        )
    }

    /// Adds a query.
    #[must_use]
    pub fn query(mut self, query: &[(&str, &str)]) -> Self {
        self.url = format!("{}?{}", self.url, fields(query));
        self
    }

    /// A JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// A body as HTML forms send it.
    #[must_use]
    pub fn form(self, body: &[(&str, &str)]) -> Self {
        self.bytes("application/x-www-form-urlencoded", fields(body).into_bytes())
    }

    /// A body of bytes, sent unchanged, so that a signature over them holds.
    #[must_use]
    pub fn bytes(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    /// Marks it as the same for every batch.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Marks its reply as a list of hashes: they are read as they come, into [`Reply::hashes`].
    #[must_use]
    pub fn listing_hashes(mut self) -> Self {
        self.lists_hashes = true;
        self
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} redacted)", self.method)
    }
}

/// A vendor's answer. It lives in memory only; what must outlive the turn goes into a note.
#[derive(Clone, Default, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `Location` and `Link`, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; null if it is not JSON.
    pub body: Value,
    /// The hashes that were in the body, if the call lists hashes.
    pub hashes: Hashes,
}

impl Reply {
    /// The headers that protocols may read.
    pub const HEADERS: [&'static str; 2] = ["location", "link"];

    /// Whether the status says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The text at a JSON pointer of the body (RFC 6901); empty, if there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The entries at a JSON pointer of the body; none, if there is no array.
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// One of [`Reply::HEADERS`].
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The failure for a reply that the protocol does not expect: a refusal is permanent, and so is a redirection, which
    /// is not followed; anything else is tried again.
    /// It never quotes the reply, which may name the subject.
    pub fn unexpected(&self, vendor: &str) -> Failure {
        match self.status {
            300..=399 => {
                let host = self.header("location").and_then(|location| Url::parse(location).ok());
                let host =
                    host.as_ref().and_then(Url::host_str).unwrap_or("an address that it does not name");
                Failure::permanent(format!("{vendor} has moved to {host}: change the destination's settings"))
            }
            400.. => Failure::permanent(format!(
                "{vendor} refused the request with status {}: check the destination's settings and the key's \
                 permissions",
                self.status
            )),
            _ => Failure::transient(format!("{vendor} answered in a form it does not document")),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({} redacted)", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_urls_is_encoded() {
        assert_eq!(encode("a b/c?d=é&+%~"), "a%20b%2Fc%3Fd%3D%C3%A9%26%2B%25~");
        assert_eq!(Call::get("u".into()).query(&[("q", "a&b"), ("r", "1")]).url, "u?q=a%26b&r=1");
        assert_eq!(Call::post("u".into()).form(&[("scope", "a b")]).body, b"scope=a%20b");
    }

    #[test]
    fn a_redirection_is_permanent_and_names_the_host_alone() {
        let moved = |headers| Reply { status: 308, headers, ..Reply::default() }.unexpected("X");
        let failure = moved(vec![("location", "https://new.example.com/users/ada?id=ada".into())]);
        assert!(!failure.is_transient() && failure.public.contains("new.example.com"), "{failure}");
        assert!(!failure.public.contains("ada"), "{failure}");
        assert!(!moved(Vec::new()).is_transient());
    }

    #[test]
    fn debug_shows_neither_secret_nor_subject() {
        let call = Call::delete("https://x/ada".into()).bearer("k");
        let (headers, body) = (vec![("link", "ada".into())], "ada".into());
        let reply = Reply { status: 200, headers, body, ..Reply::default() };
        assert_eq!(format!("{call:?} {reply:?}"), "Call(DELETE redacted) Reply(200 redacted)");
    }
}
