//! Which clocks and files are taken, and what a clock says.

use serde_json::{Value, json};

use super::super::NewRegulation;
use super::*;
use crate::id::RegulationId;
use crate::status::Status;

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().expect("a time")
}

fn accept(more: Value) -> Result<Regulation> {
    let mut body =
        json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["u7", "ada1"] });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let new: NewRegulation = serde_json::from_value(body).expect("of the form");
    new.accept(RegulationId::new(), now(), Law::Gdpr).map(|(regulation, _)| regulation)
}

fn shown(regulation: &Regulation) -> Value {
    serde_json::to_value(regulation).expect("it is JSON")
}

#[test]
fn a_clock_starts_with_the_request_or_when_it_says() {
    let plain = shown(&accept(json!({})).expect("good"));
    assert_eq!(plain["receivedAt"], "2026-11-29T12:00:00Z");
    assert_eq!((&plain["law"], &plain["dueAt"]), (&json!("GDPR"), &json!("2026-12-29T12:00:00Z")));
    assert!(["dueInDays", "file", "extension", "cancelledBy"].iter().all(|name| plain.get(name).is_none()));
    let other = json!({ "receivedAt": "2026-11-28T12:00:00+01:00", "law": "OTHER", "dueInDays": 10 });
    assert_eq!(shown(&accept(other).expect("good"))["dueAt"], "2026-12-08T11:00:00Z");
    let fast = accept(json!({ "receivedAt": "2026-11-29T12:04:00Z" })).expect("a clock that is fast");
    assert_eq!(fast.clock.expect("a clock").received_at, now());
}

#[test]
fn what_does_not_fit_names_its_field() {
    for (field, more) in [
        ("receivedAt", json!({ "receivedAt": "2026-11-29T12:06:00Z" })),
        ("receivedAt", json!({ "receivedAt": "2025-11-28T11:00:00Z" })),
        ("dueInDays", json!({ "law": "OTHER" })),
        ("dueInDays", json!({ "law": "OTHER", "dueInDays": 0 })),
        ("dueInDays", json!({ "law": "OTHER", "dueInDays": 366 })),
        ("dueInDays", json!({ "dueInDays": 10 })),
        ("dueInDays", json!({ "law": "CCPA", "dueInDays": 45 })),
        ("file.requester", json!({ "file": { "requester": "U7 herself" } })),
        ("file.reference", json!({ "file": { "reference": "request of ADA1" } })),
        ("file.legalBasis", json!({ "file": { "legalBasis": "x".repeat(201) } })),
        ("file.channel", json!({ "file": { "channel": "ada@example.com" } })),
        ("file.verification", json!({ "file": { "verification": "called +44 20 7946 0000" } })),
    ] {
        let failure = accept(more).expect_err(field);
        assert_eq!(failure.field, Some(field), "{failure}");
        let said = failure.public.to_lowercase();
        assert!(!["u7", "ada", "7946"].iter().any(|sent| said.contains(sent)), "{said}");
    }
}

#[test]
fn a_file_is_kept_without_what_is_empty() {
    let file = json!({ "requester": "the person", "legalBasis": " Art. 17 GDPR ", "channel": "" });
    let kept = accept(json!({ "file": file })).expect("good");
    assert_eq!(shown(&kept)["file"], json!({ "requester": "the person", "legalBasis": "Art. 17 GDPR" }));
    let again: Regulation = serde_json::from_value(shown(&kept)).expect("as it was stored");
    assert_eq!(again, kept);
}

#[test]
fn what_was_stored_before_there_were_clocks_is_read_and_has_none() {
    let mut stored = shown(&accept(json!({})).expect("good"));
    stored
        .as_object_mut()
        .expect("an object")
        .retain(|name, _| !["receivedAt", "law", "dueAt"].contains(&&**name));
    let old: Regulation = serde_json::from_value(stored.clone()).expect("it is read");
    assert_eq!((old.clock.clone(), old.days_left(now())), (None, None));
    assert_eq!(shown(&old), stored);
    assert!(old.extend("admin", "more".to_owned(), now()).is_err());
}

#[test]
fn a_clock_runs_until_the_request_is_honoured_or_withdrawn_or_beyond_help() {
    let made = accept(json!({ "receivedAt": "2026-10-20T12:00:00Z" })).expect("good");
    let ended = |status, finished_at: Option<&str>| {
        let finished_at = finished_at.map(|time| time.parse().expect("a time"));
        Regulation { status, finished_at, ..made.clone() }.days_left(now())
    };
    let just_now = Some("2026-11-29T11:00:00Z");
    for (status, finished, left) in [
        (Status::Initialized, None, Some(-9)),
        (Status::Running, None, Some(-9)),
        (Status::Failed, just_now, Some(-9)),
        (Status::PartialSuccess, just_now, Some(-9)),
        (Status::Failed, Some("2026-09-30T11:00:00Z"), None),
        (Status::Finished, just_now, None),
        (Status::NotSupported, just_now, None),
        (Status::Invalid, just_now, None),
    ] {
        assert_eq!(ended(status, finished), left, "{status:?}");
    }
}

#[test]
fn it_is_extended_once_in_the_first_period_while_the_clock_runs() {
    let made = |received: &str| accept(json!({ "receivedAt": received })).expect("good");
    let extend = |regulation: &Regulation| regulation.extend("admin", "two vendors".to_owned(), now());
    let extension = extend(&made("2026-10-29T12:00:00Z")).expect("the last moment");
    assert_eq!(extension.due_at, "2027-01-29T12:00:00Z".parse().expect("a time"));
    let overdue = extend(&made("2026-10-29T11:59:59Z")).expect_err("too late");
    assert!(overdue.public.starts_with("it was due at 2026-11-29T11:59:59Z"), "{overdue}");

    let mut twice = made("2026-11-20T12:00:00Z");
    let clock = twice.clock.as_mut().expect("a clock");
    (clock.due_at, clock.extension) = (extension.due_at, Some(extension));
    assert!(extend(&twice).expect_err("twice").public.contains("before"));
    let done = Regulation { status: Status::Finished, ..made("2026-11-20T12:00:00Z") };
    assert!(extend(&done).expect_err("done").public.contains("no longer"));
}

#[test]
fn a_reason_names_nobody_and_says_something() {
    let check = |reason: &str| {
        let new: NewExtension = serde_json::from_value(json!({ "reason": reason })).expect("of the form");
        new.reason(&[crate::subject::Subject::user("ada1").into()])
    };
    assert_eq!(check(" two vendors ").expect("good"), "two vendors");
    for wrong in [" ", "for ADA1", "a\nb"] {
        assert_eq!(check(wrong).expect_err(wrong).field, Some("reason"));
    }
}
