//! A receiver of our webhooks, as a company would write it: it believes nothing that is not signed.
//!
//! The signature is the hex HMAC-SHA256 of the body under the shared secret.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Answer, Call, Vendor, World, answer, retry_after};

const SECRET: &str = "shared secret";

/// The receiver.
pub const WEBHOOK: Vendor = Vendor {
    name: "webhook",
    destination,
    key: ("content-type", "application/json"),
    open: None,
    unauthorized: || answer(401, json!({ "error": "not signed" })),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: receive,
};

/// A receiver at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Webhook",
        "vendor": "webhook",
        "settings": { "url": format!("{url}/privacy") },
        "secrets": { "sharedSecret": SECRET },
    })
}

fn receive(world: &mut World, call: &Call) -> Answer {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("any length will do");
    mac.update(&call.body);
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if call.headers.get("x-signature-256").is_none_or(|given| *given != *signature) {
        return (WEBHOOK.unauthorized)();
    }
    if call.text("/type") == "delete" {
        world.delete(&call.text("/userId"));
    }
    answer(200, json!({ "success": true }))
}
