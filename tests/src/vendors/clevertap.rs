//! A fake CleverTap.
//!
//! <https://developer.clevertap.com/docs/delete-user-profile-api>: up to 100 identities a call, `success` for people whom
//! it does not know as well. Its limit is one of calls at the same time
//! (<https://developer.clevertap.com/docs/api-request-limit>), which nothing here comes near.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// CleverTap.
pub const CLEVERTAP: Vendor = Vendor {
    name: "clevertap",
    destination,
    key: ("x-clevertap-passcode", "passcode"),
    open: None,
    unauthorized: || {
        answer(401, json!({ "status": "fail", "error": "Invalid account id or passcode", "code": 401 }))
    },
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: profiles,
};

/// A CleverTap at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "CleverTap",
        "vendor": "clevertap",
        "settings": { "region": url },
        "secrets": { "accountId": "account", "passcode": "passcode" },
    })
}

fn profiles(world: &mut World, call: &Call) -> Answer {
    match call.line().as_str() {
        "GET 1/profile.json" => answer(200, json!({ "status": "success", "record": {} })),
        "POST 1/delete/profiles.json" => {
            let ids = call.texts("identity");
            if !(1..=100).contains(&ids.len()) {
                return answer(400, json!({ "status": "fail", "error": "Malformed request", "code": 400 }));
            }
            for id in &ids {
                world.delete(id);
            }
            answer(200, json!({ "status": "success" }))
        }
        _ => answer(404, json!({ "status": "fail", "error": "not found", "code": 404 })),
    }
}
