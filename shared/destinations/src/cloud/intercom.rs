//! Intercom: a contact is looked up by our id, or all contacts by an email address, then deleted by their own ids.
//!
//! 10,000 calls a minute, counted in windows of ten seconds. The contact's id is noted before it is deleted, so that a
//! crash between the two is not mistaken for an unknown contact. Intercom's support can restore a deleted contact for
//! seven days, and nothing tells when it is destroyed: the deletion is accepted, not confirmed. A contact that was
//! merged into another one answers 410, and `Link` names the one that it became.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode, region,
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

/// The most contacts that are deleted for one email address: leads may have the same one.
const MAX_SAME: usize = 40;

/// The first with `find_by_external_id` is 2.13.
const VERSION: &str = "2.16";

/// Intercom's deletion protocol.
pub struct Intercom;

impl Vendor for Intercom {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 1_666, per: Duration::from_secs(10), at_once: 30 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId, SubjectType::Email]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (contacts(ask.note).as_slice(), ask.replies) {
            ([], []) => Ok(Step::Send(find(ask)?)),
            ([], [.., reply]) if ask.kind() == SubjectType::Email => found_by_email(ask, reply),
            ([], [.., reply]) => match (reply.status, reply.text("/id")) {
                (404, _) => Ok(ask.all(Outcome::NoDataFound)),
                (410, _) => match reply.header("link").and_then(canonical) {
                    Some(contact) => Ok(Step::Keep(json!({ "contact": contact }))),
                    None => Err(reply.unexpected("Intercom")),
                },
                (200, contact) if !contact.is_empty() => Ok(Step::Keep(json!({ "contact": contact }))),
                _ => Err(reply.unexpected("Intercom")),
            },
            (_, [.., reply]) if !is_deleted(reply) => Err(reply.unexpected("Intercom")),
            (contacts, replies) => match contacts.get(replies.len()) {
                Some(contact) => Ok(Step::Send(delete(ask, contact)?)),
                None => Ok(ask.all(Outcome::Accepted)),
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

/// The contacts that were noted: one that was found by external id, or all that have the email address.
fn contacts(note: &Value) -> Vec<&str> {
    let contact = &note["contact"];
    let all = contact.as_array().map_or(std::slice::from_ref(contact), Vec::as_slice);
    all.iter().filter_map(Value::as_str).collect()
}

fn find(ask: &Ask<'_>) -> Result<Call> {
    if ask.kind() == SubjectType::Email {
        let query = json!({ "field": "email", "operator": "=", "value": ask.id() });
        let call = authorized(ask, Call::post(ask.url(&REGION, "/contacts/search")))?;
        return Ok(call.json(&json!({ "query": query, "pagination": { "per_page": MAX_SAME } })));
    }
    let path = format!("/contacts/find_by_external_id/{}", encode(ask.id()));
    authorized(ask, Call::get(ask.url(&REGION, &path)))
}

fn delete(ask: &Ask<'_>, contact: &str) -> Result<Call> {
    authorized(ask, Call::delete(ask.url(&REGION, &format!("/contacts/{}", encode(contact)))))
}

fn found_by_email(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    if !reply.is_success() || !reply.body["data"].is_array() {
        return Err(reply.unexpected("Intercom"));
    }
    let found: Vec<_> = reply.list("/data").iter().filter_map(|contact| contact["id"].as_str()).collect();
    match found.is_empty() {
        true => Ok(ask.all(Outcome::NoDataFound)),
        false => Ok(Step::Keep(json!({ "contact": found }))),
    }
}

/// 404 means that an earlier call deleted it, since it existed when it was noted.
fn is_deleted(reply: &Reply) -> bool {
    reply.status == 404 || (reply.status == 200 && reply.body["deleted"] == true)
}

/// The contact in `</contacts/{id}>; rel="canonical"`.
fn canonical(link: &str) -> Option<&str> {
    let contact = link.split_once("/contacts/")?.1.split('>').next()?;
    (!contact.is_empty()).then_some(contact)
}
