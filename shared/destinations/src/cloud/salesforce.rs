//! Salesforce Marketing Cloud: a token, a deletion of contact keys, and its status until the deletion is done.
//!
//! An operation goes through two phases: contacts are suppressed first (`operation`), then, after the days that the
//! account has set, deleted (`backgroundOperationsSummary`); only the end of the second is an end. Operations run one
//! after the other and may take hours each, so one takes as many contacts as a call holds. Unknown keys are skipped
//! silently. No rate limit is documented: we keep to 10 calls a second.
//!
//! <https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/DeleteByContactKeys.html>,
//! <https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/ContactsDeleteStatus.html>,
//! <https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/access-token-s2s.html>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ticket::Ticket;
use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    own,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const HOST: Field = Field::required(
    "host",
    "Host",
    "REST base host of the account, which ends in .rest.marketingcloudapis.com",
)
.of(Form::Host(&["*.rest.marketingcloudapis.com"]));

const DESCRIPTION: Description = Description {
    vendor: "salesforce-marketing-cloud",
    title: "Salesforce Marketing Cloud",
    kind: DestinationKind::Cloud,
    docs: "https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/DeleteByContactKeys.html",
    confirms: TaskStatus::Confirmed,
    fields: &[
        HOST,
        Field::optional(
            "accountId",
            "Account ID",
            "MID of the business unit; that of the package if left out",
        ),
        Field::secret(
            "clientId",
            "Client ID",
            "Client id of an installed package with a server-to-server component",
        ),
        Field::secret(
            "clientSecret",
            "Client secret",
            "Client secret of that component, which may read and write contacts",
        ),
    ],
};

/// Salesforce Marketing Cloud's deletion protocol.
pub struct Salesforce;

impl Vendor for Salesforce {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 2_000, calls: 10, per: Duration::from_secs(1), at_once: 2 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![own("contact_key"), SubjectType::UserId]
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (Ticket::noted(ask), ask.replies) {
            (_, []) => Ok(Step::Send(token(ask)?)),
            (None, [token]) => Ok(Step::Send(delete(ask, access(token)?))),
            (Some(operation), [token]) => Ok(Step::Send(status(ask, access(token)?, &operation.ticket))),
            (None, [.., reply]) => match reply.body["operationID"].as_u64() {
                Some(operation) if reply.is_success() && reply.body["operationInitiated"] == true => {
                    Ok(Ticket::take(ask, &operation.to_string()))
                }
                _ => Err(reply.unexpected("Salesforce Marketing Cloud")),
            },
            (Some(operation), [.., reply]) => followed_up(ask, &operation, reply),
        }
    }

    /// The list of deletions is visible to those who may delete.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match ask.replies {
            [] => Ok(Step::Send(token(ask)?)),
            [token] => {
                let call = Call::get(ask.url(&HOST, "/contacts/v1/contacts/deleteOperations"));
                Ok(Step::Send(call.bearer(access(token)?)))
            }
            [.., reply] if reply.is_success() => Ok(Step::Done(Vec::new())),
            [.., reply] => Err(reply.unexpected("Salesforce Marketing Cloud")),
        }
    }
}

/// The call for a token. Its host differs from that of the other calls by one label.
fn token(ask: &Ask<'_>) -> Result<Call> {
    let url = ask.url(&HOST, "/v2/token").replacen(".rest.", ".auth.", 1);
    let mut body = json!({
        "grant_type": "client_credentials",
        "client_id": ask.secret("clientId")?,
        "client_secret": ask.secret("clientSecret")?,
    });
    if !ask.setting("accountId").is_empty() {
        body["account_id"] = ask.setting("accountId").into();
    }
    Ok(Call::post(url).json(&body).once())
}

fn access(reply: &Reply) -> Result<&str> {
    match reply.text("/access_token") {
        token if reply.is_success() && !token.is_empty() => Ok(token),
        _ if matches!(reply.status, 400..=499) => Err(Failure::permanent(
            "Salesforce Marketing Cloud gives no token: check host, client id and client secret of the package",
        )),
        _ => Err(reply.unexpected("Salesforce Marketing Cloud")),
    }
}

fn delete(ask: &Ask<'_>, token: &str) -> Call {
    let call = Call::post(ask.url(&HOST, "/contacts/v1/contacts/actions/delete")).query(&[("type", "keys")]);
    call.bearer(token).json(&json!({ "values": ask.ids(), "DeleteOperationType": "ContactAndAttributes" }))
}

fn status(ask: &Ask<'_>, token: &str, operation: &str) -> Call {
    let call = Call::get(ask.url(&HOST, "/contacts/v1/contacts/actions/delete/status"));
    call.query(&[("operationID", operation)]).bearer(token)
}

fn followed_up(ask: &Ask<'_>, operation: &Ticket, reply: &Reply) -> Result<Step> {
    let suppressed = reply.text("/operation/status");
    if !reply.is_success() || suppressed.is_empty() {
        return Err(reply.unexpected("Salesforce Marketing Cloud"));
    }
    let stages = reply.list("/backgroundOperationsSummary").iter();
    let mut deleted = stages.map(|stage| stage["backgroundOperationStatusID"].as_str().unwrap_or_default());
    let ended = |how: &str| {
        Failure::permanent(format!(
            "Salesforce Marketing Cloud ended the deletion {} as {how}: look at Contact Delete in Contact Builder, \
             then retry",
            operation.ticket
        ))
    };
    match deleted.clone().find(|stage| matches!(*stage, "Aborted" | "Invalid")) {
        Some("Invalid") => return Ok(Step::Apart(ended("Invalid"))),
        Some(aborted) => return Err(ended(aborted)),
        None => {}
    }
    match suppressed {
        // Somebody cancelled it: it must not be requested again at once.
        "Cancelled" => Err(ended(suppressed)),
        "Failed" | "CompletedWithErrors" | "Invalid" => Ok(Step::Apart(ended(suppressed))),
        "Completed" if deleted.len() > 0 && deleted.all(|stage| stage == "Completed") => {
            Ok(ask.all(Outcome::Confirmed))
        }
        _ => operation.wait(ask, "Salesforce Marketing Cloud"),
    }
}
