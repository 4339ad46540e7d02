//! Mixpanel: a deletion task, then its status until it ends.
//!
//! Up to 2,000 distinct ids a task; a task may take weeks. `SUCCESS` is also reported for ids that Mixpanel never saw.
//! The OAuth token for the privacy API is made in the personal settings of a project owner and lasts a year. There is a
//! rate limit (429, <https://docs.mixpanel.com/reference/gdpr-api>), but its value is not documented: we keep to one
//! call a second.
//!
//! <https://docs.mixpanel.com/reference/create-deletion>,
//! <https://docs.mixpanel.com/docs/privacy/end-user-data-management>

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ticket::Ticket;
use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Secrets, Step, SubjectType,
    Vendor, encode, own, region,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const REGION: Field =
    Field::required("region", "Region", "Where the project's data resides").of(Form::Region(&[
        region("us", "mixpanel.com"),
        region("eu", "eu.mixpanel.com"),
        region("in", "in.mixpanel.com"),
    ]));

const DESCRIPTION: Description = Description {
    vendor: "mixpanel",
    title: "Mixpanel",
    kind: DestinationKind::Cloud,
    docs: "https://docs.mixpanel.com/reference/create-deletion",
    confirms: TaskStatus::Confirmed,
    fields: &[
        REGION,
        Field::optional(
            "complianceType",
            "Compliance type",
            "The law that is followed: \"GDPR\" (default) or \"CCPA\"",
        )
        .of(Form::Choice(&["GDPR", "CCPA"])),
        Field::optional(
            ENDS,
            "OAuth token ends",
            "The day on which the OAuth token expires, such as 2027-11-28: checks warn 60 days before",
        ),
        Field::secret("projectToken", "Project token", "Token of the project"),
        Field::secret(
            "oauthToken",
            "Oauth token",
            "OAuth token for data privacy, from the settings of a project owner; it expires after a year: set a new one \
             before, or deletions wait with status 401",
        ),
    ],
};

/// The setting that says when the OAuth token ends, and how many days before a check warns.
const ENDS: &str = "oauthTokenEnds";
const WARNED: i32 = 60;

/// Mixpanel's deletion protocol.
pub struct Mixpanel;

impl Vendor for Mixpanel {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 2_000, calls: 1, per: Duration::from_secs(1), at_once: 2 }
    }

    fn warning(&self, settings: &Map<String, Value>, _: &Secrets, now: Timestamp) -> Option<String> {
        let today = TimeZone::UTC.to_datetime(now).date();
        match settings.get(ENDS).and_then(Value::as_str).map(str::parse::<Date>) {
            None => Some(format!("its OAuth token lasts a year: set settings.{ENDS} to be warned before")),
            Some(Err(_)) => Some(format!("settings.{ENDS} is no day such as 2027-11-28")),
            Some(Ok(end)) if end <= today => Some(format!("its OAuth token ended on {end}: set a new one")),
            Some(Ok(end)) if end <= today.saturating_add(WARNED.days()) => {
                Some(format!("its OAuth token ends on {end}: set a new one before"))
            }
            Some(Ok(_)) => None,
        }
    }

    fn ends(&self, settings: &Map<String, Value>) -> Option<Date> {
        settings.get(ENDS)?.as_str()?.parse().ok()
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![own("distinct_id"), SubjectType::UserId]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (Ticket::noted(ask), ask.replies) {
            (None, []) => Ok(Step::Send(delete(ask)?)),
            (None, [.., reply]) => match reply.text("/results/task_id") {
                task if reply.is_success() && !task.is_empty() => Ok(Ticket::take(ask, task)),
                _ => Err(reply.unexpected("Mixpanel")),
            },
            (Some(task), []) => Ok(Step::Send(status(ask, &task.ticket)?)),
            (Some(task), [.., reply]) => followed_up(ask, &task, reply),
        }
    }

    /// Asks for a task that cannot exist: a good token gets the answer that there is none.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [.., reply] if reply.status == 404 || reply.status == 400 => Ok(Step::Done(Vec::new())),
            _ => ask.check_with("Mixpanel", || status(ask, &Uuid::nil().to_string())),
        }
    }
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.query(&[("token", ask.secret("projectToken")?)]).bearer(ask.secret("oauthToken")?))
}

fn delete(ask: &Ask<'_>) -> Result<Call> {
    let law = Some(ask.setting("complianceType")).filter(|law| !law.is_empty()).unwrap_or("GDPR");
    let call = Call::post(ask.url(&REGION, "/api/app/data-deletions/v3.0"));
    Ok(authorized(ask, call)?.json(&json!({ "distinct_ids": ask.ids(), "compliance_type": law })))
}

fn status(ask: &Ask<'_>, task: &str) -> Result<Call> {
    authorized(ask, Call::get(ask.url(&REGION, &format!("/api/app/data-deletions/v3.0/{}", encode(task)))))
}

fn followed_up(ask: &Ask<'_>, task: &Ticket, reply: &Reply) -> Result<Step> {
    match reply.text("/results/status") {
        _ if !reply.is_success() => Err(reply.unexpected("Mixpanel")),
        "SUCCESS" => Ok(ask.all(Outcome::Confirmed)),
        "PENDING" | "STAGING" | "STARTED" | "UNKNOWN" => task.wait(ask, "Mixpanel"),
        "FAILURE" => Ok(Step::Apart(ended(task, "FAILURE"))),
        // Somebody revoked it: it must not be requested again at once.
        status @ ("REVOKED" | "NOT_FOUND") => Err(ended(task, status)),
        _ => Err(reply.unexpected("Mixpanel")),
    }
}

fn ended(task: &Ticket, how: &str) -> Failure {
    Failure::permanent(format!(
        "Mixpanel ended the deletion task {} as {how}: look at Data & Privacy in its project settings",
        task.ticket
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_warns_before_the_token_ends_and_if_nobody_knows_when() {
        let now = "2026-11-28T12:00:00Z".parse().expect("a time");
        for (end, warned) in [
            (None, Some("lasts a year")),
            (Some("soon"), Some("is no day")),
            (Some("2026-11-28"), Some("ended on 2026-11-28")),
            (Some("2027-01-27"), Some("ends on 2027-01-27")),
            (Some("2027-01-28"), None),
        ] {
            let settings = end.map(|end| (ENDS.to_owned(), end.into())).into_iter().collect();
            let said = Mixpanel.warning(&settings, &Secrets::default(), now);
            assert_eq!(said.is_some(), warned.is_some(), "{end:?}: {said:?}");
            assert!(said.unwrap_or_default().contains(warned.unwrap_or_default()), "{end:?}");
        }
    }
}
