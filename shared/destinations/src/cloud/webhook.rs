//! Webhook: one signed `POST` per person to a URL of your own.
//!
//! `{"type": "delete", "messageId", "timestamp"}` and those of `userId`, `anonymousIds`, `email`, `phone`, `ids` and
//! `hashes` by which the person is given. `X-Signature` is the hex HMAC-SHA1 of the
//! body under the shared secret, as Segment signs its webhooks; `X-Signature-256` is the hex HMAC-SHA256, which new
//! receivers should check. The `messageId` of a person stays the same when it is sent again. Any 2xx means that you
//! took it; 404 and 410 mean a wrong URL, not an unknown user. A check sends `{"type": "check", "timestamp"}`.
//!
//! <https://segment.com/docs/connections/destinations/catalog/webhooks/#authenticate-webhook-requests>

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::Sha256;

use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Step, SubjectType, Vendor,
};
use model::failure::Result;
use model::status::TaskStatus;
use model::subject::{Subject, hex};

const URL: Field = Field::required("url", "URL", "Where deletions are sent, with https").of(Form::Url);

const DESCRIPTION: Description = Description {
    vendor: "webhook",
    title: "Webhook",
    kind: DestinationKind::Cloud,
    docs: "https://segment.com/docs/connections/destinations/catalog/webhooks/",
    confirms: TaskStatus::Accepted,
    fields: &[URL, Field::secret("sharedSecret", "Shared secret", "Secret under which each body is signed")],
};

/// Webhook's deletion protocol.
pub struct Webhook;

impl Vendor for Webhook {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-28")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 1, calls: 50, per: Duration::from_secs(1), at_once: 10 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        Vec::new()
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (ask.replies, ask.people) {
            ([], [person, ..]) => Ok(Step::Send(signed(ask, &deletion(ask, person))?)),
            ([.., reply], _) if !reply.is_success() => Err(reply.unexpected("the webhook")),
            _ => Ok(ask.all(Outcome::Accepted)),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("the webhook", || signed(ask, &json!({ "type": "check", "timestamp": ask.now })))
    }
}

/// The body about a person, with every identifier that is known.
fn deletion(ask: &Ask<'_>, person: &[Subject]) -> Value {
    let mut body = json!({ "type": "delete", "messageId": ask.key, "timestamp": ask.now });
    let anonymous = person.iter().filter(|one| one.kind == SubjectType::AnonymousId);
    let anonymous: Vec<_> = anonymous.map(|one| one.id.as_str()).collect();
    if !anonymous.is_empty() {
        body["anonymousIds"] = anonymous.into();
    }
    // What the request names comes first, and stays if others are known.
    for Subject { kind, id } in person.iter().rev() {
        match kind {
            SubjectType::UserId => body["userId"] = id.as_str().into(),
            SubjectType::Email => body["email"] = id.as_str().into(),
            SubjectType::Phone => body["phone"] = id.as_str().into(),
            SubjectType::Custom(_) => body["ids"][kind.as_str()] = id.as_str().into(),
            SubjectType::Hash(_) => body["hashes"][kind.as_str()] = id.as_str().into(),
            SubjectType::AnonymousId | SubjectType::ObjectId => {}
        }
    }
    body
}

fn signed(ask: &Ask<'_>, body: &Value) -> Result<Call> {
    let (secret, body) = (ask.secret("sharedSecret")?.as_bytes(), body.to_string().into_bytes());
    let call = Call::post(ask.setting("url").to_owned())
        .header("x-signature", hmac::<Hmac<Sha1>>(secret, &body))
        .header("x-signature-256", hmac::<Hmac<Sha256>>(secret, &body));
    Ok(call.bytes("application/json", body))
}

fn hmac<M: Mac + KeyInit>(secret: &[u8], body: &[u8]) -> String {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, case 2, and RFC 4231, case 2.
    #[test]
    fn signatures_are_those_of_the_standards() {
        let text = b"what do ya want for nothing?";
        assert_eq!(hmac::<Hmac<Sha1>>(b"Jefe", text), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            hmac::<Hmac<Sha256>>(b"Jefe", text),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
