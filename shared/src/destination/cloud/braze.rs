//! Braze: `POST /users/delete`.
//!
//! Source: Braze's REST API reference, "Delete users" endpoint: up to 50 users a call, named by exactly one
//! kind of identifier; 20,000 calls a minute, shared with the alias endpoints. The answer
//! `{"deleted": n, "message": "success"}` means that the deletion is queued; Braze has no call that tells when
//! it is done, and users it does not know are counted as well.

use serde_json::{Map, Value, json};

use super::{Call, Connection, Outcome, Reply, Step, Vendor};
use crate::destination::{Description, Field, Kind};
use crate::failure::{Failure, Result};
use crate::subject::Subject;

/// What the catalogue says of Braze.
pub const DESCRIPTION: Description = Description {
    vendor: "braze",
    kind: Kind::Cloud,
    fields: &[
        Field::required("endpoint", "REST endpoint of the instance, such as rest.iad-01.braze.com"),
        Field::secret("apiKey", "REST API key with the permission users.delete"),
    ],
};

/// The protocol.
pub struct Braze;

impl Vendor for Braze {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn batch(&self) -> usize {
        50
    }

    fn check(&self, settings: &Map<String, Value>, any_endpoint: bool) -> Result<()> {
        let host = settings.get("endpoint").and_then(Value::as_str).unwrap_or_default();
        let brazes = host
            .strip_prefix("rest.")
            .and_then(|rest| rest.strip_suffix(".braze.com").or_else(|| rest.strip_suffix(".braze.eu")))
            .is_some_and(|instance| instance.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        if brazes || (any_endpoint && !host.is_empty()) {
            return Ok(());
        }
        Err(Failure::invalid("settings.endpoint must be a REST endpoint such as rest.iad-01.braze.com")
            .field("settings"))
    }

    fn next(&self, batch: &[Subject], connection: &Connection<'_>, replies: &[Reply]) -> Result<Step> {
        let Some(reply) = replies.last() else {
            let ids: Vec<_> = batch.iter().map(|subject| &subject.id).collect();
            return Ok(Step::Send(Call {
                method: "POST",
                url: format!("{}/users/delete", connection.base_url("endpoint")),
                headers: vec![("authorization", format!("Bearer {}", connection.secrets.get("apiKey")?))],
                body: Some(json!({ "external_ids": ids })),
            }));
        };
        match (reply.status, reply.body.get("message").and_then(Value::as_str)) {
            (200 | 201, Some("success")) => Ok(Step::Done(vec![Outcome::Accepted; batch.len()])),
            (404, _) => Ok(Step::Done(vec![Outcome::NoDataFound; batch.len()])),
            (200..=299, _) => Err(Failure::transient("Braze answered in a form it does not document")),
            (status, _) => Err(Failure::permanent(format!(
                "Braze refused the deletion with status {status}: check the endpoint and the key's permissions"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::Secrets;

    fn next(replies: &[Reply]) -> Result<Step> {
        let settings = json!({"endpoint": "rest.fra-01.braze.eu"});
        let secrets = Secrets([("apiKey".to_owned(), "k".to_owned())].into());
        let connection = Connection { settings: settings.as_object().expect("object"), secrets: &secrets };
        Braze.next(&[Subject::user("a"), Subject::user("b")], &connection, replies)
    }

    fn reply(status: u16, body: Value) -> [Reply; 1] {
        [Reply { status, body }]
    }

    #[test]
    fn asks_as_the_reference_says() {
        let Ok(Step::Send(call)) = next(&[]) else { panic!("a call") };
        assert_eq!((call.method, call.url.as_str()), ("POST", "https://rest.fra-01.braze.eu/users/delete"));
        assert_eq!(call.headers, [("authorization", "Bearer k".to_owned())]);
        assert_eq!(call.body, Some(json!({"external_ids": ["a", "b"]})));
    }

    #[test]
    fn queued_is_accepted_not_confirmed() {
        let body = json!({"deleted": 2, "message": "success"});
        assert_eq!(next(&reply(201, body)).ok(), Some(Step::Done(vec![Outcome::Accepted; 2])));
    }

    #[test]
    fn other_answers_are_never_taken_for_success() {
        assert!(next(&reply(200, Value::Null)).expect_err("garbage").is_transient());
        assert!(!next(&reply(400, json!({"message": "no"}))).expect_err("refused").is_transient());
    }

    #[test]
    fn only_brazes_own_hosts_are_taken() {
        for (host, good) in [
            ("rest.iad-01.braze.com", true),
            ("rest.fra-02.braze.eu", true),
            ("evil.example/rest.iad-01.braze.com", false),
            ("rest.a/b.braze.com", false),
            ("", false),
        ] {
            let settings = json!({ "endpoint": host });
            let checked = Braze.check(settings.as_object().expect("object"), false);
            assert_eq!(checked.is_ok(), good, "{host}");
        }
    }
}
