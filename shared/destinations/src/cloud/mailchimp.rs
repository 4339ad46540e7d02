//! Mailchimp: a member of one audience is looked up by the hash of its email address, then deleted permanently.
//!
//! That it was found is noted before it is deleted, so that a crash between the two is not mistaken for an unknown
//! address. 204 means that the personal data is deleted; the address cannot be imported again. A plain `DELETE` only
//! archives. Other audiences of the account are destinations of their own. Ten calls may be under way at once; no rate is
//! documented: we keep to ten a second.
//!
//! <https://mailchimp.com/developer/marketing/api/list-members/>,
//! <https://mailchimp.com/developer/marketing/docs/fundamentals/>

use std::time::Duration;

use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor, encode,
};
use model::failure::Result;
use model::status::TaskStatus;
use model::subject::hex;

const HOST: Field =
    Field::required("host", "Host", "Host of the account's data center, such as us6.api.mailchimp.com")
        .of(Form::Host(&["*.api.mailchimp.com"]));

const DESCRIPTION: Description = Description {
    vendor: "mailchimp",
    title: "Mailchimp",
    kind: DestinationKind::Cloud,
    docs: "https://mailchimp.com/developer/marketing/api/list-members/",
    confirms: TaskStatus::Confirmed,
    fields: &[
        HOST,
        Field::required("audienceId", "Audience ID", "Id of the audience, from its settings"),
        Field::secret("apiKey", "API key", "API key of an account's admin or manager"),
    ],
};

/// Mailchimp's deletion protocol.
pub struct Mailchimp;

impl Vendor for Mailchimp {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 10, per: Duration::from_secs(1), at_once: 5 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::Email]
    }

    fn user_ids_are(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::Email]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (ask.note == true, ask.replies) {
            (false, []) => Ok(Step::Send(authorized(ask, Call::get(member(ask, "")))?)),
            (false, [.., reply]) if reply.status == 404 => Ok(ask.all(Outcome::NoDataFound)),
            (false, [.., reply]) if reply.is_success() && !reply.text("/id").is_empty() => {
                Ok(Step::Keep(Value::Bool(true)))
            }
            (true, []) => {
                Ok(Step::Send(authorized(ask, Call::post(member(ask, "/actions/delete-permanent")))?))
            }
            // 404: it was found before, so an earlier call deleted it.
            (true, [.., reply]) if matches!(reply.status, 204 | 404) => Ok(ask.all(Outcome::Confirmed)),
            (_, [.., reply]) => Err(reply.unexpected("Mailchimp")),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("Mailchimp", || authorized(ask, Call::get(audience(ask)).query(&[("fields", "id")])))
    }
}

/// Any name goes with the key.
fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.basic("lethe", ask.secret("apiKey")?))
}

fn audience(ask: &Ask<'_>) -> String {
    ask.url(&HOST, &format!("/3.0/lists/{}", encode(ask.setting("audienceId"))))
}

/// A member is named by the MD5 hash of the address in lower case.
fn member(ask: &Ask<'_>, action: &str) -> String {
    let hash = hex(&Md5::digest(ask.id().to_lowercase()));
    format!("{}/members/{hash}{action}", audience(ask))
}
