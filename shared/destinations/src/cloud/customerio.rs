//! Customer.io: `POST /api/v2/batch` of the Track API, with one `delete` or `suppress` per person.
//!
//! Up to 500 kB a call; 200 accepts all of them, 207 names those it did not accept by their place in the batch. Unknown
//! people are accepted as well, and nothing tells when somebody is gone. `suppress` also keeps the identifier from
//! being added again. The limit of the Track API is 3,000 calls in 3 seconds; we keep to a tenth of it.
//!
//! <https://docs.customer.io/integrations/api/track/>, tags `track_v2` and `trackRegion`

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    own, region,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const REGION: Field = Field::required("region", "Region", "Region of the account").of(Form::Region(REGIONS));

const REGIONS: &[super::super::Region] =
    &[region("us", "track.customer.io"), region("eu", "track-eu.customer.io")];

const DESCRIPTION: Description = Description {
    vendor: "customerio",
    title: "Customer.io",
    kind: DestinationKind::Cloud,
    docs: "https://docs.customer.io/integrations/api/track/",
    confirms: TaskStatus::Accepted,
    fields: &[
        REGION,
        Field::optional(
            "mode",
            "Mode",
            "\"delete\" (default), or \"suppress\", which also blocks the identifier",
        )
        .of(Form::Choice(&["delete", "suppress"])),
        Field::optional(
            "identifier",
            "Identifier",
            "What our user ids are in Customer.io: \"id\" (default), \"email\" or \"cio_id\"",
        )
        .of(Form::Choice(&["id", "email", "cio_id"])),
        Field::secret("siteId", "Site ID", "Site ID of the workspace's Track API credentials"),
        Field::secret("apiKey", "API key", "API key of the workspace's Track API credentials"),
    ],
};

/// Customer.io's deletion protocol.
pub struct CustomerIo;

impl Vendor for CustomerIo {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    /// 50 identifiers of the longest kind, each byte escaped, stay below 500 kB.
    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 50, calls: 100, per: Duration::from_secs(1), at_once: 10 }
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match identifier(settings) {
            "email" => vec![SubjectType::Email, own("cio_id")],
            "cio_id" => vec![own("cio_id"), SubjectType::Email],
            _ => vec![SubjectType::UserId, own("cio_id"), SubjectType::Email],
        }
    }

    fn user_ids_are(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match identifier(settings) {
            "email" => vec![SubjectType::Email],
            "cio_id" => vec![own("cio_id")],
            _ => Vec::new(),
        }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let [.., reply] = ask.replies else { return Ok(Step::Send(delete(ask)?)) };
        match reply.status {
            200 if reply.body.is_object() => Ok(ask.all(Outcome::Accepted)),
            207 => partly(ask, reply),
            _ => Err(reply.unexpected("Customer.io")),
        }
    }

    /// The call tells the account's region from both regions: the wrong one would accept deletions and lose them.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        let [.., reply] = ask.replies else {
            let call = Call::get(ask.url(&REGION, "/api/v1/accounts/region"));
            return Ok(Step::Send(authorized(ask, call)?));
        };
        let (wanted, told) = (ask.setting("region"), reply.text("/region"));
        match told {
            _ if !reply.is_success() || told.is_empty() => Err(reply.unexpected("Customer.io")),
            told if REGIONS.iter().any(|region| region.name == wanted) && told != wanted => Err(
                Failure::permanent("the account is in another region of Customer.io: change settings.region"),
            ),
            _ => Ok(Step::Done(Vec::new())),
        }
    }
}

/// What our user ids are there.
fn identifier(settings: &Map<String, Value>) -> &str {
    settings.get("identifier").and_then(Value::as_str).unwrap_or_default()
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.basic(ask.secret("siteId")?, ask.secret("apiKey")?))
}

fn delete(ask: &Ask<'_>) -> Result<Call> {
    let action = Some(ask.setting("mode")).filter(|mode| !mode.is_empty()).unwrap_or("delete");
    let by = match ask.kind() {
        SubjectType::Email => "email",
        SubjectType::UserId => "id",
        _ => "cio_id",
    };
    let person = |id| json!({ "type": "person", "identifiers": { by: id }, "action": action });
    let batch: Vec<_> = ask.ids().into_iter().map(person).collect();
    Ok(authorized(ask, Call::post(ask.url(&REGION, "/api/v2/batch")))?.json(&json!({ "batch": batch })))
}

fn partly(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    let errors = reply.list("/errors");
    let failed: Vec<_> = errors.iter().filter_map(|error| error["batch_index"].as_u64()).collect();
    if failed.is_empty() || failed.len() < errors.len() {
        return Err(Failure::transient("Customer.io answered in a form it does not document"));
    }
    let outcome = |at: u64| if failed.contains(&at) { Outcome::Refused } else { Outcome::Accepted };
    Ok(Step::Done((0..ask.people.len() as u64).map(outcome).collect()))
}
