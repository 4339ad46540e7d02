//! OneSignal: a user is looked up by an alias, then deleted by OneSignal's own id.
//!
//! That id is noted before the user is deleted, so that a crash between the two is not mistaken for an unknown user. A
//! user is found by `external_id`, which holds our user id, by OneSignal's own `onesignal_id`, or by an alias of your
//! own: the setting `alias` names one. 202 means that the deletion is queued, and nothing tells when it is done. No rate
//! is documented for these calls: we keep to ten a second.
//!
//! <https://documentation.onesignal.com/reference/view-user>,
//! <https://documentation.onesignal.com/reference/delete-user>,
//! <https://documentation.onesignal.com/docs/aliases>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode, own,
};
use model::failure::Result;
use model::status::TaskStatus;

const HOST: Field = Field::optional("host", "Host", "Host of the API; api.onesignal.com if left out")
    .of(Form::Host(&["api.onesignal.com"]));

const DESCRIPTION: Description = Description {
    vendor: "onesignal",
    title: "OneSignal",
    kind: DestinationKind::Cloud,
    docs: "https://documentation.onesignal.com/reference/delete-user",
    confirms: TaskStatus::Accepted,
    fields: &[
        HOST,
        Field::required("appId", "App ID", "The app's id, a UUID, from Keys & IDs"),
        Field::optional(
            "alias",
            "Alias",
            "An alias of your own by which people may also be named, such as crm_id",
        ),
        Field::secret("apiKey", "API key", "API key of the app"),
    ],
};

/// The alias that OneSignal gives.
const ONESIGNAL_ID: &str = "onesignal_id";

/// OneSignal's deletion protocol.
pub struct OneSignal;

impl Vendor for OneSignal {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 10, per: Duration::from_secs(1), at_once: 10 }
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        let alias = settings.get("alias").and_then(Value::as_str);
        let alias = alias.and_then(|alias| SubjectType::custom(alias).ok());
        [own(ONESIGNAL_ID), SubjectType::UserId].into_iter().chain(alias).collect()
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (ask.note["user"].as_str(), ask.replies) {
            (None, []) => Ok(Step::Send(authorized(ask, Call::get(user(ask, alias(ask.kind()), ask.id())))?)),
            (None, [.., reply]) => match reply.text("/identity/onesignal_id") {
                _ if reply.status == 404 => Ok(ask.all(Outcome::NoDataFound)),
                found if reply.is_success() && !found.is_empty() => Ok(Step::Keep(json!({ "user": found }))),
                _ => Err(reply.unexpected("OneSignal")),
            },
            (Some(found), []) => {
                Ok(Step::Send(authorized(ask, Call::delete(user(ask, ONESIGNAL_ID, found)))?))
            }
            (Some(_), [.., reply]) if is_deleted(reply) => Ok(ask.all(Outcome::Accepted)),
            (Some(_), [.., reply]) => Err(reply.unexpected("OneSignal")),
        }
    }

    /// Looks for a user that nobody is: a good key gets the answer that there is none.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [.., reply] if reply.status == 404 => Ok(Step::Done(Vec::new())),
            _ => ask.check_with("OneSignal", || {
                authorized(ask, Call::get(user(ask, alias(SubjectType::UserId), "lethe-check")))
            }),
        }
    }
}

/// 404 means that an earlier call deleted it, since it existed when it was noted.
fn is_deleted(reply: &Reply) -> bool {
    reply.status == 404 || (reply.is_success() && !reply.text("/identity/onesignal_id").is_empty())
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.header("authorization", format!("Key {}", ask.secret("apiKey")?)))
}

/// The alias that holds identifiers of a kind.
fn alias(kind: SubjectType) -> String {
    if kind == SubjectType::UserId { "external_id".to_owned() } else { kind.to_string() }
}

fn user(ask: &Ask<'_>, alias: impl AsRef<str>, id: &str) -> String {
    let (app, alias, id) = (encode(ask.setting("appId")), encode(alias.as_ref()), encode(id));
    ask.url(&HOST, &format!("/apps/{app}/users/by/{alias}/{id}"))
}
