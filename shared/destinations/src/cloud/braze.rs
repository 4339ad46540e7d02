//! Braze: `POST /users/delete`.
//!
//! Up to 50 users a call, named by exactly one kind of identifier; 20,000 calls a minute, shared with the
//! endpoints that merge and identify users: the setting `ratePercent` says how many of them are ours. Of several users with
//! one email address, Braze deletes one. The answer `{"deleted": n, "message": "success"}` means that the deletion is
//! queued; Braze has no call that tells when it is done, and users it does not know are counted as well.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor, own,
};
use model::failure::Result;
use model::status::TaskStatus;

const ENDPOINT: Field =
    Field::required("endpoint", "Endpoint", "REST endpoint of the instance, such as rest.iad-01.braze.com")
        .of(Form::Host(&["rest.*.braze.com", "rest.*.braze.eu"]));

const DESCRIPTION: Description = Description {
    vendor: "braze",
    title: "Braze",
    kind: DestinationKind::Cloud,
    docs: "https://www.braze.com/docs/api/endpoints/user_data/post_user_delete/",
    confirms: TaskStatus::Accepted,
    fields: &[
        ENDPOINT,
        Field::optional(
            "ratePercent",
            "Share of the rate",
            "How many percent of Braze's 20,000 calls a minute deletions may take, 1 to 100; 70 if left out: other \
             endpoints of the workspace need the rest",
        )
        .of(Form::Number),
        Field::secret("apiKey", "API key", "REST API key with the permission users.delete"),
    ],
};

/// Calls a minute that Braze takes from all users of these endpoints.
const CALLS: u32 = 20_000;

/// Braze's deletion protocol.
pub struct Braze;

impl Vendor for Braze {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, settings: &Map<String, Value>) -> Limits {
        let percent = settings.get("ratePercent").and_then(Value::as_f64).unwrap_or(70.0).clamp(1.0, 100.0);
        let calls = (f64::from(CALLS) * percent / 100.0) as u32;
        Limits { batch: 50, calls, per: Duration::from_secs(60), at_once: 40 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId, own("braze_id"), SubjectType::Email, SubjectType::Phone]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let [.., reply] = ask.replies else { return Ok(Step::Send(delete(ask, &ask.ids())?)) };
        match (reply.status, reply.text("/message")) {
            (200 | 201, "success") => Ok(ask.all(Outcome::Accepted)),
            (404, _) => Ok(ask.all(Outcome::NoDataFound)),
            _ => Err(reply.unexpected("Braze")),
        }
    }

    /// A key with `users.delete` alone may make no other call. A good key that names nobody gets status 400, as Braze
    /// documents.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [.., reply] if reply.status == 400 => Ok(Step::Done(Vec::new())),
            _ => ask.check_with("Braze", || delete(ask, &[])),
        }
    }
}

fn delete(ask: &Ask<'_>, ids: &[&str]) -> Result<Call> {
    let call = Call::post(ask.url(&ENDPOINT, "/users/delete")).bearer(ask.secret("apiKey")?);
    let (field, users) = match ask.kind() {
        SubjectType::Email => ("email_addresses", ids.iter().map(|id| by_email(id)).collect()),
        SubjectType::Phone => ("phone_numbers", json!(ids)),
        SubjectType::UserId => ("external_ids", json!(ids)),
        _ => ("braze_ids", json!(ids)),
    };
    Ok(call.json(&json!({ field: users })))
}

/// Of several users with the address, one that has an external id is deleted, the one that changed last.
fn by_email(address: &str) -> Value {
    json!({ "email": address, "prioritization": ["identified", "most_recently_updated"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletions_take_their_share_of_the_rate() {
        for (settings, calls) in [
            (json!({}), 14_000),
            (json!({ "ratePercent": 25 }), 5_000),
            (json!({ "ratePercent": 0 }), 200),
            (json!({ "ratePercent": 900 }), 20_000),
        ] {
            let settings = settings.as_object().expect("an object");
            assert_eq!(Braze.limits(settings).calls, calls, "{settings:?}");
        }
    }
}
