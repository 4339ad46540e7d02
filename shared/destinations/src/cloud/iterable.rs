//! Iterable: a user is deleted, or forgotten, which also keeps it from being collected again.
//!
//! | mode | call | limit | end |
//! |---|---|---|---|
//! | `delete` | `DELETE /api/users/byUserId/{userId}` or `/api/users/{email}` | 100 a second | works asynchronously, tells nothing further |
//! | `forget` | `POST /api/users/forget` | 3 a second, 1,000 a day | in the list of the forgotten, hashed, within some ten minutes |
//!
//! Of an id, Iterable hashes the lower case without any white space. The list of the forgotten names everybody who ever
//! was, so that it is read as it comes.
//!
//! The key goes into the header `Api-Key`. An unknown user is a 400 with the code `BadParams`.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode, region,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;
use model::subject::hex;

const REGION: Field = Field::required("region", "Region", "Data center of the project")
    .of(Form::Region(&[region("us", "api.iterable.com"), region("eu", "api.eu.iterable.com")]));

const DESCRIPTION: Description = Description {
    vendor: "iterable",
    title: "Iterable",
    kind: DestinationKind::Cloud,
    docs: "https://support.iterable.com/hc/en-us/articles/360029174171-Responding-to-GDPR-Requests-",
    confirms: TaskStatus::Confirmed,
    fields: &[
        REGION,
        Field::optional(
            "mode",
            "Mode",
            "\"delete\" (default), or \"forget\", which also blocks new data and is confirmed",
        )
        .of(Form::Choice(&["delete", "forget"])),
        Field::optional(
            "identifier",
            "Identifier",
            "What our user ids are in Iterable: \"userId\" (default) or \"email\"",
        )
        .of(Form::Choice(&["userId", "email"])),
        Field::secret("apiKey", "API key", "Server-side API key of the project"),
    ],
};

/// Iterable's deletion protocol.
pub struct Iterable;

impl Vendor for Iterable {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, settings: &Map<String, Value>) -> Limits {
        let per = Duration::from_secs(1);
        match settings.get("mode").is_some_and(|mode| mode == "forget") {
            true => Limits { batch: 1, calls: 3, per, at_once: 3 },
            false => Limits { batch: 1, calls: 100, per, at_once: 30 },
        }
    }

    fn kinds(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        match users_are_emails(settings) {
            true => vec![SubjectType::Email],
            false => vec![SubjectType::UserId, SubjectType::Email],
        }
    }

    fn user_ids_are(&self, settings: &Map<String, Value>) -> Vec<SubjectType> {
        if users_are_emails(settings) { vec![SubjectType::Email] } else { Vec::new() }
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (ask.note.is_null(), ask.replies) {
            (true, []) => Ok(Step::Send(if forgets(ask) { forget(ask)? } else { delete(ask)? })),
            (true, [.., reply]) => taken(ask, reply),
            (false, []) => Ok(Step::Send(forgotten(ask)?)),
            (false, [.., reply]) => followed_up(ask, reply),
        }
    }

    /// In the mode `forget`, the list of the forgotten also proves that the project has this kind of identifier.
    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("Iterable", || match forgets(ask) {
            true => forgotten(ask),
            false => authorized(ask, Call::get(ask.url(&REGION, "/api/channels"))),
        })
    }
}

fn forgets(ask: &Ask<'_>) -> bool {
    ask.setting("mode") == "forget"
}

fn users_are_emails(settings: &Map<String, Value>) -> bool {
    settings.get("identifier").is_some_and(|identifier| identifier == "email")
}

fn by_email(ask: &Ask<'_>) -> bool {
    ask.kind() == SubjectType::Email
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.header("api-key", ask.secret("apiKey")?))
}

fn delete(ask: &Ask<'_>) -> Result<Call> {
    let by = if by_email(ask) { "" } else { "byUserId/" };
    let path = format!("/api/users/{by}{}", encode(ask.id()));
    authorized(ask, Call::delete(ask.url(&REGION, &path)))
}

fn forget(ask: &Ask<'_>) -> Result<Call> {
    let by = if by_email(ask) { "email" } else { "userId" };
    let call = Call::post(ask.url(&REGION, "/api/users/forget"));
    Ok(authorized(ask, call)?.json(&json!({ by: ask.id() })))
}

fn forgotten(ask: &Ask<'_>) -> Result<Call> {
    let path = if by_email(ask) { "/api/users/forgotten" } else { "/api/users/forgottenUserIds" };
    Ok(authorized(ask, Call::get(ask.url(&REGION, path)))?.once().listing_hashes())
}

fn taken(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    match (reply.status, reply.text("/code")) {
        (200, "Success") | (_, "ForgottenUserError") if forgets(ask) => Ok(Step::Wait(Value::Bool(true))),
        (200, "Success") => Ok(ask.all(Outcome::Accepted)),
        (_, "UnknownUserIdError" | "UnknownEmailError") => Ok(ask.all(Outcome::NoDataFound)),
        (400, "BadParams") if reply.text("/msg").contains("not exist") => Ok(ask.all(Outcome::NoDataFound)),
        (_, "RateLimitExceeded") => Err(Failure::transient("Iterable's rate limit is reached")),
        _ => Err(reply.unexpected("Iterable")),
    }
}

fn followed_up(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    let field = if by_email(ask) { "/hashedEmails" } else { "/hashedUserIds" };
    if !reply.is_success() || reply.body.pointer(field).is_none_or(|list| !list.is_array()) {
        return Err(reply.unexpected("Iterable"));
    }
    let hashed: String = ask.id().chars().filter(|c| !c.is_whitespace()).collect();
    match reply.hashes.hold(&hex(&Sha256::digest(hashed.to_lowercase()))) {
        true => Ok(ask.all(Outcome::Confirmed)),
        false => Ok(Step::Wait(ask.note.clone())),
    }
}
