//! Upstream: another tracking API that receives what a source lets in.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::failure::{Failure, Result};

/// The most seconds between a look at the suppression list and the end of the request to an upstream that follows.
pub const UPSTREAM_SECONDS: u32 = 15;

/// The longest secret, in bytes.
const MAX_SECRET: usize = 2_000;

/// How another tracking API takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamFormat {
    /// As Segment and RudderStack take them: `POST {url}/v1/batch`, with the write key as the user name of Basic
    /// authentication.
    Segment,
    /// The same body to the URL itself, with the secret as the `Authorization` header.
    Webhook,
}

/// Another tracking API that receives what a source lets in, as it is kept. Its secret is in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// Where it is.
    pub url: String,
    /// How it takes events.
    pub format: UpstreamFormat,
    /// The id of its secret, which is given for this URL and never used for another.
    pub secret_id: String,
}

/// Another tracking API, as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Upstream)]
pub struct UpstreamView {
    url: String,
    format: UpstreamFormat,
}

impl From<Upstream> for UpstreamView {
    fn from(upstream: Upstream) -> Self {
        Self { url: upstream.url, format: upstream.format }
    }
}

/// The body of `PUT /sources/{id}/upstream`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://api.segment.io", "format": "segment", "secret": "write key" }))]
pub struct NewUpstream {
    /// Where it is: an https URL with a public host name, without user or password.
    #[schema(max_length = 2_000)]
    pub url: String,
    format: UpstreamFormat,
    /// For `segment` the write key there, for `webhook` the value of the `Authorization` header. Never shown again.
    #[schema(min_length = 1, max_length = 2_000)]
    secret: String,
}

impl NewUpstream {
    /// Checks what is not about the URL, and takes the request apart: what is kept, and the secret.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn accept(self) -> Result<(Upstream, String)> {
        let plain = self.secret.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if self.secret.trim().is_empty() || self.secret.len() > MAX_SECRET || !plain {
            let message = format!("secret must be 1 to {MAX_SECRET} printable ASCII characters");
            return Err(Failure::invalid(message).field("secret"));
        }
        if self.url.len() > MAX_SECRET {
            return Err(Failure::invalid(format!("url has more than {MAX_SECRET} bytes")).field("url"));
        }
        let secret_id = format!("ups_{}", Uuid::now_v7().simple());
        Ok((Upstream { url: self.url, format: self.format, secret_id }, self.secret))
    }
}

impl Upstream {
    /// Where events are sent.
    pub fn endpoint(&self) -> String {
        match self.format {
            UpstreamFormat::Segment => format!("{}/v1/batch", self.url.trim_end_matches('/')),
            UpstreamFormat::Webhook => self.url.clone(),
        }
    }
}

impl fmt::Debug for NewUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewUpstream({:?}, redacted)", self.format)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accept(secret: &str) -> Result<(Upstream, String)> {
        let body = json!({ "url": "https://api.example.com/", "format": "segment", "secret": secret });
        serde_json::from_value::<NewUpstream>(body).expect("of the form").accept()
    }

    #[test]
    fn a_secret_fits_into_a_header_and_is_in_nothing_that_is_kept() {
        for bad in ["", " ", "a\nb", "é", &"x".repeat(MAX_SECRET + 1)] {
            assert_eq!(accept(bad).expect_err("invalid").field, Some("secret"));
        }
        let (kept, secret) = accept("key-1234").expect("valid");
        assert_eq!(
            (kept.endpoint().as_str(), secret.as_str()),
            ("https://api.example.com/v1/batch", "key-1234")
        );
        assert!(!json!(kept).to_string().contains("key-1234"));
        assert_ne!(accept("key-1234").expect("valid").0.secret_id, kept.secret_id, "each has its own");
    }
}
