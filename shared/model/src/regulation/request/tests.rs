//! What requests are accepted as, and why they are refused.

use super::*;
use crate::failure;
use crate::subject::PseudonymKey;

fn request(kind: &str, ids: &[&str]) -> Result<(Regulation, Vec<Named>)> {
    NewRegulation {
        regulation_type: kind.into(),
        subject_type: Some("USER_ID".into()),
        subject_ids: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
        subjects: None,
        received_at: None,
        law: None,
        due_in_days: None,
        file: None,
    }
    .accept(RegulationId::new(), Timestamp::UNIX_EPOCH, Law::Gdpr)
}

#[test]
fn a_good_request_keeps_its_distinct_subjects_in_order() {
    let (regulation, subjects) = request("SUPPRESS_WITH_DELETE", &["b", "a", "b"]).expect("valid");
    assert_eq!(subjects, [Subject::user("b"), Subject::user("a")].map(Named::from));
    assert_eq!((regulation.subject_count, regulation.status), (2, Status::Initialized));
}

#[test]
fn bad_requests_name_the_field_and_never_the_identifier() {
    let long = "x".repeat(10_240);
    let many = vec!["u"; MAX_SUBJECTS + 1];
    let cases: [(&str, &[&str], &str); 5] = [
        ("FORGET", &["u"], "regulationType"),
        ("DELETE_ONLY", &[], "subjectIds"),
        ("DELETE_ONLY", &["u", " "], "subjectIds"),
        ("DELETE_ONLY", &[&long], "subjectIds"),
        ("DELETE_ONLY", &many, "subjectIds"),
    ];
    for (kind, ids, field) in cases {
        let failure = request(kind, ids).expect_err("invalid");
        assert_eq!((failure.kind, failure.field), (failure::FailureKind::Invalid, Some(field)));
        assert!(!failure.public.contains(&long));
    }
}

#[test]
fn the_same_request_in_another_order_is_the_same() {
    let key = PseudonymKey::new(b"key");
    let print = |kind, ids| {
        let (regulation, subjects) = request(kind, ids).expect("valid");
        regulation.fingerprint(&key, &subjects)
    };
    assert_eq!(print("DELETE_ONLY", &["a", "b"]), print("DELETE_ONLY", &["b", "a", "b"]));
    assert_ne!(print("DELETE_ONLY", &["a", "b"]), print("DELETE_INTERNAL", &["a", "b"]));
    assert_ne!(print("DELETE_ONLY", &["ab"]), print("DELETE_ONLY", &["a", "b"]));
}

#[test]
fn people_are_counted_apart_from_their_identifiers_and_told_apart_by_who_has_which() {
    let of = |body: serde_json::Value| {
        let new: NewRegulation = serde_json::from_value(body).expect("of the form");
        new.accept(RegulationId::new(), Timestamp::UNIX_EPOCH, Law::Gdpr)
    };
    let print = |subjects: serde_json::Value| {
        let request = serde_json::json!({"regulationType": "DELETE_ONLY", "subjects": subjects});
        let (regulation, named) = of(request).expect("valid");
        assert_eq!((regulation.subject_count, regulation.identifiers.values().sum::<usize>()), (2, 4));
        regulation.fingerprint(&PseudonymKey::new(b"key"), &named)
    };
    let one = print(serde_json::json!([{"userId": "1", "email": "a@b"}, {"userId": "2", "email": "c@d"}]));
    let same = print(serde_json::json!([{"email": "C@D", "userId": "2"}, {"userId": "1", "email": "a@b"}]));
    let other = print(serde_json::json!([{"userId": "1", "email": "c@d"}, {"userId": "2", "email": "a@b"}]));
    assert_eq!(one, same);
    assert_ne!(one, other);
    for (body, field) in [
        (serde_json::json!({"regulationType": "DELETE_ONLY"}), "subjectType"),
        (serde_json::json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID"}), "subjectIds"),
        (
            serde_json::json!({"regulationType": "DELETE_ONLY", "subjectIds": ["a"], "subjects": []}),
            "subjects",
        ),
        (
            serde_json::json!({"regulationType": "SUPPRESS_ONLY", "subjects": [{"ids": {"crm": "7"}}]}),
            "subjects",
        ),
    ] {
        assert_eq!(of(body).expect_err("invalid").field, Some(field));
    }
}

#[test]
fn a_source_has_what_is_for_sources_alone() {
    let of_source = |kind: &str, subjects: &str| {
        let new = NewSourceRegulation {
            regulation_type: kind.into(),
            subject_type: subjects.into(),
            subject_ids: vec!["a".into()],
            received_at: None,
            law: None,
            due_in_days: None,
            file: None,
        };
        let source = "web".parse().expect("an id");
        new.accept(source, RegulationId::new(), Timestamp::UNIX_EPOCH, Law::Gdpr)
    };
    let (regulation, subjects) = of_source("DELETE_ARCHIVE_ONLY", "ANONYMOUS_ID").expect("valid");
    assert_eq!(regulation.part.map(|part| part.source_id.to_string()).as_deref(), Some("web"));
    assert_eq!(subjects[0].subject.kind, SubjectType::AnonymousId);
    assert_eq!(of_source("DELETE_ONLY", "ANONYMOUS_ID").expect_err("invalid").field, Some("subjectType"));
    assert_eq!(of_source("DELETE_ONLY", "OBJECT_ID").expect_err("invalid").field, Some("subjectType"));
    let workspace = request("DELETE_ARCHIVE_ONLY", &["a"]);
    assert_eq!(workspace.expect_err("invalid").field, Some("regulationType"));
}

#[test]
fn objects_are_deleted_from_a_collection_and_never_suppressed() {
    let request = |kind: &str, collection: &str| {
        let new = NewCloudSourceRegulation {
            regulation_type: kind.into(),
            subject_type: "OBJECT_ID".into(),
            subject_ids: vec!["a".into()],
            collection: collection.into(),
            received_at: None,
            law: None,
            due_in_days: None,
            file: None,
        };
        let source = "stripe".parse().expect("an id");
        new.accept(source, RegulationId::new(), Timestamp::UNIX_EPOCH, Law::Gdpr)
            .map(|(regulation, _)| regulation)
    };
    assert!(request("DELETE_INTERNAL", "charges").is_ok());
    assert_eq!(request("SUPPRESS_ONLY", "charges").expect_err("invalid").field, Some("regulationType"));
    for collection in ["", "a.b", "charges; drop"] {
        let failure = request("DELETE_INTERNAL", collection).expect_err("invalid");
        assert_eq!(failure.field, Some("collection"));
    }
}

/// A wish that is not understood must not become a deletion, nor a person be left out.
#[test]
fn a_field_that_is_not_known_is_refused() {
    let people = serde_json::json!([{ "userId": "a" }]);
    let whole = serde_json::json!({"regulationType": "DELETE_ONLY", "subjects": people, "dryRun": true});
    assert!(serde_json::from_value::<NewRegulation>(whole).is_err());
    let source = serde_json::json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["a"],
        "subjects": people});
    assert!(serde_json::from_value::<NewSourceRegulation>(source).is_err());
}

#[test]
fn a_deletion_has_its_time_of_grace_until_it_begins() {
    let at = |second: i64| Timestamp::from_second(second).expect("in range");
    let (regulation, _) = request("SUPPRESS_WITH_DELETE", &["a"]).expect("valid");
    assert_eq!(regulation.clone().with_grace(0).grace_left(at(0)), None);
    let waits = regulation.with_grace(2);
    let lefts = [0, 7_199, 7_200, 9_000].map(|second| waits.grace_left(at(second)));
    assert_eq!(lefts, [Some(7_200), Some(1), None, None]);
    let tried_again = Regulation { status: Status::Running, attempt: 2, ..waits.clone() };
    assert_eq!(tried_again.grace_left(at(0)), Some(7_200), "a retry erases no earlier");
    let withdrawn = Regulation { status: Status::Invalid, ..waits };
    assert_eq!(withdrawn.grace_left(at(0)), None);
    let (suppression, _) = request("SUPPRESS_ONLY", &["a"]).expect("valid");
    assert_eq!(suppression.with_grace(2).grace_until, None, "it erases nothing");
}
