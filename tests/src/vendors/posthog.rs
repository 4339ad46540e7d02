//! A fake PostHog.
//!
//! <https://posthog.com/docs/api/persons>: up to 1,000 distinct ids a call; the answer counts the people found, and unknown
//! ones are passed over. 4,800 deletions an hour (<https://posthog.com/docs/api>), which nothing here comes near.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// PostHog.
pub const POSTHOG: Vendor = Vendor {
    name: "posthog",
    destination,
    key: ("authorization", "Bearer key"),
    open: None,
    unauthorized: || error(401, "authentication_failed"),
    rate: (4_800, Duration::from_secs(3_600)),
    limited: retry_after,
    answer: persons,
};

/// A PostHog at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "PostHog",
        "vendor": "posthog",
        "settings": { "region": url, "projectId": "123" },
        "secrets": { "apiKey": "key" },
    })
}

fn persons(world: &mut World, call: &Call) -> Answer {
    match call.line().as_str() {
        "GET api/projects/123/persons" => answer(200, json!({ "results": [], "next": null })),
        "POST api/projects/123/persons/bulk_delete" => {
            let ids = call.texts("distinct_ids");
            let asked_for_all =
                ["delete_events", "delete_recordings"].iter().all(|what| call.json()[*what] == true);
            if !(1..=1_000).contains(&ids.len()) || !asked_for_all {
                return error(400, "invalid_input");
            }
            let found = ids.iter().filter(|id| world.delete(id)).count();
            answer(202, json!({ "persons_found": found, "persons_deleted": found, "deletion_errors": [] }))
        }
        _ => error(404, "not_found"),
    }
}

fn error(status: u16, code: &str) -> Answer {
    answer(status, json!({ "type": "invalid_request", "code": code, "detail": "no", "attr": null }))
}
