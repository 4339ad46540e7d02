//! CleverTap: `POST /1/delete/profiles.json`.
//!
//! Up to 100 identities, or ids of CleverTap's own (`guid`), a call. The answer says that the call was accepted, for unknown people as well; nothing tells
//! when profiles are gone. The limit is on concurrent calls (15 elsewhere in its API; for this call no number was
//! found): we keep to three. Europe is the default region and has no name in its host.
//!
//! <https://developer.clevertap.com/docs/delete-user-profile-api>,
//! <https://developer.clevertap.com/docs/common-api-components#region>,
//! <https://developer.clevertap.com/docs/api-request-limit>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor, own,
    region,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const REGION: Field =
    Field::required("region", "Region", "Region of the account, as its dashboard's address names it").of(
        Form::Region(&[
            region("eu1", "api.clevertap.com"),
            region("in1", "in1.api.clevertap.com"),
            region("sg1", "sg1.api.clevertap.com"),
            region("us1", "us1.api.clevertap.com"),
            region("aps3", "aps3.api.clevertap.com"),
            region("mec1", "mec1.api.clevertap.com"),
        ]),
    );

const DESCRIPTION: Description = Description {
    vendor: "clevertap",
    title: "CleverTap",
    kind: DestinationKind::Cloud,
    docs: "https://developer.clevertap.com/docs/delete-user-profile-api",
    confirms: TaskStatus::Accepted,
    fields: &[
        REGION,
        Field::secret("accountId", "Account ID", "Account id of the project"),
        Field::secret("passcode", "Passcode", "Passcode of the project's account"),
    ],
};

/// CleverTap's deletion protocol.
pub struct CleverTap;

impl Vendor for CleverTap {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 100, calls: 10, per: Duration::from_secs(1), at_once: 3 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId, own("guid")]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let [.., reply] = ask.replies else {
            let by = if ask.kind() == SubjectType::UserId { "identity" } else { "guid" };
            let call = Call::post(ask.url(&REGION, "/1/delete/profiles.json"));
            return Ok(Step::Send(authorized(ask, call)?.json(&json!({ by: ask.ids() }))));
        };
        match (reply.is_success(), reply.text("/status")) {
            (true, "success") => Ok(ask.all(Outcome::Accepted)),
            (true, "fail") => Err(Failure::permanent(
                "CleverTap refused the deletion: check the identity, and that the account may delete profiles",
            )),
            _ => Err(reply.unexpected("CleverTap")),
        }
    }

    /// Looks for a profile that nobody has.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [.., reply] if !reply.text("/status").is_empty() => Ok(Step::Done(Vec::new())),
            [.., reply] => Err(reply.unexpected("CleverTap")),
            [] => {
                let call = Call::get(ask.url(&REGION, "/1/profile.json"));
                Ok(Step::Send(authorized(ask, call.query(&[("identity", "lethe-check")]))?))
            }
        }
    }
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    let call = call.header("x-clevertap-account-id", ask.secret("accountId")?);
    Ok(call.header("x-clevertap-passcode", ask.secret("passcode")?))
}
