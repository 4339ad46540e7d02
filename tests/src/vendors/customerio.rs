//! A fake Customer.io.
//!
//! <https://docs.customer.io/integrations/api/track/>: a batch of up to 500 kB; 200 when all of it was taken, people whom
//! it does not know as well; 207 names those that were not, by their place. An id has at most 150 bytes. 3,000 calls
//! in 3 seconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Customer.io.
pub const CUSTOMERIO: Vendor = Vendor {
    name: "customerio",
    destination,
    // site:key
    key: ("authorization", "Basic c2l0ZTprZXk="),
    open: None,
    unauthorized: || answer(401, json!({ "meta": { "error": "Unauthorized request" } })),
    rate: (3_000, Duration::from_secs(3)),
    limited: retry_after,
    answer: batch,
};

/// A Customer.io at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Customer.io",
        "vendor": "customerio",
        "settings": { "region": url },
        "secrets": { "siteId": "site", "apiKey": "key" },
    })
}

fn batch(world: &mut World, call: &Call) -> Answer {
    match call.line().as_str() {
        "GET api/v1/accounts/region" => {
            answer(200, json!({ "url": "https://track.customer.io", "region": "us", "environment_id": 3 }))
        }
        "POST api/v2/batch" if call.body.len() <= 500_000 => {
            let body = call.json();
            let Some(people) = body["batch"].as_array() else {
                return answer(
                    400,
                    json!({ "errors": [{ "reason": "invalid", "field": "batch", "message": "malformed" }] }),
                );
            };
            let mut errors = Vec::new();
            for (at, person) in people.iter().enumerate() {
                match (person["identifiers"]["id"].as_str(), person["action"].as_str()) {
                    (Some(id), Some("delete")) if (1..=150).contains(&id.len()) => drop(world.delete(id)),
                    _ => errors.push(json!({ "batch_index": at, "reason": "invalid", "field": "identifiers",
                                             "message": "identifiers are invalid" })),
                }
            }
            match errors.is_empty() {
                true => answer(200, json!({})),
                false => answer(207, json!({ "errors": errors })),
            }
        }
        _ => answer(404, json!({ "meta": { "error": "not found" } })),
    }
}
