//! Amplitude: `POST /api/2/deletions/users`, then its list of jobs until they are done; for a whole organization, its
//! newer [`v2`].
//!
//! Up to 100 users a call and one call a second. A user joins a job that runs some ten days later and is `done`
//! within 30 days; the list of jobs names users by `amplitude_id` alone, so that those of a batch are noted.
//! Flags are sent as strings, as in Amplitude's examples: as booleans they are refused.

mod v2;

use std::time::Duration;

use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    region, ticket::Ticket,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const REGION: Field = Field::required("region", "Region", "Where the project's data is kept")
    .of(Form::Region(&[region("us", "amplitude.com"), region("eu", "analytics.eu.amplitude.com")]));

const DESCRIPTION: Description = Description {
    vendor: "amplitude",
    title: "Amplitude",
    kind: DestinationKind::Cloud,
    docs: "https://amplitude.com/docs/apis/analytics/user-privacy",
    confirms: TaskStatus::Confirmed,
    fields: &[
        REGION,
        Field::optional(
            ORGANIZATION,
            "Organization ID",
            "Id of the organization: deletions are for all its projects, by the User Privacy API v2; for the key's \
             project alone, if left out",
        ),
        Field::optional(
            "requester",
            "Requester",
            "Who asks, for Amplitude's records; \"lethe\" if left out; not sent for an organization",
        ),
        Field::secret("apiKey", "API key", "API key of the project"),
        Field::secret("secretKey", "Secret key", "Secret key of the project"),
    ],
};

/// The setting that names the organization.
const ORGANIZATION: &str = "orgId";

/// Days without an end after which somebody has to ask; Amplitude promises 30.
const MAX_DAYS: i32 = 60;

/// Amplitude's deletion protocol.
pub struct Amplitude;

/// The note about a batch that Amplitude took.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The day of the request.
    day: Date,
    /// Amplitude's ids of the users.
    ids: Vec<u64>,
    /// The indexes of the batch's subjects that Amplitude does not know.
    unknown: Vec<usize>,
}

impl Vendor for Amplitude {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-29")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 100, calls: 1, per: Duration::from_secs(1), at_once: 2 }
    }

    fn check_settings(&self, settings: &Map<String, Value>) -> Result<()> {
        v2::check_settings(settings)
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match v2::organization(settings) {
            Some(_) => v2::kinds(),
            None => vec![SubjectType::UserId],
        }
    }

    /// What was asked for in one way is followed in the same, whatever the settings say since then.
    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let is_new = ask.note.is_null() && v2::organization(ask.settings).is_some();
        if is_new || Ticket::noted(ask).is_some() {
            return v2::next(ask);
        }
        match (serde_json::from_value::<Note>(ask.note.clone()), ask.replies) {
            (Err(_), []) => Ok(Step::Send(delete(ask)?)),
            (Err(_), [.., reply]) => taken(ask, reply),
            (Ok(note), []) => Ok(Step::Send(jobs(ask, note.day)?)),
            (Ok(note), [.., reply]) => followed_up(ask, &note, reply),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match v2::organization(ask.settings) {
            Some(_) => v2::check(ask),
            None => ask.check_with("Amplitude", || jobs(ask, today(ask))),
        }
    }
}

fn today(ask: &Ask<'_>) -> Date {
    TimeZone::UTC.to_datetime(ask.now).date()
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.basic(ask.secret("apiKey")?, ask.secret("secretKey")?))
}

fn delete(ask: &Ask<'_>) -> Result<Call> {
    let requester = Some(ask.setting("requester")).filter(|name| !name.is_empty()).unwrap_or("lethe");
    let body = json!({
        "user_ids": ask.ids(),
        "requester": requester,
        "ignore_invalid_id": "true",
        "include_mapped_user_ids": "true",
    });
    Ok(authorized(ask, Call::post(ask.url(&REGION, "/api/2/deletions/users")))?.json(&body))
}

/// The call for the jobs from a day on, for as long as Amplitude may take. All batches of a day make the same call.
fn jobs(ask: &Ask<'_>, from: Date) -> Result<Call> {
    let until = from.saturating_add(MAX_DAYS.days()).to_string();
    let call = Call::get(ask.url(&REGION, "/api/2/deletions/users"));
    Ok(authorized(ask, call.query(&[("start_day", &from.to_string()), ("end_day", &until)]))?.once())
}

/// Each id in a job, and whether the job is done.
fn users(reply: &Reply) -> impl Iterator<Item = (&Value, bool)> {
    let one = reply.body.get("amplitude_ids").is_some().then_some(&reply.body);
    reply.list("").iter().chain(one).flat_map(|job| {
        let done = job["status"] == "done";
        job["amplitude_ids"].as_array().into_iter().flatten().map(move |user| (user, done))
    })
}

/// Reads the reply to a request: a job (or several) with the users it knows, beside `invalid_ids`; if it knows none, an
/// object that says that nothing was scheduled.
fn taken(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    if !reply.is_success() {
        return Err(reply.unexpected("Amplitude"));
    }
    let ids: Vec<u64> = users(reply).filter_map(|(user, _)| user["amplitude_id"].as_u64()).collect();
    if ids.is_empty() {
        let says_so = reply.body.as_object().is_some_and(|fields| {
            fields.contains_key("invalid_ids")
                || fields.values().filter_map(Value::as_str).any(|text| text.contains("schedul"))
        });
        return if says_so { Ok(ask.all(Outcome::NoDataFound)) } else { Err(reply.unexpected("Amplitude")) };
    }
    let jobs = reply.list("").iter().chain([&reply.body]);
    let invalid: Vec<_> = jobs.filter_map(|job| job["invalid_ids"].as_array()).flatten().collect();
    let mapped: Vec<_> = users(reply).filter_map(|(user, _)| user["user_id"].as_str()).collect();
    let is_unknown = |id: &str| {
        invalid.iter().any(|unknown| **unknown == id) || (!mapped.is_empty() && !mapped.contains(&id))
    };
    let unknown = ask.ids().iter().enumerate().filter(|(_, id)| is_unknown(id)).map(|(at, _)| at).collect();
    note(&Note { day: today(ask), ids, unknown })
}

fn note(note: &Note) -> Result<Step> {
    let value =
        serde_json::to_value(note).map_err(|e| Failure::permanent("a note cannot be kept").detail(e))?;
    Ok(Step::Wait(value))
}

fn followed_up(ask: &Ask<'_>, noted: &Note, reply: &Reply) -> Result<Step> {
    if !reply.is_success() || !reply.body.is_array() {
        return Err(reply.unexpected("Amplitude"));
    }
    let done: Vec<u64> = users(reply)
        .filter(|(_, done)| *done)
        .filter_map(|(user, _)| user["amplitude_id"].as_u64())
        .collect();
    if noted.ids.iter().all(|id| done.contains(id)) {
        let outcome = |at: usize| match noted.unknown.contains(&at) {
            true => Outcome::NoDataFound,
            false => Outcome::Confirmed,
        };
        return Ok(Step::Done((0..ask.people.len()).map(outcome).collect()));
    }
    if today(ask) > noted.day.saturating_add(MAX_DAYS.days()) {
        return Err(Failure::permanent(format!(
            "Amplitude has not finished within {MAX_DAYS} days: look for the jobs of {} there, then retry",
            noted.day
        )));
    }
    note(noted)
}
