//! HubSpot: `POST /crm/v3/objects/contacts/gdpr-delete`, one contact a call.
//!
//! A plain `DELETE` only archives a contact; this call deletes it for good and answers 204 without a body. It takes the
//! record's id or an email address: an address that is not found is put on a block list and answered with 204 as well.
//! By any other unique property the contact is looked up first; its id is noted, so that a crash after the deletion is
//! not mistaken for an unknown contact. Nothing tells when the deletion, within some 30 days, is done. 100 calls in 10
//! seconds for a private app.
//!
//! <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/>,
//! <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, Vendor, encode};
use model::failure::Result;
use model::status::TaskStatus;

const HOST: Field = Field::optional("host", "Host", "Host of the API; api.hubapi.com if left out")
    .of(Form::Host(&["api.hubapi.com"]));

const DESCRIPTION: Description = Description {
    vendor: "hubspot",
    title: "HubSpot",
    kind: DestinationKind::Cloud,
    docs: "https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/",
    confirms: TaskStatus::Accepted,
    fields: &[
        HOST,
        Field::required(
            "idProperty",
            "ID property",
            "The contacts' property that holds our user ids: \"email\", \"hs_object_id\" (the record's id), \
             or the name of a unique property",
        ),
        Field::secret(
            "accessToken",
            "Access token",
            "Token of a private app that may read and write contacts",
        ),
    ],
};

const CONTACTS: &str = "/crm/v3/objects/contacts";

/// HubSpot's deletion protocol.
pub struct HubSpot;

impl Vendor for HubSpot {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 100, per: Duration::from_secs(10), at_once: 10 }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let found = ask.note["contact"].as_str();
        match (ask.setting("idProperty"), found, ask.replies) {
            ("email", _, []) => {
                Ok(Step::Send(delete(ask, &json!({ "objectId": ask.id(), "idProperty": "email" }))?))
            }
            ("hs_object_id", _, []) => Ok(Step::Send(delete(ask, &json!({ "objectId": ask.id() }))?)),
            (_, Some(contact), []) => Ok(Step::Send(delete(ask, &json!({ "objectId": contact }))?)),
            (property, None, []) => Ok(Step::Send(find(ask, property)?)),
            (_, Some(_), [.., reply]) if reply.status == 404 => Ok(ask.all(Outcome::Accepted)),
            (_, None, [.., reply]) if reply.status == 404 => Ok(ask.all(Outcome::NoDataFound)),
            (_, _, [.., reply]) if reply.status == 204 => Ok(ask.all(Outcome::Accepted)),
            (property, None, [.., reply]) if !matches!(property, "email" | "hs_object_id") => {
                match reply.text("/id") {
                    contact if reply.is_success() && !contact.is_empty() => {
                        Ok(Step::Keep(json!({ "contact": contact })))
                    }
                    _ => Err(reply.unexpected("HubSpot")),
                }
            }
            (_, _, [.., reply]) => Err(reply.unexpected("HubSpot")),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("HubSpot", || {
            let query = [("limit", "1"), ("properties", "hs_object_id")];
            authorized(ask, Call::get(ask.url(&HOST, CONTACTS)).query(&query))
        })
    }
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.bearer(ask.secret("accessToken")?))
}

fn find(ask: &Ask<'_>, property: &str) -> Result<Call> {
    let call = Call::get(ask.url(&HOST, &format!("{CONTACTS}/{}", encode(ask.id()))));
    authorized(ask, call.query(&[("idProperty", property), ("properties", "hs_object_id")]))
}

fn delete(ask: &Ask<'_>, contact: &Value) -> Result<Call> {
    Ok(authorized(ask, Call::post(ask.url(&HOST, &format!("{CONTACTS}/gdpr-delete"))))?.json(contact))
}
