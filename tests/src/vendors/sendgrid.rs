//! A fake SendGrid.
//!
//! <https://www.twilio.com/docs/sendgrid/api-reference/recipients-data-erasure-api/erase-recipients-email-data>: up to 5,000
//! addresses a call, known or not; one that is no address refuses them all. 202 names a job, of which nothing is heard
//! again. Here users are addresses. No limit of calls is documented.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer};

/// SendGrid.
pub const SENDGRID: Vendor = Vendor {
    name: "sendgrid",
    destination,
    key: ("authorization", "Bearer key"),
    open: None,
    unauthorized: || error(401, "authorization required"),
    rate: (1_000, Duration::from_secs(1)),
    limited: |seconds, now| vec![("x-ratelimit-reset", (now + seconds).to_string())],
    answer: jobs,
};

/// A SendGrid at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "SendGrid",
        "vendor": "sendgrid",
        "settings": { "region": url },
        "secrets": { "apiKey": "key" },
    })
}

fn jobs(world: &mut World, call: &Call) -> Answer {
    match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["v3", "scopes"]) => {
            answer(200, json!({ "scopes": ["mail.send", "recipients.erasejob.create"] }))
        }
        (&Method::POST, ["v3", "recipients", "erasejob"]) => {
            let addresses = call.texts("email_addresses");
            if !(1..=5_000).contains(&addresses.len()) || !addresses.iter().all(|one| one.contains('@')) {
                return error(400, "email_addresses is invalid");
            }
            for address in &addresses {
                world.delete(address);
            }
            answer(202, json!({ "job_id": format!("job-{}", world.asked.len()) }))
        }
        _ => error(404, "not found"),
    }
}

fn error(status: u16, message: &str) -> Answer {
    answer(status, json!({ "errors": [{ "field": null, "message": message }] }))
}
