//! A fake Zendesk.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/users/users/>: a user has an id of its own; it is deleted, then
//! deleted permanently, and each product tells when it began and when it completed, here one step each time it is
//! asked. 200 calls a minute and a `Retry-After`
//! (<https://developer.zendesk.com/api-reference/introduction/rate-limits/>).

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Zendesk.
pub const ZENDESK: Vendor = Vendor {
    name: "zendesk",
    destination,
    // admin@example.com/token:token
    key: ("authorization", "Basic YWRtaW5AZXhhbXBsZS5jb20vdG9rZW46dG9rZW4="),
    open: None,
    unauthorized: || answer(401, json!({ "error": "Couldn't authenticate you" })),
    rate: (200, Duration::from_secs(60)),
    limited: retry_after,
    answer: users,
};

/// A Zendesk at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Zendesk",
        "vendor": "zendesk",
        "settings": { "host": url, "email": "admin@example.com" },
        "secrets": { "apiToken": "token" },
    })
}

fn users(world: &mut World, call: &Call) -> Answer {
    match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["api", "v2", "deleted_users", "count"]) => {
            answer(200, json!({ "count": { "value": 0 } }))
        }
        (&Method::GET, ["api", "v2", "users", "show_many"]) => found(world, call.query("external_ids")),
        (&Method::GET, ["api", "v2", "users", "search"]) => found(world, call.query("external_id")),
        (&Method::DELETE, ["api", "v2", "users", user]) => {
            let Some(id) = world.users.iter().find(|id| number(id).to_string() == *user).cloned() else {
                return unknown();
            };
            world.delete(&id);
            world.state[*user] = "deleted".into();
            answer(200, json!({ "user": { "id": number(&id), "external_id": id, "active": false } }))
        }
        (&Method::DELETE, ["api", "v2", "deleted_users", user]) if world.state[*user] == "deleted" => {
            world.state[*user] = "request_deletion".into();
            answer(200, json!({ "deleted_user": { "id": user.parse::<u64>().ok(), "active": false } }))
        }
        (&Method::GET, ["api", "v2", "users", user, "compliance_deletion_statuses"])
            if world.state[*user].is_string() =>
        {
            let steps = ["request_deletion", "started", "complete"];
            let at = steps.iter().position(|step| world.state[*user] == *step).unwrap_or(0);
            world.state[*user] = steps[(at + 1).min(2)].into();
            let status = |step: &&str| {
                let application = if *step == "request_deletion" { "all" } else { "support" };
                json!({ "action": step, "application": application, "account_subdomain": "acme" })
            };
            let told: Vec<_> = steps[..=at].iter().map(status).collect();
            answer(200, json!({ "compliance_deletion_statuses": told }))
        }
        _ => unknown(),
    }
}

fn found(world: &World, id: Option<&str>) -> Answer {
    let users: Vec<_> = id
        .into_iter()
        .filter(|id| world.users.contains(*id))
        .map(|id| json!({ "id": number(id), "external_id": id, "active": true }))
        .collect();
    answer(200, json!({ "count": users.len(), "users": users }))
}

/// Zendesk's own id of a user.
fn number(id: &str) -> u64 {
    id.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000_007)
}

fn unknown() -> Answer {
    answer(404, json!({ "error": "RecordNotFound", "description": "Not found" }))
}
