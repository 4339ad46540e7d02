//! Zendesk: a user is looked up by external id or email address, deleted, deleted permanently, and followed until every product has
//! erased it.
//!
//! A deletion alone keeps the user's data; the permanent one is a call per user (700 in 10 minutes), so deleting users
//! by the hundred would save little. The user's id is noted before anything is deleted, so that a crash between two
//! calls is not mistaken for an unknown user. Each product tells `started` and `complete`; a user whose statuses can no
//! longer be read is accepted, not confirmed. Both are compared without regard to case. A list of external ids
//! is cut at commas, so an id with a comma is searched for instead.
//! Calls are authorized by an OAuth client, whose token is asked for once a turn, or by an API token, which Zendesk takes
//! until 2027-04-30. 200 calls a minute, the least that any plan allows. Not verified against a real account: the words `started` and
//! `complete`.
//!
//! <https://developer.zendesk.com/api-reference/ticketing/users/users/>,
//! <https://developer.zendesk.com/api-reference/introduction/rate-limits/>,
//! <https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/>,
//! <https://developer.zendesk.com/documentation/api-basics/authentication/oauth-migration/>

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Map, Value, json};

use super::ticket::Ticket;
use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Secrets, Step, SubjectType,
    Vendor,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

/// The last day on which Zendesk takes API tokens.
const TOKENS_END: Date = date(2027, 4, 30);

const HOST: Field = Field::required("host", "Host", "Host of the account, such as acme.zendesk.com")
    .of(Form::Host(&["*.zendesk.com"]));

const DESCRIPTION: Description = Description {
    vendor: "zendesk",
    title: "Zendesk",
    kind: DestinationKind::Cloud,
    docs: "https://developer.zendesk.com/api-reference/ticketing/users/users/#permanently-delete-user",
    confirms: TaskStatus::Confirmed,
    fields: &[
        HOST,
        Field::optional("email", "Email", "With an API token: the email address of the admin whose it is")
            .directing_secrets(),
        Field::optional_secret(
            "clientId",
            "Client ID",
            "Identifier of a confidential OAuth client, made by an admin who may delete users permanently",
        ),
        Field::optional_secret("clientSecret", "Client secret", "Secret of that client"),
        Field::optional_secret(
            "apiToken",
            "API token",
            "Instead of a client, until 2027-04-30: API token of an admin, who may delete users permanently",
        ),
    ],
};

/// Zendesk's deletion protocol.
pub struct Zendesk;

impl Vendor for Zendesk {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 200, per: Duration::from_secs(60), at_once: 10 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId, SubjectType::Email]
    }

    fn check_secrets(&self, secrets: &Secrets) -> Result<()> {
        let names: Vec<_> = secrets.0.keys().map(String::as_str).collect();
        match names[..] {
            ["clientId", "clientSecret"] | ["apiToken"] => Ok(()),
            _ => {
                let message = "secrets must be clientId and clientSecret, or apiToken alone";
                Err(Failure::invalid(message).field("secrets"))
            }
        }
    }

    fn warning(&self, _: &Map<String, Value>, secrets: &Secrets, _: Timestamp) -> Option<String> {
        let ends =
            format!("Zendesk takes API tokens until {TOKENS_END}: connect it by an OAuth client before");
        uses_token(secrets).then_some(ends)
    }

    /// An email address is set with an API token only.
    fn ends(&self, settings: &Map<String, Value>) -> Option<Date> {
        settings
            .get("email")
            .and_then(Value::as_str)
            .is_some_and(|email| !email.is_empty())
            .then_some(TOKENS_END)
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        let Opened { ask, access } = match open(ask)? {
            Ok(opened) => opened,
            Err(call) => return Ok(Step::Send(call)),
        };
        let ask = &ask;
        if let Some(user) = Ticket::noted(ask) {
            return match ask.replies {
                [] => {
                    let path = format!("/users/{}/compliance_deletion_statuses", user.ticket);
                    Ok(Step::Send(get(ask, access, &path)?))
                }
                [.., reply] => followed_up(ask, &user, reply),
            };
        }
        match (ask.note["user"].as_u64(), ask.replies) {
            (None, []) => Ok(Step::Send(find(ask, access)?)),
            (None, [.., reply]) => found(ask, reply),
            (Some(user), []) => Ok(Step::Send(delete(ask, access, &format!("/users/{user}"))?)),
            (Some(user), [deleted]) if is_gone(deleted, "/user/id") => {
                Ok(Step::Send(delete(ask, access, &format!("/deleted_users/{user}"))?))
            }
            (Some(user), [_, purged]) if is_gone(purged, "/deleted_user/id") => {
                Ok(Ticket::take(ask, &user.to_string()))
            }
            (Some(_), [.., reply]) => Err(reply.unexpected("Zendesk")),
        }
    }

    /// Deleted users are visible to those who may delete them.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        match open(ask)? {
            Ok(Opened { ask, access }) => {
                ask.check_with("Zendesk", || get(&ask, access, "/deleted_users/count"))
            }
            Err(call) => Ok(Step::Send(call)),
        }
    }
}

/// 404 means that an earlier call deleted it, since it existed when it was noted.
fn is_gone(reply: &Reply, id: &str) -> bool {
    reply.status == 404 || (reply.is_success() && reply.body.pointer(id).is_some())
}

/// A batch whose calls can be authorized: its replies are those after the token's.
struct Opened<'a> {
    ask: Ask<'a>,
    /// The access token of an OAuth client; none, if there is an API token.
    access: Option<&'a str>,
}

/// What authorizes the batch's calls, or the call that asks for it.
fn open<'a>(ask: &Ask<'a>) -> Result<std::result::Result<Opened<'a>, Call>> {
    if uses_token(ask.secrets) {
        return Ok(Ok(Opened { ask: *ask, access: None }));
    }
    let [reply, replies @ ..] = ask.replies else { return token(ask).map(Err) };
    match reply.text("/access_token") {
        access if reply.is_success() && !access.is_empty() => {
            Ok(Ok(Opened { ask: Ask { replies, ..*ask }, access: Some(access) }))
        }
        _ => Err(reply.unexpected("Zendesk")),
    }
}

fn uses_token(secrets: &Secrets) -> bool {
    secrets.0.contains_key("apiToken")
}

fn token(ask: &Ask<'_>) -> Result<Call> {
    let call = Call::post(ask.url(&HOST, "/oauth/tokens")).json(&json!({
        "grant_type": "client_credentials",
        "client_id": ask.secret("clientId")?,
        "client_secret": ask.secret("clientSecret")?,
        "scope": "read write",
    }));
    Ok(call.once())
}

fn authorized(ask: &Ask<'_>, access: Option<&str>, call: Call) -> Result<Call> {
    match (access, ask.setting("email")) {
        (Some(access), _) => Ok(call.bearer(access)),
        (None, "") => Err(Failure::permanent("settings.email is missing: say whose API token it is")),
        (None, email) => Ok(call.basic(&format!("{email}/token"), ask.secret("apiToken")?)),
    }
}

fn get(ask: &Ask<'_>, access: Option<&str>, path: &str) -> Result<Call> {
    authorized(ask, access, Call::get(ask.url(&HOST, &format!("/api/v2{path}"))))
}

fn delete(ask: &Ask<'_>, access: Option<&str>, path: &str) -> Result<Call> {
    authorized(ask, access, Call::delete(ask.url(&HOST, &format!("/api/v2{path}"))))
}

fn find(ask: &Ask<'_>, access: Option<&str>) -> Result<Call> {
    let (path, field, id) = match ask.kind() {
        SubjectType::Email => ("search", "query", format!("email:{}", ask.id())),
        _ if ask.id().contains(',') => ("search", "external_id", ask.id().to_owned()),
        _ => ("show_many", "external_ids", ask.id().to_owned()),
    };
    let call = Call::get(ask.url(&HOST, &format!("/api/v2/users/{path}")));
    authorized(ask, access, call.query(&[(field, &id)]))
}

fn found(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    if !reply.is_success() || !reply.body["users"].is_array() {
        return Err(reply.unexpected("Zendesk"));
    }
    let field = if ask.kind() == SubjectType::Email { "email" } else { "external_id" };
    let is_same =
        |user: &&Value| user[field].as_str().is_some_and(|id| id.to_lowercase() == ask.id().to_lowercase());
    match reply.list("/users").iter().find(is_same).map(|user| user["id"].as_u64()) {
        None => Ok(ask.all(Outcome::NoDataFound)),
        Some(Some(user)) => Ok(Step::Keep(json!({ "user": user }))),
        Some(None) => Err(reply.unexpected("Zendesk")),
    }
}

fn followed_up(ask: &Ask<'_>, user: &Ticket, reply: &Reply) -> Result<Step> {
    if reply.status == 404 {
        return Ok(ask.all(Outcome::Accepted));
    }
    if !reply.is_success() || !reply.body["compliance_deletion_statuses"].is_array() {
        return Err(reply.unexpected("Zendesk"));
    }
    let statuses = reply.list("/compliance_deletion_statuses");
    let in_state = |state: &'static str| {
        statuses.iter().filter(move |s| s["action"] == state).map(|s| &s["application"])
    };
    let complete: Vec<_> = in_state("complete").collect();
    match !complete.is_empty() && in_state("started").all(|product| complete.contains(&product)) {
        true => Ok(ask.all(Outcome::Confirmed)),
        false => user.wait(ask, "Zendesk"),
    }
}
