//! A fake HubSpot.
//!
//! <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/>: a contact is found by a unique property, and
//! deleted for good by its record's id: 204 without a body. 100 calls in 10 seconds
//! (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Vendor, World, answer};

/// HubSpot.
pub const HUBSPOT: Vendor = Vendor {
    name: "hubspot",
    destination,
    key: ("authorization", "Bearer token"),
    open: None,
    unauthorized: || error(401, "INVALID_AUTHENTICATION"),
    rate: (100, Duration::from_secs(10)),
    limited: |_, _| vec![("x-hubspot-ratelimit-interval-milliseconds", "10000".into())],
    answer: contacts,
};

/// A HubSpot at this URL, whose contacts have our ids in a property of their own.
pub fn destination(url: &str) -> Value {
    json!({
        "name": "HubSpot",
        "vendor": "hubspot",
        "settings": { "host": url, "idProperty": "app_user_id" },
        "secrets": { "accessToken": "token" },
    })
}

fn contacts(world: &mut World, call: &Call) -> Answer {
    match (&call.method, &call.segments()[..]) {
        (&Method::GET, ["crm", "v3", "objects", "contacts"]) => answer(200, json!({ "results": [] })),
        (&Method::GET, ["crm", "v3", "objects", "contacts", id])
            if call.query("idProperty") == Some("app_user_id") && world.users.contains(*id) =>
        {
            let contact = contact(id);
            let at = "2026-01-01T00:00:00Z";
            let properties = json!({ "hs_object_id": contact });
            let contact = json!({ "id": contact, "properties": properties, "createdAt": at, "updatedAt": at,
                                  "archived": false });
            answer(200, contact)
        }
        (&Method::POST, ["crm", "v3", "objects", "contacts", "gdpr-delete"])
            if call.text("/idProperty") == "email" =>
        {
            // An address that it does not know is put on a block list.
            world.delete(&call.text("/objectId"));
            answer(204, Value::Null)
        }
        (&Method::POST, ["crm", "v3", "objects", "contacts", "gdpr-delete"]) => {
            let wanted = call.text("/objectId");
            match world.users.iter().find(|id| contact(id) == wanted).cloned() {
                Some(id) => {
                    world.delete(&id);
                    answer(204, Value::Null)
                }
                None => error(404, "OBJECT_NOT_FOUND"),
            }
        }
        _ => error(404, "OBJECT_NOT_FOUND"),
    }
}

/// HubSpot's own id of a user: a number.
fn contact(id: &str) -> String {
    id.bytes().fold(7_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_000_007).to_string()
}

fn error(status: u16, category: &str) -> Answer {
    let correlation = "aeb5f871-7f07-4993-9211-075dc63e7cbf";
    answer(
        status,
        json!({ "status": "error", "message": "no", "correlationId": correlation, "category": category }),
    )
}
