//! A fake Google Analytics, with the token endpoint of a service account.
//!
//! <https://developers.google.com/analytics/devguides/config/admin/v1/rest/v1alpha/properties/submitUserDeletion>: the
//! answer names the moment up to which data is deleted, for people whom nobody knows as well.
//! <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>: a token is had for a signed JWT.
//! 1.5 calls a second (<https://developers.google.com/analytics/devguides/config/userdeletion/v3/limits-quotas>).

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Google Analytics.
pub const GOOGLE_ANALYTICS: Vendor = Vendor {
    name: "google-analytics",
    destination,
    key: ("authorization", "Bearer token"),
    open: Some("/token"),
    unauthorized: || answer(401, json!({ "error": { "code": 401, "status": "UNAUTHENTICATED" } })),
    rate: (3, Duration::from_secs(2)),
    limited: retry_after,
    answer: property,
};

/// A key that was made for the tests and opens nothing.
const FIXTURE: &str = include_str!("../../../shared/destinations/fixtures/google-analytics.json");

/// A Google Analytics at this URL.
pub fn destination(url: &str) -> Value {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap_or_default();
    json!({
        "name": "Google Analytics",
        "vendor": "google-analytics",
        "settings": { "host": url, "propertyId": "123456" },
        "secrets": { "serviceAccountKey": fixture["secrets"]["serviceAccountKey"] },
    })
}

fn property(world: &mut World, call: &Call) -> Answer {
    match call.line().as_str() {
        "POST token" => {
            let form = String::from_utf8_lossy(&call.body).into_owned();
            let jwt = form.split_once("assertion=").map(|(_, jwt)| jwt.split('.').count());
            match (form.contains("jwt-bearer"), jwt) {
                (true, Some(3)) => answer(
                    200,
                    json!({ "access_token": "token", "expires_in": 3_599, "token_type": "Bearer" }),
                ),
                _ => answer(400, json!({ "error": "invalid_grant" })),
            }
        }
        "GET v1alpha/properties/123456" => answer(200, json!({ "name": "properties/123456" })),
        "POST v1alpha/properties/123456:submitUserDeletion" => match call.text("/userId").as_str() {
            "" => answer(
                400,
                json!({ "error": { "code": 400, "message": "no", "status": "INVALID_ARGUMENT" } }),
            ),
            id => {
                world.delete(id);
                answer(200, json!({ "deletionRequestTime": "2026-08-01T12:00:00.123Z" }))
            }
        },
        _ => answer(404, json!({ "error": { "code": 404, "message": "no", "status": "NOT_FOUND" } })),
    }
}
