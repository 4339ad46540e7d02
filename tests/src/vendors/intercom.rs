//! A fake Intercom.
//!
//! <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts>: a contact has an id of its
//! own, and calls that name it by ours find nobody; `find_by_external_id` is there from version 2.13 on. Limits:
//! <https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting>.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer};

/// Intercom.
pub const INTERCOM: Vendor = Vendor {
    name: "intercom",
    destination,
    key: ("authorization", "Bearer token"),
    open: None,
    unauthorized: || error(401, "unauthorized", "Access Token Invalid"),
    rate: (1_666, Duration::from_secs(10)),
    limited: |seconds, now| {
        vec![
            ("x-ratelimit-limit", "1666".into()),
            ("x-ratelimit-remaining", "0".into()),
            ("x-ratelimit-reset", (now + seconds).to_string()),
        ]
    },
    answer: contacts,
};

/// An Intercom at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Intercom",
        "vendor": "intercom",
        "settings": { "region": url },
        "secrets": { "accessToken": "token" },
    })
}

fn contacts(world: &mut World, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match (&call.method, &path[..]) {
        (&Method::GET, ["me"]) => answer(200, json!({ "type": "admin", "id": "1" })),
        (&Method::GET, ["contacts", "find_by_external_id", id]) if world.users.contains(*id) => {
            answer(200, json!({ "type": "contact", "id": contact(id), "external_id": id, "role": "user" }))
        }
        (&Method::DELETE, ["contacts", wanted]) => {
            let Some(id) = world.users.iter().find(|id| contact(id) == *wanted).cloned() else {
                return unknown();
            };
            world.delete(&id);
            answer(200, json!({ "type": "contact", "id": wanted, "external_id": id, "deleted": true }))
        }
        _ => unknown(),
    }
}

/// Intercom's own id of a user: 24 hex digits.
fn contact(id: &str) -> String {
    id.bytes().chain([0; 12]).take(12).map(|byte| format!("{byte:02x}")).collect()
}

fn unknown() -> Answer {
    error(404, "not_found", "Contact Not Found")
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    answer(status, json!({ "type": "error.list", "errors": [{ "code": code, "message": message }] }))
}
