//! Amplitude's User Privacy API v2: `POST /api/user-deletions/org/{orgId}/requests`, then the status of that request.
//!
//! A request is for all projects of the organization, and names up to 100 users; unknown ones are skipped without a word,
//! so that they end as the others do. Nobody can take it back; the same one again does no harm, but is mailed to the
//! people who may ask for deletions.
//!
//! Not verified, since the public pages name the replies but do not show their fields: that they have the `requestId`
//! (or `id`) that the path asks for, and a `status` that ends as `done`, as in v1, or `completed`. Every other
//! word is waited for and never taken for an end.
//!
//! <https://amplitude.com/docs/apis/analytics/user-privacy-v2>

use serde_json::{Map, Value, json};

use super::super::ticket::Ticket;
use super::super::{Ask, Call, Field, Form, Outcome, Reply, Step, SubjectType, encode, own, region};
use super::{ORGANIZATION, REGION, authorized};
use model::failure::{Failure, Result};

/// The same setting, read as v2's host.
const HOST: Field = REGION
    .of(Form::Region(&[region("us", "privacy.amplitude.com"), region("eu", "privacy.eu.amplitude.com")]));

/// The longest id of an organization.
const MAX_ID: usize = 64;

/// The organization whose people are deleted, if the settings name one.
pub(super) fn organization(settings: &Map<String, Value>) -> Option<&str> {
    settings.get(ORGANIZATION).and_then(Value::as_str).filter(|id| !id.is_empty())
}

/// Checks an organization's id, which becomes part of a path.
///
/// # Errors
/// `Invalid`, naming `settings`.
pub(super) fn check_settings(settings: &Map<String, Value>) -> Result<()> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match organization(settings) {
        Some(id) if id.len() > MAX_ID || !id.bytes().all(is_part) => Err(Failure::invalid(format!(
            "settings.{ORGANIZATION} must be the id of the organization in Amplitude: letters, digits, - and _, at most \
             {MAX_ID}"
        ))
        .field("settings")),
        _ => Ok(()),
    }
}

pub(super) fn kinds() -> Vec<SubjectType> {
    vec![SubjectType::UserId, own("amplitude_id")]
}

pub(super) fn next(ask: &Ask<'_>) -> Result<Step> {
    match (Ticket::noted(ask), ask.replies) {
        (None, []) => Ok(Step::Send(delete(ask)?)),
        (None, [.., reply]) => match id(reply) {
            Some(id) if reply.is_success() => Ok(Ticket::take(ask, &id)),
            _ => Err(reply.unexpected("Amplitude")),
        },
        (Some(request), []) => Ok(Step::Send(get(ask, &format!("/{}", encode(&request.ticket)))?)),
        (Some(request), [.., reply]) => followed_up(ask, &request, reply),
    }
}

/// The list of requests proves region, key and organization.
pub(super) fn check(ask: &Ask<'_>) -> Result<Step> {
    ask.check_with("Amplitude", || get(ask, ""))
}

/// # Errors
/// `Permanent`, if the organization's id was taken out of the settings while a request is under way.
fn url(ask: &Ask<'_>, path: &str) -> Result<String> {
    let organization = organization(ask.settings).ok_or_else(|| {
        Failure::permanent(format!(
            "settings.{ORGANIZATION} was taken away while Amplitude is at work on a request of the organization: set it \
             again"
        ))
    })?;
    Ok(ask.url(&HOST, &format!("/api/user-deletions/org/{}/requests{path}", encode(organization))))
}

fn get(ask: &Ask<'_>, path: &str) -> Result<Call> {
    authorized(ask, Call::get(url(ask, path)?))
}

fn delete(ask: &Ask<'_>) -> Result<Call> {
    let body = match ask.kind() {
        SubjectType::UserId => json!({ "userIds": ask.ids() }),
        _ => json!({ "amplitudeIds": numbers(&ask.ids())? }),
    };
    Ok(authorized(ask, Call::post(url(ask, "")?))?.json(&body))
}

fn numbers(ids: &[&str]) -> Result<Vec<u64>> {
    let numbers: Result<_, _> = ids.iter().map(|id| id.parse()).collect();
    numbers.map_err(|_| Failure::permanent("an amplitude_id is a number"))
}

/// The id of the request that a reply is about.
fn id(reply: &Reply) -> Option<String> {
    let id = reply.body.get("requestId").or(reply.body.get("id"))?;
    let text = id.as_str().map(str::to_owned).or(id.as_u64().map(|id| id.to_string()))?;
    Some(text).filter(|text| !text.is_empty())
}

fn followed_up(ask: &Ask<'_>, request: &Ticket, reply: &Reply) -> Result<Step> {
    if !reply.is_success() || id(reply).as_ref() != Some(&request.ticket) {
        return Err(reply.unexpected("Amplitude"));
    }
    match reply.text("/status").to_ascii_lowercase().as_str() {
        "" => Err(reply.unexpected("Amplitude")),
        "done" | "completed" => Ok(ask.all(Outcome::Confirmed)),
        how @ ("failed" | "error") => Ok(Step::Apart(ended(request, how))),
        // Somebody withdrew it: it must not be requested again at once.
        how @ ("canceled" | "cancelled" | "revoked") => Err(ended(request, how)),
        _ => request.wait(ask, "Amplitude"),
    }
}

fn ended(request: &Ticket, how: &str) -> Failure {
    Failure::permanent(format!(
        "Amplitude ended the deletion request {} as {how}: ask its support",
        request.ticket
    ))
}

#[cfg(test)]
mod tests {
    use model::destination::Secrets;
    use model::subject::Subject;

    use super::super::super::Vendor;
    use super::super::Amplitude;
    use super::*;

    #[test]
    fn what_is_under_way_is_followed_as_it_was_asked_for_when_the_settings_change() {
        let people = [vec![Subject::user("u1")]];
        let secrets = ["apiKey", "secretKey"].map(|name| (name.to_owned(), "s".into()));
        let next = |note: Value, settings: Value| {
            Amplitude.next(&Ask {
                people: &people,
                settings: settings.as_object().expect("an object"),
                secrets: &Secrets(secrets.clone().into()),
                note: &note,
                replies: &[],
                now: "2026-08-01T12:00:00Z".parse().expect("a time"),
                key: "k",
            })
        };
        let of_project = json!({ "day": "2026-08-01", "ids": [1], "unknown": [] });
        let of_organization = json!({ "ticket": "r-1", "since": "2026-08-01T12:00:00Z" });
        let (project, organization) = (json!({ "region": "us" }), json!({ "region": "us", "orgId": "7" }));
        let url = |step| match step {
            Ok(Step::Send(call)) => call.url,
            other => panic!("{other:?}"),
        };
        assert!(url(next(of_project, organization.clone())).starts_with("https://amplitude.com/api/2/"));
        assert!(url(next(of_organization.clone(), organization)).ends_with("/org/7/requests/r-1"));
        let failure = next(of_organization, project).expect_err("nobody knows the organization");
        assert!(!failure.is_transient() && failure.public.contains("orgId"), "{failure}");
    }

    #[test]
    fn an_organization_is_named_by_an_id_that_fits_into_a_path() {
        for (id, good) in [
            ("36958", true),
            ("acme-eu_1", true),
            ("", true),
            ("36958/requests", false),
            ("../36958", false),
            ("36 958", false),
            (&"1".repeat(65), false),
        ] {
            let settings = Map::from_iter([(ORGANIZATION.to_owned(), id.into())]);
            let checked = check_settings(&settings);
            assert_eq!(checked.is_ok(), good, "{id}");
            assert_eq!(
                checked.err().and_then(|failure| failure.field),
                (!good).then_some("settings"),
                "{id}"
            );
        }
    }
}
