//! HubSpot: `POST /crm/v3/objects/contacts/gdpr-delete`, one contact a call.
//!
//! A plain `DELETE` only archives a contact; this call deletes it for good and answers 204 without a body. It takes the
//! record's id or an email address: an address that is not found is put on a block list and answered with 204 as well.
//! By any other unique property the contact is looked up first; its id is noted, so that a crash after the deletion is
//! not mistaken for an unknown contact. Nothing tells when the deletion, within some 30 days, is done. 100 calls in 10
//! seconds. The calls are of version 3, which HubSpot supports until September 2027, as it does the dated version 2026-03.
//! An unknown contact is told from a path that HubSpot has retired by the body of the 404.
//!
//! <https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/>,
//! <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode, own,
};
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
             or the name of a unique property, by which people may also be named",
        ),
        Field::secret(
            "accessToken",
            "Access token",
            "Service key, or token of an app, that may read and write contacts",
        ),
    ],
};

const CONTACTS: &str = "/crm/v3/objects/contacts";

/// The property, and the kind, of the ids that HubSpot gives.
const RECORD: &str = "hs_object_id";

/// HubSpot's deletion protocol.
pub struct HubSpot;

impl Vendor for HubSpot {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 100, per: Duration::from_secs(10), at_once: 10 }
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match key(settings) {
            SubjectType::Email => vec![SubjectType::Email, own(RECORD)],
            kind if kind == own(RECORD) => vec![kind, SubjectType::Email],
            kind => vec![kind, own(RECORD), SubjectType::Email],
        }
    }

    fn user_ids_are(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        vec![key(settings)]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let (by_email, by_record) = (ask.kind() == SubjectType::Email, ask.kind() == own(RECORD));
        match (ask.note["contact"].as_str(), ask.replies) {
            (_, []) if by_email => {
                Ok(Step::Send(delete(ask, &json!({ "objectId": ask.id(), "idProperty": "email" }))?))
            }
            (_, []) if by_record => Ok(Step::Send(delete(ask, &json!({ "objectId": ask.id() }))?)),
            (Some(contact), []) => Ok(Step::Send(delete(ask, &json!({ "objectId": contact }))?)),
            (None, []) => Ok(Step::Send(find(ask, ask.setting("idProperty"))?)),
            (Some(_), [.., reply]) if is_unknown(reply) => Ok(ask.all(Outcome::Accepted)),
            (None, [.., reply]) if is_unknown(reply) => Ok(ask.all(Outcome::NoDataFound)),
            (_, [.., reply]) if reply.status == 204 => Ok(ask.all(Outcome::Accepted)),
            (None, [.., reply]) if !by_email && !by_record => match reply.text("/id") {
                contact if reply.is_success() && !contact.is_empty() => {
                    Ok(Step::Keep(json!({ "contact": contact })))
                }
                _ => Err(reply.unexpected("HubSpot")),
            },
            (_, [.., reply]) => Err(reply.unexpected("HubSpot")),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("HubSpot", || {
            let query = [("limit", "1"), ("properties", "hs_object_id")];
            authorized(ask, Call::get(ask.url(&HOST, CONTACTS)).query(&query))
        })
    }
}

/// Whether HubSpot says that there is no such contact.
fn is_unknown(reply: &Reply) -> bool {
    reply.status == 404 && reply.text("/category") == "OBJECT_NOT_FOUND"
}

/// The kind of identifier that `idProperty` holds. One whose name no kind can have holds user ids.
fn key(settings: &Map<String, Value>) -> SubjectType {
    match settings.get("idProperty").and_then(Value::as_str).unwrap_or_default() {
        "email" => SubjectType::Email,
        property => own(property),
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

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, ToSpan};

    /// The undated versions of HubSpot's API.
    #[test]
    fn the_version_has_half_a_year_left() {
        let retires = Date::constant(2027, 9, 1);
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        assert!(
            today < retires.saturating_sub(6.months()),
            "version 3 retires on {retires}: speak a dated one"
        );
    }
}
