//! SendGrid: `POST /v3/recipients/erasejob`.
//!
//! Up to 5,000 addresses and 256 KB a call; 202 with the job's id says that the job was accepted, for unknown addresses
//! as well. Nothing tells when it is done. One address that is no address refuses all of a call. A deletion is for the
//! account of the key alone, not for its subusers. Accounts from before 2023-07-25 must have the API enabled. No rate is
//! documented for this call: we keep to one a second.
//!
//! <https://www.twilio.com/docs/sendgrid/api-reference/recipients-data-erasure-api/erase-recipients-email-data>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor, region,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const REGION: Field = Field::required("region", "Region", "Region of the account or subuser")
    .of(Form::Region(&[region("global", "api.sendgrid.com"), region("eu", "api.eu.sendgrid.com")]));

const DESCRIPTION: Description = Description {
    vendor: "sendgrid",
    title: "SendGrid",
    kind: DestinationKind::Cloud,
    docs: "https://www.twilio.com/docs/sendgrid/api-reference/recipients-data-erasure-api",
    confirms: TaskStatus::Accepted,
    fields: &[
        REGION,
        Field::secret("apiKey", "API key", "API key with the scope recipients.erasejob.create"),
    ],
};

/// The scope of a key that may erase.
const SCOPE: &str = "recipients.erasejob.create";

/// SendGrid's deletion protocol.
pub struct SendGrid;

impl Vendor for SendGrid {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    /// 700 addresses of the longest kind stay below 256 KB.
    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 700, calls: 1, per: Duration::from_secs(1), at_once: 2 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::Email]
    }

    fn user_ids_are(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::Email]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [] => {
                let call = authorized(ask, Call::post(ask.url(&REGION, "/v3/recipients/erasejob")))?;
                Ok(Step::Send(call.json(&json!({ "email_addresses": ask.ids() }))))
            }
            [.., reply] if reply.status == 202 && !reply.text("/job_id").is_empty() => {
                Ok(ask.all(Outcome::Accepted))
            }
            [.., reply] => Err(reply.unexpected("SendGrid")),
        }
    }

    /// The key's scopes tell whether it may erase.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [.., reply]
                if reply.is_success() && !reply.list("/scopes").iter().any(|scope| scope == SCOPE) =>
            {
                Err(Failure::permanent(format!("the API key of SendGrid lacks the scope {SCOPE}")))
            }
            _ => ask.check_with("SendGrid", || authorized(ask, Call::get(ask.url(&REGION, "/v3/scopes")))),
        }
    }
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.bearer(ask.secret("apiKey")?))
}
