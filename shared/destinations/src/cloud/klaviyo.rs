//! Klaviyo: `POST /api/data-privacy-deletion-jobs`, one profile a call.
//!
//! The call takes exactly one of Klaviyo's own id, an email address and a phone number. Where our user ids are external
//! ids, the profile is looked up first, and its id noted. 202 means that the deletion is queued; what is done shows on
//! a page of the web interface alone. 3 calls a second, 60 a minute.
//!
//! <https://developers.klaviyo.com/en/reference/request_profile_deletion>,
//! <https://developers.klaviyo.com/en/reference/get_profiles>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor,
};
use model::failure::Result;
use model::status::TaskStatus;

const HOST: Field = Field::optional("host", "Host", "Host of the API; a.klaviyo.com if left out")
    .of(Form::Host(&["a.klaviyo.com"]));

const DESCRIPTION: Description = Description {
    vendor: "klaviyo",
    title: "Klaviyo",
    kind: DestinationKind::Cloud,
    docs: "https://developers.klaviyo.com/en/reference/request_profile_deletion",
    confirms: TaskStatus::Accepted,
    fields: &[
        HOST,
        Field::required(
            "identifier",
            "Identifier",
            "What our user ids are in Klaviyo: \"external_id\", \"email\" or \"phone_number\"",
        )
        .of(Form::Choice(&["external_id", "email", "phone_number"])),
        Field::secret(
            "apiKey",
            "API key",
            "Private key with the scope data-privacy:write, and profiles:read to find external ids",
        ),
    ],
};

/// The revision of the API that this protocol speaks.
const REVISION: &str = "2026-07-15";

const CONTENT_TYPE: &str = "application/vnd.api+json";

/// Klaviyo's deletion protocol.
pub struct Klaviyo;

impl Vendor for Klaviyo {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 1, per: Duration::from_secs(1), at_once: 3 }
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match identifier(settings) {
            "email" => vec![SubjectType::Email, SubjectType::Phone],
            "phone_number" => vec![SubjectType::Phone, SubjectType::Email],
            _ => vec![SubjectType::UserId, SubjectType::Email, SubjectType::Phone],
        }
    }

    fn user_ids_are(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match identifier(settings) {
            "email" => vec![SubjectType::Email],
            "phone_number" => vec![SubjectType::Phone],
            _ => Vec::new(),
        }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let by = match ask.kind() {
            SubjectType::Email => "email",
            SubjectType::Phone => "phone_number",
            _ => "external_id",
        };
        match (by, ask.note["profile"].as_str(), ask.replies) {
            ("external_id", None, []) => Ok(Step::Send(find(ask)?)),
            ("external_id", None, [.., reply]) => match reply.body["data"].as_array().map(Vec::as_slice) {
                Some([]) if reply.is_success() => Ok(ask.all(Outcome::NoDataFound)),
                Some([_, ..]) if reply.is_success() && !reply.text("/data/0/id").is_empty() => {
                    Ok(Step::Keep(json!({ "profile": reply.text("/data/0/id") })))
                }
                _ => Err(reply.unexpected("Klaviyo")),
            },
            (_, Some(profile), []) => Ok(Step::Send(delete(ask, Some(profile), json!({}))?)),
            (by, None, []) => Ok(Step::Send(delete(ask, None, json!({ by: ask.id() }))?)),
            (_, found, [.., reply]) => match reply.status {
                202 => Ok(ask.all(Outcome::Accepted)),
                // It was found before: an earlier call deleted it.
                404 if found.is_some() => Ok(ask.all(Outcome::Accepted)),
                404 => Ok(ask.all(Outcome::NoDataFound)),
                _ => Err(reply.unexpected("Klaviyo")),
            },
        }
    }

    /// A request about nobody: a good key gets status 400, since an identifier is missing. For external ids the key
    /// must read profiles, too.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        let looks_up = ask.setting("identifier") == "external_id";
        match ask.replies {
            [] => Ok(Step::Send(delete(ask, None, json!({}))?)),
            [first] if first.status == 400 && looks_up => {
                let page = [("page[size]", "1"), ("fields[profile]", "created")];
                Ok(Step::Send(profiles(ask, &page)?))
            }
            [first] if first.status == 400 => Ok(Step::Done(Vec::new())),
            [_, second] if second.is_success() => Ok(Step::Done(Vec::new())),
            [.., reply] => Err(reply.unexpected("Klaviyo")),
        }
    }
}

/// What our user ids are there.
fn identifier(settings: &Map<String, Value>) -> &str {
    settings.get("identifier").and_then(Value::as_str).unwrap_or_default()
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    let key = format!("Klaviyo-API-Key {}", ask.secret("apiKey")?);
    Ok(call.header("authorization", key).header("revision", REVISION).header("accept", CONTENT_TYPE))
}

fn profiles(ask: &Ask<'_>, query: &[(&str, &str)]) -> Result<Call> {
    authorized(ask, Call::get(ask.url(&HOST, "/api/profiles")).query(query))
}

/// Quotation marks and backslashes in a filter's string are escaped by a backslash, as in JSON.
fn find(ask: &Ask<'_>) -> Result<Call> {
    let filter = format!("equals(external_id,{})", Value::from(ask.id()));
    profiles(ask, &[("filter", &filter), ("fields[profile]", "created")])
}

fn delete(ask: &Ask<'_>, profile: Option<&str>, attributes: Value) -> Result<Call> {
    let mut data = json!({ "type": "profile", "attributes": attributes });
    if let Some(id) = profile {
        data["id"] = id.into();
    }
    let job = json!({ "type": "data-privacy-deletion-job", "attributes": { "profile": { "data": data } } });
    let call = authorized(ask, Call::post(ask.url(&HOST, "/api/data-privacy-deletion-jobs")))?;
    Ok(call.bytes(CONTENT_TYPE, json!({ "data": job }).to_string().into_bytes()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, ToSpan};

    use super::REVISION;

    /// Klaviyo serves a revision for two years, then answers 410, or as a later one would.
    #[test]
    fn the_revision_has_half_a_year_left() {
        let retires = REVISION.parse::<Date>().expect("a day").saturating_add(2.years());
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        assert!(
            today.saturating_add(6.months()) < retires,
            "{REVISION} retires on {retires}: speak a newer one"
        );
    }
}
