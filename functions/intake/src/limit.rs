//! The number of regulations that a token may make in a minute, counted for all Lambdas together, and told in Segment's
//! headers (docs.segmentapis.com, "Rate Limits").

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::json;
use store::Store;

use crate::auth::Caller;
use crate::error::ApiError;

/// Segment's limit, in calls a minute.
const A_MINUTE: u32 = 600;

/// A caller's current minute.
pub struct Window {
    used: u32,
    end: Timestamp,
}

impl Window {
    /// Counts a call, and refuses it above the limit.
    pub async fn count(store: &Store, caller: &Caller, now: Timestamp) -> Result<Self, ApiError> {
        let minute = now.as_second().div_euclid(60);
        let used = store.count(caller.id(), minute).await?;
        let window = Self { used, end: Timestamp::from_second((minute + 1) * 60).unwrap_or(now) };
        if used <= A_MINUTE {
            return Ok(window);
        }
        let left = window.end.duration_since(now).as_millis();
        let message = format!("a token may make {A_MINUTE} regulations a minute: try again later");
        let data = json!({ "remainingPoints": 0, "consumedPoints": used, "msBeforeNext": left });
        let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", message).data(data);
        window.tell(error.headers());
        Err(error.retry_after(u32::try_from(left / 1_000).unwrap_or(60) + 1))
    }

    /// Adds Segment's headers.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let reset = DateTimePrinter::new().timestamp_to_string(&self.end).ok();
        for (name, value) in [
            ("x-ratelimit-consumed", Some(self.used.to_string())),
            ("x-ratelimit-remaining", Some(A_MINUTE.saturating_sub(self.used).to_string())),
            ("x-ratelimit-reset", reset),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}
