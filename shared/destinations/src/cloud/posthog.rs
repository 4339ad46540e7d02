//! PostHog: `POST /api/projects/{project}/persons/bulk_delete/`, with events and recordings.
//!
//! Up to 1,000 distinct ids a call. The answer counts the people found, unknown ones are passed over, and events and
//! recordings are queued: the deletion is accepted. Somebody who could not be deleted is named by PostHog's own id, so
//! that such a batch is sent again in halves. Events that come in later stay. PostHog takes 4,800 deletions an hour; we
//! keep to one call a second.
//!
//! <https://posthog.com/docs/privacy/data-deletion>, <https://posthog.com/docs/api/persons>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor, encode,
    own, region,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const REGION: Field = Field::required("region", "Region", "PostHog Cloud's region of the project")
    .of(Form::Region(&[region("us", "us.posthog.com"), region("eu", "eu.posthog.com")]));

const DESCRIPTION: Description = Description {
    vendor: "posthog",
    title: "PostHog",
    kind: DestinationKind::Cloud,
    docs: "https://posthog.com/docs/privacy/data-deletion",
    confirms: TaskStatus::Accepted,
    fields: &[
        REGION,
        Field::required("projectId", "Project ID", "Number of the project"),
        Field::secret("apiKey", "API key", "Personal API key with the scopes person:read and person:write"),
    ],
};

/// PostHog's deletion protocol.
pub struct PostHog;

impl Vendor for PostHog {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1_000, calls: 1, per: Duration::from_secs(1), at_once: 2 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![own("distinct_id"), SubjectType::UserId]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let [.., reply] = ask.replies else { return Ok(Step::Send(delete(ask)?)) };
        match reply.body["persons_found"].is_u64() {
            true if reply.is_success() && reply.list("/deletion_errors").is_empty() => {
                Ok(ask.all(Outcome::Accepted))
            }
            true if reply.is_success() => {
                Err(Failure::permanent("PostHog could not delete everybody: ask its support, then retry"))
            }
            _ => Err(reply.unexpected("PostHog")),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("PostHog", || authorized(ask, Call::get(persons(ask, "")).query(&[("limit", "1")])))
    }
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.bearer(ask.secret("apiKey")?))
}

fn persons(ask: &Ask<'_>, path: &str) -> String {
    ask.url(&REGION, &format!("/api/projects/{}/persons/{path}", encode(ask.setting("projectId"))))
}

fn delete(ask: &Ask<'_>) -> Result<Call> {
    let body = json!({ "distinct_ids": ask.ids(), "delete_events": true, "delete_recordings": true });
    Ok(authorized(ask, Call::post(persons(ask, "bulk_delete/")))?.json(&body))
}
