//! A fake Salesforce Marketing Cloud.
//!
//! <https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/DeleteByContactKeys.html>: a deletion has a
//! number; <https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/ContactsDeleteStatus.html>: first the
//! contacts are suppressed (`operation`), then deleted (`backgroundOperationsSummary`), here one step each time it is
//! asked for. A token is had for client id and secret
//! (<https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/access-token-s2s.html>).

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer, retry_after};

/// Salesforce Marketing Cloud.
pub const SALESFORCE: Vendor = Vendor {
    name: "salesforce-marketing-cloud",
    destination,
    key: ("authorization", "Bearer token"),
    open: Some("/v2/token"),
    unauthorized: || answer(401, json!({ "message": "Not Authorized", "errorcode": 0 })),
    rate: (1_000, Duration::from_secs(1)),
    limited: retry_after,
    answer: contacts,
};

/// A Salesforce Marketing Cloud at this URL.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "Salesforce",
        "vendor": "salesforce-marketing-cloud",
        "settings": { "host": url },
        "secrets": { "clientId": "id", "clientSecret": "secret" },
    })
}

fn contacts(world: &mut World, call: &Call) -> Answer {
    match call.line().as_str() {
        "POST v2/token" if call.text("/client_id") == "id" && call.text("/client_secret") == "secret" => {
            answer(200, json!({ "access_token": "token", "token_type": "Bearer", "expires_in": 1079 }))
        }
        "POST v2/token" => answer(401, json!({ "error": "invalid_client" })),
        "GET contacts/v1/contacts/deleteOperations" => answer(200, json!({ "items": [] })),
        "POST contacts/v1/contacts/actions/delete" if call.query("type") == Some("keys") => {
            let keys = call.texts("values");
            if keys.is_empty() || call.text("/DeleteOperationType") != "ContactAndAttributes" {
                return answer(400, json!({ "message": "values are missing", "errorcode": 10_000 }));
            }
            let operation = 1 + world.asked.len();
            for key in keys {
                world.delete(&key);
            }
            world.state[operation.to_string()] = 0.into();
            answer(200, json!({ "operationInitiated": true, "operationID": operation, "resultMessages": [] }))
        }
        "GET contacts/v1/contacts/actions/delete/status" => {
            let operation = call.query("operationID").unwrap_or_default();
            let Some(step) = world.state[operation].as_u64() else {
                return answer(404, json!({ "message": "Not Found", "errorcode": 0 }));
            };
            world.state[operation] = (step + 1).into();
            let (suppressed, deleted) = match step {
                0 => ("Processing", json!([])),
                1 => ("Completed", json!([{ "backgroundOperationStatusID": "Processing" }])),
                _ => ("Completed", json!([{ "backgroundOperationStatusID": "Completed" }])),
            };
            answer(
                200,
                json!({ "operation": { "status": suppressed }, "backgroundOperationsSummary": deleted }),
            )
        }
        _ => answer(404, json!({ "message": "Not Found", "errorcode": 0 })),
    }
}
