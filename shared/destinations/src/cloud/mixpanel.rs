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

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ticket::Ticket;
use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode, own, region,
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
        Field::secret("projectToken", "Project token", "Token of the project"),
        Field::secret(
            "oauthToken",
            "Oauth token",
            "OAuth token for data privacy, from the settings of a project owner; it expires after a year: set a new one \
             before, or deletions wait with status 401",
        ),
    ],
};

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
