use serde_json::{Value, json};

use super::*;
use crate::subject::{Subject, SubjectType};

fn now() -> Timestamp {
    "2026-11-24T20:00:00.123456Z".parse().expect("a timestamp")
}

fn batch(body: &str) -> Incoming {
    read(Call::Batch, body.as_bytes(), now()).expect("a good body")
}

fn parsed(event: &Event) -> Value {
    serde_json::from_slice(&event.line).expect("a line of JSON")
}

#[test]
fn calls_are_told_by_their_names_and_by_the_browsers_letters() {
    for (name, call) in [
        ("batch", Some(Call::Batch)),
        ("b", Some(Call::Batch)),
        ("import", Some(Call::Batch)),
        ("t", Some(Call::One(EventKind::Track))),
        ("track", Some(Call::One(EventKind::Track))),
        ("i", Some(Call::One(EventKind::Identify))),
        ("p", Some(Call::One(EventKind::Page))),
        ("s", Some(Call::One(EventKind::Screen))),
        ("g", Some(Call::One(EventKind::Group))),
        ("a", Some(Call::One(EventKind::Alias))),
        ("tr", None),
        ("", None),
        ("é", None),
    ] {
        assert_eq!(Call::at(name), call, "{name}");
    }
}

#[test]
fn an_event_is_kept_as_it_was_written_and_completed() {
    let body = r#"{"writeKey": "k", "userId": 7.0, "event": "E",
        "properties": {"id": 12345678901234567890, "price": 0.10}, "userId": "u\u0037"}"#;
    let incoming = read(Call::One(EventKind::Track), body.as_bytes(), now()).expect("good");
    let event = &incoming.events[0];
    let line = std::str::from_utf8(&event.line).expect("text");
    assert!(line.contains(r#"{"id": 12345678901234567890, "price": 0.10}"#), "{line}");
    assert!(!line.contains("writeKey") && !line.contains('\n') && !line.contains("7.0"), "{line}");
    assert_eq!(event.user, Some(Subject::user("u7")), "the last of duplicate keys counts");
    let value = parsed(event);
    assert_eq!(value["receivedAt"], "2026-11-24T20:00:00.123Z");
    assert_eq!((&value["type"], &value["messageId"]), (&json!("track"), &json!(event.message_id)));
    let stored = Event::stored(&event.line).expect("readable");
    assert_eq!((stored.user, stored.message_id), (event.user.clone(), event.message_id.clone()));
}

#[test]
fn a_clock_that_is_wrong_is_put_right_and_one_from_1970_is_no_fault() {
    let body = json!({"sentAt": "1970-01-01T00:00:10.000Z", "batch": [
        {"type": "track", "event": "E", "userId": "u", "timestamp": "1970-01-01T00:00:05Z"},
        {"type": "track", "event": "E", "userId": "u", "timestamp": "yesterday"},
        {"type": "track", "event": "E", "userId": "u", "timestamp": "-009999-01-01T00:00:00Z",
         "sentAt": "9999-01-01T00:00:00Z"},
    ]});
    let incoming = batch(&body.to_string());
    let times: Vec<_> = incoming.events.iter().map(|event| parsed(event)["timestamp"].clone()).collect();
    assert_eq!(times[..2], [json!("2026-11-24T19:59:55.123Z"), json!("2026-11-24T20:00:00.123Z")]);
    assert_eq!(parsed(&incoming.events[0])["originalTimestamp"], "1970-01-01T00:00:05.000Z");
    assert_eq!(incoming.events.len(), 3);
}

#[test]
fn one_bad_event_never_loses_its_neighbours() {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let large = "x".repeat(40 << 10);
    let long = "x".repeat(1_025);
    let bad = [
        "1".to_owned(),
        "[]".to_owned(),
        r#"{"type": "track", "event": "E"}"#.to_owned(),
        r#"{"type": "track", "event": "E", "userId": ""}"#.to_owned(),
        r#"{"type": "track", "event": "E", "userId": ["a"]}"#.to_owned(),
        r#"{"type": "track", "event": "E", "userId": "\ud800"}"#.to_owned(),
        r#"{"type": "track", "userId": "u"}"#.to_owned(),
        r#"{"type": "delete", "userId": "u"}"#.to_owned(),
        r#"{"userId": "u"}"#.to_owned(),
        format!(r#"{{"type": "page", "userId": "{long}"}}"#),
        format!(r#"{{"type": "page", "userId": "u", "properties": {{"a": {deep}}}}}"#),
        format!(r#"{{"type": "page", "userId": "u", "properties": {{"a": "{large}"}}}}"#),
    ];
    let good = r#"{"type": "page", "userId": "u"}"#;
    let all: Vec<&str> = bad.iter().flat_map(|bad| [good, bad.as_str()]).collect();
    let incoming = batch(&format!(r#"{{"batch": [{}]}}"#, all.join(",")));
    assert_eq!(incoming.events.len(), bad.len());
    let places: Vec<usize> = incoming.rejected.iter().map(|rejected| rejected.index).collect();
    assert_eq!(places, (0..bad.len()).map(|n| 2 * n + 1).collect::<Vec<_>>(), "{:?}", incoming.rejected);
}

#[test]
fn a_batch_of_2000_is_taken_and_what_is_beyond_2500_is_named() {
    let of =
        |count| format!(r#"{{"batch": [{}]}}"#, vec![r#"{"type":"page","userId":"u"}"#; count].join(","));
    assert_eq!(batch(&of(2_000)).events.len(), 2_000);
    let incoming = batch(&of(2_501));
    assert_eq!((incoming.events.len(), incoming.rejected[0].index), (2_500, 2_500));
}

/// 500 KB of fields once took many seconds, whatever the write key: each was compared with all before it.
#[test]
fn nobody_makes_us_work_by_sending_many_fields() {
    let of = |count: usize| (0..count).map(|n| format!(r#","{n}":1"#)).collect::<String>();
    let body = |count| format!(r#"{{"type":"page","userId":"u"{}}}"#, of(count));
    let page = |body: &str| read(Call::One(EventKind::Page), body.as_bytes(), now());
    assert_eq!(page(&body(998)).expect("a body").events.len(), 1);
    assert!(page(&body(999)).is_err());
    let incoming = batch(&format!(r#"{{"batch": [{}, {}]}}"#, body(999), body(998)));
    assert_eq!((incoming.events.len(), incoming.rejected[0].index), (1, 0));
    let twice = format!(r#"{{"userId":"u"{}}}"#, r#","a":1"#.repeat(50_000));
    assert!(Body::open(twice.as_bytes()).is_ok(), "the same field again is none more");
}

/// Fields that a batch sets for all events once counted for none of them: 500 KB became more than a gigabyte.
#[test]
fn what_a_batch_says_for_all_counts_for_each() {
    let shared = |size: usize, count: usize| {
        let events = vec![r#"{"type":"page","userId":"u"}"#; count].join(",");
        batch(&format!(r#"{{"context": {{"a": "{}"}}, "batch": [{events}]}}"#, "x".repeat(size)))
    };
    assert_eq!(shared(33_000, 3).rejected.len(), 3);
    let lines = |incoming: &Incoming| incoming.events.iter().map(|event| event.line.len()).sum::<usize>();
    let many = shared(30_000, 2_500);
    assert!(lines(&many) < MAX_LINES + (1 << 20) && !many.rejected.is_empty(), "{}", lines(&many));
    assert_eq!(shared(2_000, 2_500).rejected.len(), 0);
}

#[test]
fn bodies_that_are_none_are_refused() {
    for body in ["", "{", "[]", "null", "{\"batch\": 1}", "{\"batch\": [1}", "{}", "\u{feff}{}"] {
        assert!(read(Call::Batch, body.as_bytes(), now()).is_err(), "{body}");
    }
    assert!(read(Call::Batch, b"{\"batch\": [\xff]}", now()).is_err());
}

#[test]
fn whoever_an_event_names_is_who_a_purge_finds_in_its_line() {
    let incoming = batch(
        r#"{"context": {"ip": "1.1.1.1"}, "batch": [
            {"type": "identify", "userId": 1e2, "anonymousId": "a\"1"},
            {"type": "alias", "userId": "n", "previousId": "o"},
            {"type": "page", "anonymousId": "x", "previousId": "nobody", "context": {}}]}"#,
    );
    assert_eq!(incoming.events[0].user, Some(Subject::user("100")));
    assert_eq!(incoming.events[1].subjects().count(), 3);
    assert_eq!(
        incoming.events[2].subjects().collect::<Vec<_>>(),
        [Subject { kind: SubjectType::AnonymousId, id: "x".into() }]
    );
    assert_eq!(parsed(&incoming.events[0])["context"]["ip"], "1.1.1.1");
    assert_eq!(parsed(&incoming.events[2])["context"], json!({}));
}

#[test]
fn addresses_and_numbers_are_found_where_the_spec_puts_them() {
    let held = |kind, text| crate::suppression::held(kind, text).expect("of the form");
    let ada = held(SubjectType::Email, "ada@example.com");
    let number = held(SubjectType::Phone, "+442079460000");
    for (event, found) in [
        (json!({"type": "identify", "traits": {"email": " Ada@Example.com"}}), vec![ada.clone()]),
        (json!({"type": "page", "context": {"traits": {"email": "ada@example.com"}}}), vec![ada.clone()]),
        (
            json!({"type": "track", "event": "E", "properties": {"email": "ada@example.com"}}),
            vec![ada.clone()],
        ),
        (json!({"type": "page", "userId": "Ada@example.com"}), vec![ada.clone()]),
        (
            json!({"type": "identify", "traits": {"email": "ada@example.com", "phone": "+44 20 7946 0000"},
                "context": {"traits": {"email": "ADA@example.com"}}}),
            vec![ada, number],
        ),
        (json!({"type": "identify", "traits": {"email": 7, "phone": "020 7946 0000"}}), vec![]),
        (json!({"type": "page", "traits": "ada@example.com", "context": [], "properties": null}), vec![]),
        (json!({"type": "page", "properties": {"friend": {"email": "ada@example.com"}}}), vec![]),
    ] {
        let mut event = event;
        event["anonymousId"] = "a".into();
        let incoming = batch(&json!({ "batch": [event] }).to_string());
        let read = &incoming.events[0];
        assert_eq!(read.contacts, found, "{event}");
        assert_eq!(Event::stored(&read.line).expect("readable").contacts, found, "{event}");
        assert!(found.iter().all(|contact| read.subjects().any(|subject| subject == *contact)));
    }
}
