//! A tracking API behind Lethe, as Segment and RudderStack have one: it keeps what it takes, in the order in which it came.
//!
//! <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#batch>

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// The write key that it takes.
pub const WRITE_KEY: &str = "upstream-write-key";

/// The tracking API.
pub const TRACKING: Vendor = Vendor {
    name: "tracking",
    destination: |url| json!({ "url": url, "format": "segment", "secret": WRITE_KEY }),
    key: ("authorization", "Basic dXBzdHJlYW0td3JpdGUta2V5Og=="),
    open: None,
    unauthorized: || answer(401, json!({ "success": false })),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: take,
};

/// Takes a batch as a whole, or refuses it: if it is too large, or an event of it is called `bad`.
fn take(world: &mut World, call: &Call) -> Answer {
    if call.line() != "POST v1/batch" {
        return answer(404, json!({ "success": false }));
    }
    if world.state == "moved" {
        let there = vec![("location", "https://elsewhere.example.com/v1/batch".to_owned())];
        return Answer { headers: there, ..answer(308, Value::Null) };
    }
    let (body, size) = (call.json(), call.body.len());
    let events = body["batch"].as_array().cloned().unwrap_or_default();
    let is_bad = |event: &Value| event["event"] == "bad" || event["messageId"].is_null();
    if size > 500_000 || body["sentAt"].is_null() || events.is_empty() || events.iter().any(is_bad) {
        return answer(400, json!({ "success": false }));
    }
    match &mut world.state {
        Value::Array(all) => all.extend(events),
        none => *none = Value::Array(events),
    }
    answer(200, json!({ "success": true }))
}
