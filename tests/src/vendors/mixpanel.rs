//! A fake Mixpanel.
//!
//! <https://docs.mixpanel.com/reference/create-deletion>: up to 2,000 distinct ids a task, known or not; a task goes from
//! `PENDING` to `SUCCESS` in weeks, here one step each time it is asked for, and then the users are gone. A task that
//! nobody made is `NOT_FOUND`. No limit of calls is documented.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Mixpanel.
pub const MIXPANEL: Vendor = Vendor {
    name: "mixpanel",
    destination,
    key: ("authorization", "Bearer token"),
    open: None,
    unauthorized: || answer(401, json!({ "status": "error", "error": "Invalid OAuth token" })),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: tasks,
};

/// A Mixpanel at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Mixpanel",
        "vendor": "mixpanel",
        "settings": { "region": url },
        "secrets": { "projectToken": "project", "oauthToken": "token" },
    })
}

fn tasks(world: &mut World, call: &Call) -> Answer {
    if call.query("token") != Some("project") {
        return answer(400, json!({ "status": "error", "error": "Invalid project token" }));
    }
    match (&call.method, &call.segments()[..]) {
        (&Method::POST, ["api", "app", "data-deletions", "v3.0"]) => {
            let ids = call.texts("distinct_ids");
            if !(1..=2_000).contains(&ids.len()) {
                return answer(400, json!({ "status": "error", "error": "between 1 and 2000 distinct_ids" }));
            }
            let task = format!("task-{}", world.asked.len());
            for id in &ids {
                world.delete(id);
            }
            world.state[&task] = json!({ "status": "PENDING", "ids": ids });
            answer(201, json!({ "status": "ok", "results": { "task_id": task } }))
        }
        (&Method::GET, ["api", "app", "data-deletions", "v3.0", task]) => {
            let now = world.state[*task]["status"].as_str().unwrap_or("NOT_FOUND").to_owned();
            let next = match now.as_str() {
                "PENDING" => Some("STARTED"),
                "STARTED" => Some("SUCCESS"),
                _ => None,
            };
            if let Some(next) = next {
                world.state[*task]["status"] = next.into();
            }
            let ids = world.state[*task]["ids"].as_array().cloned().unwrap_or_default();
            let results = json!({ "tracking_id": task, "status": now, "requesting_user": "privacy@example.com",
                                  "compliance_type": "GDPR", "project_id": 1,
                                  "date_requested": "2026-08-01T12:00:00", "distinct_ids": ids });
            answer(200, json!({ "status": "ok", "results": results }))
        }
        _ => answer(404, json!({ "status": "error", "error": "not found" })),
    }
}
