//! A fake Klaviyo.
//!
//! <https://developers.klaviyo.com/en/reference/request_profile_deletion>: 202 for a profile's id, 400 where no identifier
//! is given. A profile is named by its id or an email address. <https://developers.klaviyo.com/en/reference/get_profiles> finds a profile by external id. 60 calls a
//! minute.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Klaviyo.
pub const KLAVIYO: Vendor = Vendor {
    name: "klaviyo",
    destination,
    key: ("authorization", "Klaviyo-API-Key key"),
    open: None,
    unauthorized: || error(401, "not_authenticated"),
    rate: (60, Duration::from_secs(60)),
    limited: retry_after,
    answer: profiles,
};

/// A Klaviyo at this URL, whose profiles have our ids as external ids.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Klaviyo",
        "vendor": "klaviyo",
        "settings": { "host": url, "identifier": "external_id" },
        "secrets": { "apiKey": "key" },
    })
}

fn profiles(world: &mut World, call: &Call) -> Answer {
    match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["api", "profiles"]) => {
            let wanted = call.query("filter").and_then(|filter| {
                let text = filter.strip_prefix("equals(external_id,")?.strip_suffix(')')?;
                serde_json::from_str::<String>(text).ok()
            });
            let found: Vec<_> = wanted
                .into_iter()
                .filter(|id| world.users.contains(id))
                .map(|id| json!({ "type": "profile", "id": format!("01-{id}"), "attributes": {} }))
                .collect();
            typed(200, json!({ "data": found }))
        }
        (&Method::POST, ["api", "data-privacy-deletion-jobs"]) => {
            let profile = "/data/attributes/profile/data";
            let (id, email) =
                (call.text(&format!("{profile}/id")), call.text(&format!("{profile}/attributes/email")));
            match id.strip_prefix("01-").unwrap_or(&email) {
                "" => error(400, "invalid"),
                id if world.delete(id) => answer(202, Value::Null),
                _ => error(404, "not_found"),
            }
        }
        _ => error(404, "not_found"),
    }
}

fn error(status: u16, code: &str) -> Answer {
    let source = json!({ "pointer": "/data/attributes/profile" });
    let error =
        json!({ "id": "1", "status": status, "code": code, "title": "no", "detail": "no", "source": source });
    typed(status, json!({ "errors": [error] }))
}

/// Its answers are JSON:API.
fn typed(status: u16, body: Value) -> Answer {
    Answer { headers: vec![("content-type", "application/vnd.api+json".into())], ..answer(status, body) }
}
