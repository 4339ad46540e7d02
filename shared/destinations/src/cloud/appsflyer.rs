//! AppsFlyer: an OpenDSR erasure request, then its status until it is completed.
//!
//! One customer user id per request. The request's id is ours, the same each time it is sent: AppsFlyer answers a
//! second time with 400 and `e213` (it exists already). A user with another open request is answered with `e215`: that one
//! erases it, and its end cannot be seen here. There is a call for many users, too, but no page says how many it takes. Customer user ids can be erased only if the app sends them with a device's id in login
//! events. `completed` is also reported for users that AppsFlyer does not know. No rate limit is documented: we keep to
//! one call a second. Not verified, since the public pages do not show it: the `api_version`.
//!
//! <https://dev.appsflyer.com/hc/reference/create-opendsr-request>,
//! <https://dev.appsflyer.com/hc/reference/get-opendsr-request-status>

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ticket::Ticket;
use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const HOST: Field = Field::optional("host", "Host", "Host of the OpenDSR API; hq1.appsflyer.com if left out")
    .of(Form::Host(&["hq1.appsflyer.com"]));

const DESCRIPTION: Description = Description {
    vendor: "appsflyer",
    title: "AppsFlyer",
    kind: DestinationKind::Cloud,
    docs: "https://dev.appsflyer.com/hc/reference/create-opendsr-request",
    confirms: TaskStatus::Confirmed,
    fields: &[
        HOST,
        Field::required(
            "appId",
            "App ID",
            "The app's id in AppsFlyer, such as id123456789 or com.example.app",
        ),
        Field::secret(
            "apiToken",
            "API token",
            "API token V2 of the account; those made before 2026-03-10 are revoked",
        ),
    ],
};

/// The version of OpenDSR that AppsFlyer speaks.
const VERSION: &str = "0.1";

/// AppsFlyer's deletion protocol.
pub struct AppsFlyer;

impl Vendor for AppsFlyer {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 1, per: Duration::from_secs(1), at_once: 3 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (Ticket::noted(ask), ask.replies) {
            (None, []) => Ok(Step::Send(erase(ask)?)),
            (None, [.., reply]) => match (reply.status, reply.text("/error/af_gdpr_code")) {
                (400, "e213") => Ok(Ticket::take(ask, ask.key)),
                (400, "e215") => Ok(ask.all(Outcome::Accepted)),
                (200 | 201, _) if !reply.text("/subject_request_id").is_empty() => {
                    Ok(Ticket::take(ask, reply.text("/subject_request_id")))
                }
                _ => Err(reply.unexpected("AppsFlyer")),
            },
            (Some(request), []) => {
                let path = format!("/opendsr_requests/{}", encode(&request.ticket));
                Ok(Step::Send(authorized(ask, Call::get(url(ask, &path)))?))
            }
            (Some(request), [.., reply]) => followed_up(ask, &request, reply),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("AppsFlyer", || authorized(ask, Call::get(url(ask, "/discovery"))))
    }
}

fn url(ask: &Ask<'_>, path: &str) -> String {
    ask.url(&HOST, &format!("/api/gdpr/v1{path}"))
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.bearer(ask.secret("apiToken")?))
}

fn erase(ask: &Ask<'_>) -> Result<Call> {
    let now = Timestamp::from_second(ask.now.as_second()).unwrap_or(ask.now);
    let identity =
        json!({ "identity_type": "customer_user_id", "identity_value": ask.id(), "identity_format": "raw" });
    Ok(authorized(ask, Call::post(url(ask, "/opendsr_requests")))?.json(&json!({
        "subject_request_id": ask.key,
        "subject_request_type": "erasure",
        "submitted_time": now,
        "api_version": VERSION,
        "property_id": ask.setting("appId"),
        "subject_identities": [identity],
    })))
}

fn followed_up(ask: &Ask<'_>, request: &Ticket, reply: &Reply) -> Result<Step> {
    match reply.text("/request_status") {
        _ if !reply.is_success() => Err(reply.unexpected("AppsFlyer")),
        "completed" => Ok(ask.all(Outcome::Confirmed)),
        "pending" | "in-progress" | "in_progress" => request.wait(ask, "AppsFlyer"),
        "canceled" | "cancelled" => Err(Failure::permanent(format!(
            "somebody cancelled the request {} in AppsFlyer: ask for the deletion anew",
            request.ticket
        ))),
        _ => Err(reply.unexpected("AppsFlyer")),
    }
}
