//! A fake Amplitude.
//!
//! <https://amplitude.com/docs/apis/analytics/user-privacy>: one call a second, up to 100 ids; without
//! `ignore_invalid_id` (as a string) one unknown id fails the call. The list of jobs names users by
//! `amplitude_id` alone. A job goes from `staging` over `submitted` to `done` in weeks; here, one step each time the
//! list is asked for.
//!
//! <https://amplitude.com/docs/apis/analytics/user-privacy-v2>: for an organization, a request of its own, whose status
//! is asked for by its id. It skips ids that it does not know, in all projects.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Amplitude.
pub const AMPLITUDE: Vendor = Vendor {
    name: "amplitude",
    destination,
    // key:secret
    key: ("authorization", "Basic a2V5OnNlY3JldA=="),
    open: None,
    unauthorized: || answer(401, json!({ "error": "Unauthorized" })),
    rate: (1, Duration::from_secs(1)),
    limited: retry_after,
    answer: jobs,
};

/// Amplitude, asked for an organization.
pub const AMPLITUDE_ORGANIZATION: Vendor =
    Vendor { destination: organization, answer: requests, ..AMPLITUDE };

/// An Amplitude at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Amplitude",
        "vendor": "amplitude",
        "settings": { "region": url },
        "secrets": { "apiKey": "key", "secretKey": "secret" },
    })
}

/// An Amplitude at this URL, with an organization.
pub fn organization(url: &str) -> Value {
    json!({
        "name": "Amplitude (organization)",
        "vendor": "amplitude",
        "settings": { "region": url, "orgId": "36958" },
        "secrets": { "apiKey": "key", "secretKey": "secret" },
    })
}

fn requests(world: &mut World, call: &Call) -> Answer {
    match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["api", "user-deletions", "org", "36958", "requests"]) => {
            answer(200, world.state.as_array().cloned().unwrap_or_default().into())
        }
        (&Method::POST, ["api", "user-deletions", "org", "36958", "requests"]) => {
            let ids = call.texts("userIds");
            if !(1..=100).contains(&ids.len()) {
                return answer(400, json!({ "error": "between 1 and 100 ids" }));
            }
            for id in &ids {
                world.delete(id);
            }
            let mut requests = world.state.as_array().cloned().unwrap_or_default();
            let request = json!({ "requestId": format!("r-{}", requests.len()), "status": "staging" });
            requests.push(request.clone());
            world.state = requests.into();
            answer(200, request)
        }
        (&Method::GET, ["api", "user-deletions", "org", "36958", "requests", id]) => {
            let requests = world.state.as_array_mut().into_iter().flatten();
            match requests.into_iter().find(|request| request["requestId"] == *id) {
                Some(request) => {
                    let status = if request["status"] == "staging" { "submitted" } else { "done" };
                    request["status"] = status.into();
                    answer(200, request.clone())
                }
                None => answer(404, json!({ "error": "not found" })),
            }
        }
        _ => answer(404, json!({ "error": "not found" })),
    }
}

fn jobs(world: &mut World, call: &Call) -> Answer {
    match (&call.method, call.path.join("/").as_str()) {
        (&Method::POST, "api/2/deletions/users") => request(world, &call.json()),
        (&Method::GET, "api/2/deletions/users")
            if call.query("start_day").zip(call.query("end_day")).is_some() =>
        {
            let mut jobs = world.state.as_array().cloned().unwrap_or_default();
            for job in &mut jobs {
                job["status"] = match job["status"].as_str() {
                    Some("staging") => "submitted".into(),
                    _ => "done".into(),
                };
            }
            world.state = jobs.into();
            answer(200, without_user_ids(&world.state))
        }
        _ => answer(404, json!({ "error": "not found" })),
    }
}

fn request(world: &mut World, body: &Value) -> Answer {
    let ids: Vec<&str> =
        body["user_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !(1..=100).contains(&ids.len()) {
        return answer(400, json!({ "error": "between 1 and 100 ids" }));
    }
    let (known, unknown): (Vec<&str>, Vec<&str>) = ids.into_iter().partition(|id| world.users.contains(*id));
    if !unknown.is_empty() && body["ignore_invalid_id"] != "true" {
        return answer(400, json!({ "error": "invalid ids", "invalid_ids": unknown }));
    }
    for id in &unknown {
        world.delete(id);
    }
    if known.is_empty() {
        return answer(200, json!({ "message": "nothing was scheduled", "invalid_ids": unknown }));
    }
    let first = world.asked.len();
    let users: Vec<Value> = known
        .iter()
        .enumerate()
        .map(|(at, id)| {
            world.delete(id);
            json!({ "amplitude_id": 356_896_000_000_u64 + (first + at) as u64, "requested_on_day": "2026-01-01",
                "requester": body["requester"], "user_id": id })
        })
        .collect();
    let job = json!({ "day": "2026-01-12", "status": "staging", "amplitude_ids": users, "active_scrub_done_date": null });
    let mut jobs = world.state.as_array().cloned().unwrap_or_default();
    jobs.push(job.clone());
    world.state = jobs.into();
    let mut said = job;
    said["invalid_ids"] = unknown.into();
    answer(200, json!([said]))
}

/// The list of jobs names no user ids.
fn without_user_ids(jobs: &Value) -> Value {
    let mut jobs = jobs.clone();
    let users =
        jobs.as_array_mut().into_iter().flatten().filter_map(|job| job["amplitude_ids"].as_array_mut());
    users.flatten().filter_map(Value::as_object_mut).for_each(|user| drop(user.remove("user_id")));
    jobs
}
