//! A fake AppsFlyer.
//!
//! <https://dev.appsflyer.com/hc/reference/create-opendsr-request>: a request has an id that its sender gives; the same id
//! a second time is `e213`, another open request for the same user `e215`.
//! <https://dev.appsflyer.com/hc/reference/create-batch-opendsr-requests>: several requests of one app, whose shared
//! fields are those in `meta`; each is in `responses` or in `errors`. Too many are `e414`: here, more than a hundred.
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
    unauthorized: || error(401, "e413"),
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
        (&Method::POST, ["api", "gdpr", "v1", "opendsr_requests"]) => match take(world, &call.json()) {
            Ok(taken) => answer(201, taken),
            Err(code) => error(400, code),
        },
        (&Method::POST, ["api", "gdpr", "v1", "opendsr_requests", "batch"]) => batch(world, &call.json()),
        (&Method::GET, ["api", "gdpr", "v1", "opendsr_requests", "batch", batch]) => {
            match world.state["batches"][*batch].as_array().cloned() {
                Some(requests) => {
                    let all = requests.iter().filter_map(Value::as_str);
                    let all: Vec<_> = all.filter_map(|request| status(world, request)).collect();
                    answer(200, all.into())
                }
                None => answer(400, data("e214")),
            }
        }
        (&Method::GET, ["api", "gdpr", "v1", "opendsr_requests", request]) => match status(world, request) {
            Some(status) => answer(200, status),
            None => error(400, "e214"),
        },
        _ => error(404, "e214"),
    }
}

/// Takes one request, or says with which code it is refused.
fn take(world: &mut World, request: &Value) -> Result<Value, &'static str> {
    let text = |pointer| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (id, user) = (text("/subject_request_id"), text("/subject_identities/0/identity_value"));
    if text("/property_id") != "com.example.app" || text("/api_version") != "0.1" || user.is_empty() {
        return Err("e411");
    }
    // A UUID of version 4.
    if id.len() != 36 || id.as_bytes()[14] != b'4' {
        return Err("e313");
    }
    if world.state["requests"][id].is_object() {
        return Err("e213");
    }
    let open = world.state["requests"].as_object().into_iter().flatten();
    if open.into_iter().any(|(_, other)| other["user"] == user && other["status"] != "completed") {
        return Err("e215");
    }
    world.delete(user);
    world.state["requests"][id] = json!({ "user": user, "status": "pending" });
    Ok(json!({ "subject_request_id": id, "received_time": "2026-08-01T12:00:00Z" }))
}

fn batch(world: &mut World, body: &Value) -> Answer {
    let requests = body["requests"].as_array().cloned().unwrap_or_default();
    if requests.is_empty() || requests.len() > 100 {
        return answer(400, data("e414"));
    }
    let (mut taken, mut responses, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for mut request in requests {
        let id = request["subject_request_id"].clone();
        for (name, value) in body["meta"].as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        match take(world, &request) {
            Ok(response) => {
                taken.push(id);
                responses.push(response);
            }
            Err(code) => errors.push(json!({ "subject_request_id": id, "error": data(code) })),
        }
    }
    let id = format!("batch-{}", world.state["batches"].as_object().map_or(0, |batches| batches.len()));
    world.state["batches"][&id] = taken.into();
    answer(
        201,
        json!({ "batch_id": id, "encoded_request": "e30=", "responses": responses, "errors": errors }),
    )
}

/// The status of a request, which goes on each time.
fn status(world: &mut World, request: &str) -> Option<Value> {
    let now = world.state["requests"].get(request)?["status"].clone();
    world.state["requests"][request]["status"] = "completed".into();
    Some(json!({ "subject_request_id": request, "request_status": now }))
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, json!({ "error": data(code) }))
}

fn data(code: &str) -> Value {
    json!({ "code": 400, "message": "no", "af_gdpr_code": code })
}
