//! Intercom: a contact is looked up by our id, then deleted by its own.
//!
//! 10,000 calls a minute, counted in windows of ten seconds. The contact's id is noted before it is deleted, so that a
//! crash between the two is not mistaken for an unknown contact. Intercom's support can restore a deleted contact for
//! seven days, and nothing tells when it is destroyed: the deletion is accepted, not confirmed. A contact that was
//! merged into another one answers 410, and `Link` names the one that it became.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, Vendor, encode, region,
};
use model::failure::Result;
use model::status::TaskStatus;

const REGION: Field =
    Field::required("region", "Region", "Where the workspace's data is hosted").of(Form::Region(&[
        region("us", "api.intercom.io"),
        region("eu", "api.eu.intercom.io"),
        region("au", "api.au.intercom.io"),
    ]));

const DESCRIPTION: Description = Description {
    vendor: "intercom",
    title: "Intercom",
    kind: DestinationKind::Cloud,
    docs: "https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/deletecontact",
    confirms: TaskStatus::Accepted,
    fields: &[
        REGION,
        Field::secret("accessToken", "Access token", "Access token that may read and write contacts"),
    ],
};

/// The first with `find_by_external_id` is 2.13.
const VERSION: &str = "2.16";

/// Intercom's deletion protocol.
pub struct Intercom;

impl Vendor for Intercom {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 1_666, per: Duration::from_secs(10), at_once: 30 }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (ask.note["contact"].as_str(), ask.replies) {
            (None, []) => Ok(Step::Send(find(ask)?)),
            (None, [.., reply]) => match (reply.status, reply.text("/id")) {
                (404, _) => Ok(ask.all(Outcome::NoDataFound)),
                (410, _) => match reply.header("link").and_then(canonical) {
                    Some(contact) => Ok(Step::Keep(json!({ "contact": contact }))),
                    None => Err(reply.unexpected("Intercom")),
                },
                (200, contact) if !contact.is_empty() => Ok(Step::Keep(json!({ "contact": contact }))),
                _ => Err(reply.unexpected("Intercom")),
            },
            (Some(contact), []) => Ok(Step::Send(delete(ask, contact)?)),
            (Some(_), [.., reply]) => match reply.status {
                200 if reply.body["deleted"] == true => Ok(ask.all(Outcome::Accepted)),
                // It was found before: an earlier call deleted it.
                404 => Ok(ask.all(Outcome::Accepted)),
                _ => Err(reply.unexpected("Intercom")),
            },
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("Intercom", || authorized(ask, Call::get(ask.url(&REGION, "/me"))))
    }
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    let call = call.bearer(ask.secret("accessToken")?).header("accept", "application/json");
    Ok(call.header("intercom-version", VERSION))
}

fn find(ask: &Ask<'_>) -> Result<Call> {
    let path = format!("/contacts/find_by_external_id/{}", encode(ask.id()));
    authorized(ask, Call::get(ask.url(&REGION, &path)))
}

fn delete(ask: &Ask<'_>, contact: &str) -> Result<Call> {
    authorized(ask, Call::delete(ask.url(&REGION, &format!("/contacts/{}", encode(contact)))))
}

/// The contact in `</contacts/{id}>; rel="canonical"`.
fn canonical(link: &str) -> Option<&str> {
    let contact = link.split_once("/contacts/")?.1.split('>').next()?;
    (!contact.is_empty()).then_some(contact)
}
