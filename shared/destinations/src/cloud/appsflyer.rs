//! AppsFlyer: an OpenDSR erasure request for each user, several in one call, then their statuses until all are completed.
//!
//! - A request's id is ours, the same each time it is sent: AppsFlyer answers a second time with `e213` (it exists
//!   already), and the first one is followed. A user with another open request is answered with `e215`: that one erases
//!   it, and its end cannot be seen here.
//! - One user is asked for at `/opendsr_requests`, several at `/opendsr_requests/batch`, whose reply names the outcome of
//!   each. Too many are refused as a whole (`e414`) and sent again in halves; no page says how many are too many.
//! - AppsFlyer takes 350 requests a minute and account, as others quote its help pages. Whether each one of a batch counts
//!   is not said: five a second keep to both readings.
//! - Customer user ids can be erased only if the app sends them with a device's id in login events. `completed` is also
//!   reported for users that AppsFlyer does not know.
//! - Not verified, since the public pages do not show it: the `api_version`.
//!
//! <https://dev.appsflyer.com/hc/reference/create-opendsr-request>,
//! <https://dev.appsflyer.com/hc/reference/create-batch-opendsr-requests>,
//! <https://dev.appsflyer.com/hc/reference/get-batch-status>,
//! <https://dev.appsflyer.com/hc/reference/get-opendsr-request-status>,
//! <https://support.appsflyer.com/hc/en-us/articles/11332840660625-OpenDSR-API>

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::ticket::Ticket;
use super::{
    Ask, Call, Description, DestinationKind, Field, Form, Limits, Outcome, Reply, Step, SubjectType, Vendor,
    encode,
};
use model::failure::{Failure, Result};
use model::status::TaskStatus;

const HOST: Field = Field::optional("host", "Host", "Host of the OpenDSR API; hq1.appsflyer.com if left out")
    .of(Form::Host(&["hq1.appsflyer.com"]));

const DESCRIPTION: Description = Description {
    vendor: "appsflyer",
    title: "AppsFlyer",
    kind: DestinationKind::Cloud,
    docs: "https://dev.appsflyer.com/hc/reference/create-opendsr-request",
    confirms: TaskStatus::Confirmed,
    fields: &[
        HOST,
        Field::required(
            "appId",
            "App ID",
            "The app's id in AppsFlyer, such as id123456789 or com.example.app",
        ),
        Field::secret(
            "apiToken",
            "API token",
            "API token V2 of the account; those made before 2026-03-10 19:00 UTC are revoked",
        ),
    ],
};

/// The version of OpenDSR that AppsFlyer speaks.
const VERSION: &str = "0.1";

/// AppsFlyer's deletion protocol.
pub struct AppsFlyer;

/// The note about requests that AppsFlyer took.
#[derive(Serialize, Deserialize)]
struct Note {
    /// AppsFlyer's id of the batch; empty, if its reply was lost. Of somebody alone, the request's id.
    #[serde(flatten)]
    taken: Ticket,
    /// What is known so far of each of several.
    #[serde(flatten)]
    known: Known,
}

/// What is known of each user of a batch.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    /// The outcomes, in the order of the users; empty, as long as there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<Option<Outcome>>,
    /// Why one was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Vendor for AppsFlyer {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn read_on(&self) -> Option<&'static str> {
        Some("2026-11-29")
    }

    fn limits(&self, _: &Map<String, Value>) -> Limits {
        Limits { batch: 5, calls: 1, per: Duration::from_secs(1), at_once: 3 }
    }

    fn kinds(&self, _: &Map<String, Value>) -> Vec<SubjectType> {
        vec![SubjectType::UserId]
    }

    fn refused_key(&self) -> Option<&'static str> {
        Some("AppsFlyer revoked all tokens made before 2026-03-10 19:00 UTC")
    }

    fn next(&self, ask: &Ask<'_>) -> Result<Step> {
        match (serde_json::from_value::<Note>(ask.note.clone()), ask.replies) {
            (Err(_), []) => Ok(Step::Send(erase(ask)?)),
            (Err(_), [.., reply]) => taken(ask, reply),
            (Ok(note), _) => followed_up(ask, note),
        }
    }

    fn check(&self, ask: &Ask<'_>) -> Result<Step> {
        ask.check_with("AppsFlyer", || get(ask, "/discovery"))
    }
}

fn url(ask: &Ask<'_>, path: &str) -> String {
    ask.url(&HOST, &format!("/api/gdpr/v1{path}"))
}

fn authorized(ask: &Ask<'_>, call: Call) -> Result<Call> {
    Ok(call.bearer(ask.secret("apiToken")?))
}

fn get(ask: &Ask<'_>, path: &str) -> Result<Call> {
    authorized(ask, Call::get(url(ask, path)))
}

/// The id of somebody's request: a UUID of version 4, as AppsFlyer demands.
fn request_id(ask: &Ask<'_>, at: usize) -> String {
    if ask.people.len() == 1 {
        return ask.key.to_owned();
    }
    let hash: [u8; 32] = Sha256::digest(format!("{}/{at}", ask.key)).into();
    Builder::from_random_bytes(hash.first_chunk().copied().unwrap_or_default()).into_uuid().to_string()
}

fn erase(ask: &Ask<'_>) -> Result<Call> {
    let now = Timestamp::from_second(ask.now.as_second()).unwrap_or(ask.now);
    let shared =
        json!({ "submitted_time": now, "api_version": VERSION, "property_id": ask.setting("appId") });
    let request = |(at, id): (usize, &&str)| {
        let identity =
            json!({ "identity_type": "customer_user_id", "identity_value": id, "identity_format": "raw" });
        let mut request = shared.clone();
        request["subject_request_id"] = request_id(ask, at).into();
        request["subject_request_type"] = "erasure".into();
        request["subject_identities"] = json!([identity]);
        request
    };
    let mut requests: Vec<Value> = ask.ids().iter().enumerate().map(request).collect();
    let (path, body) = match requests.len() {
        1 => ("/opendsr_requests", requests.remove(0)),
        _ => ("/opendsr_requests/batch", json!({ "meta": shared, "requests": requests })),
    };
    Ok(authorized(ask, Call::post(url(ask, path)))?.json(&body))
}

/// Reads the reply to a request, or to a batch of them.
fn taken(ask: &Ask<'_>, reply: &Reply) -> Result<Step> {
    let unexpected = || reply.unexpected("AppsFlyer");
    if ask.people.len() == 1 {
        return match (reply.status, code(&reply.body)) {
            (400, "e213") => Ok(Ticket::take(ask, ask.key)),
            (400, "e215") => Ok(ask.all(Outcome::Accepted)),
            (400, "e511") => Err(busy()),
            (200 | 201, _) if !reply.text("/subject_request_id").is_empty() => {
                Ok(Ticket::take(ask, reply.text("/subject_request_id")))
            }
            _ => Err(unexpected()),
        };
    }
    if reply.status == 400 && code(&reply.body) == "e511" {
        return Err(busy());
    }
    if !reply.is_success() {
        return Err(unexpected());
    }
    let mut known = Known::default();
    for at in 0..ask.people.len() {
        let id = request_id(ask, at);
        let named = |list| reply.list(list).iter().find(|one| one["subject_request_id"] == id);
        let outcome = match (named("/errors").map(code), named("/responses")) {
            (Some("e213"), _) | (None, Some(_)) => None,
            (Some("e215"), _) => Some(Outcome::Accepted),
            (Some("e511"), _) => return Err(busy()),
            (Some(code), _) => Some(known.refuse(refusal(code))),
            // Whether it was taken shows when it is sent again.
            (None, None) => return Err(unexpected()),
        };
        known.ended.push(outcome);
    }
    known.step(ask, Ticket::new(ask, reply.text("/batch_id")))
}

/// AppsFlyer's code of an error, which stands in `error` except where a batch is refused as a whole.
fn code(said: &Value) -> &str {
    let wrapped = said.pointer("/error/af_gdpr_code").or(said.get("af_gdpr_code"));
    wrapped.and_then(Value::as_str).unwrap_or_default()
}

/// Why a request was refused. What is no code may name the user and is not repeated.
fn refusal(code: &str) -> String {
    let is_code = code.len() <= 5 && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let code = if is_code { code } else { "a code that it does not document" };
    format!("AppsFlyer refused a request with {code}, which its OpenDSR reference explains")
}

fn busy() -> Failure {
    Failure::transient("AppsFlyer has trouble of its own (e511) and asks for an hour").wait(Some(3_600))
}

/// Asks for the status of each request that has not ended: of a batch at once, and one by one for those that it does not
/// name, which were taken with an earlier call.
fn followed_up(ask: &Ask<'_>, note: Note) -> Result<Step> {
    let Note { taken, mut known } = note;
    let alone = ask.people.len() == 1;
    let (listed, mut asked) = match ask.replies {
        [] if !alone && !taken.ticket.is_empty() => {
            let path = format!("/opendsr_requests/batch/{}", encode(&taken.ticket));
            return Ok(Step::Send(get(ask, &path)?));
        }
        [batch, rest @ ..] if !alone && !taken.ticket.is_empty() => (listed(batch)?, rest.iter()),
        replies => (&[][..], replies.iter()),
    };
    known.ended.resize(ask.people.len(), None);
    for at in 0..ask.people.len() {
        if known.ended[at].is_some() {
            continue;
        }
        let id = if alone { taken.ticket.clone() } else { request_id(ask, at) };
        let status = match listed.iter().find(|one| one["subject_request_id"] == id) {
            Some(one) => one["request_status"].as_str().unwrap_or_default(),
            None => match asked.next() {
                None => return Ok(Step::Send(get(ask, &format!("/opendsr_requests/{}", encode(&id)))?)),
                Some(reply) if reply.is_success() => reply.text("/request_status"),
                Some(reply) => {
                    known.ended[at] = Some(known.refuse(reply.unexpected("AppsFlyer").public));
                    continue;
                }
            },
        };
        known.ended[at] = match status {
            "completed" => Some(Outcome::Confirmed),
            "pending" | "in-progress" | "in_progress" => None,
            "canceled" | "cancelled" => Some(known.refuse(format!(
                "somebody cancelled the request {id} in AppsFlyer: ask for the deletion anew"
            ))),
            _ => return Err(Failure::transient("AppsFlyer answered in a form it does not document")),
        };
    }
    known.step(ask, taken)
}

/// The statuses in a batch; none, if AppsFlyer does not know it.
fn listed(batch: &Reply) -> Result<&[Value]> {
    match batch.status {
        400 => Ok(&[]),
        _ if batch.is_success() && batch.body.is_array() => Ok(batch.list("")),
        _ => Err(batch.unexpected("AppsFlyer")),
    }
}

impl Known {
    /// The outcome of somebody who was refused. The first reason is kept.
    fn refuse(&mut self, why: String) -> Outcome {
        self.why.get_or_insert(why);
        Outcome::Refused
    }

    /// Ends the batch, or waits for those who have no outcome; whoever has none after too long was refused.
    fn step(mut self, ask: &Ask<'_>, taken: Ticket) -> Result<Step> {
        if self.ended.contains(&None) {
            match taken.in_time(ask, "AppsFlyer") {
                Err(late) => {
                    self.refuse(late.public);
                }
                Ok(()) => {
                    if self.ended.iter().all(Option::is_none) {
                        self.ended.clear();
                    }
                    let note = serde_json::to_value(Note { taken, known: self });
                    return Ok(Step::Wait(
                        note.map_err(|e| Failure::permanent("a note cannot be kept").detail(e))?,
                    ));
                }
            }
        }
        let outcomes: Vec<_> = self.ended.iter().map(|one| one.unwrap_or(Outcome::Refused)).collect();
        match self.why.map(Failure::permanent) {
            None => Ok(Step::Done(outcomes)),
            Some(why) if outcomes.iter().all(|outcome| *outcome == Outcome::Refused) => Err(why),
            Some(why) => Ok(Step::Sorted(outcomes, why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::destination::Secrets;
    use model::subject::Subject;

    use super::*;

    #[test]
    fn a_batch_that_never_ends_is_given_up_for_those_alone_who_have_no_outcome() {
        let people = ["u1", "u2"].map(|id| vec![Subject::user(id)]);
        let (settings, secrets) = (Map::new(), Secrets([("apiToken".into(), "t".into())].into()));
        let next = |note: Value, replies: &[Arc<Reply>]| {
            let ask = Ask {
                people: &people,
                settings: &settings,
                secrets: &secrets,
                note: &note,
                replies,
                now: "2026-08-01T12:00:00Z".parse().expect("a time"),
                key: "k",
            };
            AppsFlyer.next(&ask).map(|step| (step, request_id(&ask, 1)))
        };
        let note = json!({ "ticket": "b-1", "since": "2026-05-01T12:00:00Z", "ended": ["confirmed", null] });
        let (_, second) = next(note.clone(), &[]).expect("a call");
        let body = json!([{ "subject_request_id": second, "request_status": "pending" }]);
        let reply = Arc::new(Reply { status: 200, body, ..Reply::default() });
        let Ok((Step::Sorted(outcomes, why), _)) = next(note, &[reply]) else { panic!("no end") };
        assert_eq!(outcomes, [Outcome::Confirmed, Outcome::Refused]);
        assert!(why.public.contains("60 days") && why.public.contains("b-1"), "{why}");
    }
}
