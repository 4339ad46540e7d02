//! A fake AppsFlyer.
//!
//! <https://dev.appsflyer.com/hc/reference/create-opendsr-request>: a request has an id that its sender gives; the same id
//! a second time is `e213`, another open request for the same user `e215`.
//! <https://dev.appsflyer.com/hc/reference/get-opendsr-request-status>: it goes from `pending` to `completed` in days,
//! here one step each time it is asked for, for unknown users, too. No limit of calls is documented.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// AppsFlyer.
pub const APPSFLYER: Vendor = Vendor {
    name: "appsflyer",
    destination,
    key: ("authorization", "Bearer token"),
    open: None,
    unauthorized: || error(401, "e401"),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: requests,
};

/// An AppsFlyer at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "AppsFlyer",
        "vendor": "appsflyer",
        "settings": { "host": url, "appId": "com.example.app" },
        "secrets": { "apiToken": "token" },
    })
}

fn requests(world: &mut World, call: &Call) -> Answer {
    match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["api", "gdpr", "v1", "discovery"]) => {
            answer(200, json!({ "api_version": "0.1", "supported_subject_request_types": "erasure" }))
        }
        (&Method::POST, ["api", "gdpr", "v1", "opendsr_requests"]) => {
            let (request, user) =
                (call.text("/subject_request_id"), call.text("/subject_identities/0/identity_value"));
            let open = world.state.as_object().into_iter().flatten();
            let mut open = open.filter(|(_, other)| other["user"] == user && other["status"] != "completed");
            if call.text("/property_id") != "com.example.app" || user.is_empty() {
                return error(400, "e411");
            }
            if world.state[&request].is_object() {
                return error(400, "e213");
            }
            if open.next().is_some() {
                return error(400, "e215");
            }
            world.delete(&user);
            world.state[&request] = json!({ "user": user, "status": "pending" });
            answer(201, json!({ "subject_request_id": request, "received_time": "2026-08-01T12:00:00Z" }))
        }
        (&Method::GET, ["api", "gdpr", "v1", "opendsr_requests", request])
            if world.state[*request].is_object() =>
        {
            let now = world.state[*request]["status"].clone();
            world.state[*request]["status"] = "completed".into();
            answer(200, json!({ "subject_request_id": request, "request_status": now }))
        }
        _ => error(404, "e404"),
    }
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, json!({ "error": { "code": status, "message": "no", "af_gdpr_code": code } }))
}
