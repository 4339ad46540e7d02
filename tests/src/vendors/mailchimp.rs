//! A fake Mailchimp, with one audience.
//!
//! <https://mailchimp.com/developer/marketing/api/list-members/>: a member is named by the MD5 hash of the address in lower
//! case; deleted permanently it is gone (204), and unknown from then on (404). Here users are addresses. Ten calls may be
//! under way at once; no rate is documented.

use std::time::Duration;

use axum::http::Method;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Mailchimp.
pub const MAILCHIMP: Vendor = Vendor {
    name: "mailchimp",
    destination,
    // lethe:key
    key: ("authorization", "Basic bGV0aGU6a2V5"),
    open: None,
    unauthorized: || problem(401, "API Key Invalid"),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: members,
};

/// A Mailchimp at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Mailchimp",
        "vendor": "mailchimp",
        "settings": { "host": url, "audienceId": "26d8e9db1e" },
        "secrets": { "apiKey": "key" },
    })
}

fn members(world: &mut World, call: &Call) -> Answer {
    let (hash, deletes) = match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["3.0", "lists", "26d8e9db1e"]) => return answer(200, json!({ "id": "26d8e9db1e" })),
        (&Method::GET, ["3.0", "lists", "26d8e9db1e", "members", hash]) => (*hash, false),
        (&Method::POST, ["3.0", "lists", "26d8e9db1e", "members", hash, "actions", "delete-permanent"]) => {
            (*hash, true)
        }
        _ => return problem(404, "Resource Not Found"),
    };
    let member = world.users.iter().find(|address| hash_of(address) == hash).cloned();
    match member {
        None => problem(404, "Resource Not Found"),
        Some(address) if deletes => {
            world.delete(&address);
            answer(204, Value::Null)
        }
        Some(address) => answer(200, json!({ "id": hash, "email_address": address, "status": "subscribed" })),
    }
}

fn hash_of(address: &str) -> String {
    Md5::digest(address.to_lowercase()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn problem(status: u16, title: &str) -> Answer {
    let body =
        json!({ "type": "about:blank", "title": title, "status": status, "detail": "no", "instance": "1" });
    answer(status, body)
}
