//! A fake OneSignal.
//!
//! <https://documentation.onesignal.com/reference/view-user>,
//! <https://documentation.onesignal.com/reference/delete-user>: a user is found by an alias, and deleted by any: 202,
//! since the deletion is queued. Here the alias `onesignal_id` is a number made of `external_id`. No limit is documented.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// OneSignal.
pub const ONESIGNAL: Vendor = Vendor {
    name: "onesignal",
    destination,
    key: ("authorization", "Key key"),
    open: None,
    unauthorized: || error(401, "Access denied"),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: users,
};

/// A OneSignal at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "OneSignal",
        "vendor": "onesignal",
        "settings": { "host": url, "appId": "app" },
        "secrets": { "apiKey": "key" },
    })
}

fn users(world: &mut World, call: &Call) -> Answer {
    let (user, by_own) = match call.segments()[..] {
        ["apps", "app", "users", "by", "external_id", id] => (id.to_owned(), false),
        ["apps", "app", "users", "by", "onesignal_id", id] => {
            let user = world.users.iter().find(|user| own_id(user) == id);
            (user.cloned().unwrap_or_default(), true)
        }
        _ => return error(404, "Not found"),
    };
    if !world.users.contains(&user) {
        return error(404, "User not found");
    }
    let identity = json!({ "onesignal_id": own_id(&user), "external_id": user });
    match call.method {
        Method::GET => answer(200, json!({ "identity": identity, "properties": {}, "subscriptions": [] })),
        Method::DELETE if by_own => {
            world.delete(&user);
            answer(202, json!({ "identity": { "onesignal_id": own_id(&user) } }))
        }
        _ => error(400, "Not supported"),
    }
}

fn own_id(user: &str) -> String {
    user.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000_007).to_string()
}

fn error(status: u16, title: &str) -> Answer {
    answer(status, json!({ "errors": [{ "title": title }] }))
}
