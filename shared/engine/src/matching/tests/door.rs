//! Collection drops the events of whom a purge finds, and of nobody else: what the one let in would stay behind the other. It
//! knows UUIDs in the usual spellings alone: in lower or upper case with hyphens.

use jiff::Timestamp;
use model::suppression;
use model::tracking::{Call, EventKind, read};

use super::*;

const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

/// An id, or a UUID in one of so many spellings.
fn id(spellings: usize) -> impl Strategy<Value = String> {
    let uuid = prop::sample::select(vec![UUID, "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]);
    let spelling = (uuid, 0..spellings).prop_map(|(uuid, spelling)| match spelling {
        0 => uuid.to_owned(),
        1 => uuid.to_uppercase(),
        2 => uuid[1..].to_owned(),
        3 => uuid.replace('-', ""),
        4 => format!("{{{}}}", uuid.to_uppercase()),
        _ => format!("urn:uuid:{uuid}"),
    });
    let others = vec!["u7", "U7", " u7", "42", "-7", "é", "e\u{301}"];
    prop_oneof![spelling, prop::sample::select(others).prop_map(str::to_owned)]
}

fn field() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        4 => id(3).prop_map(serde_json::Value::from),
        1 => prop::sample::select(vec!["42", "42.0", "4.2e1", "-7", "7", "null"])
            .prop_map(|number| serde_json::from_str(number).expect("JSON")),
    ]
}

proptest! {
    #[test]
    fn the_door_knows_whom_a_purge_finds(
        subject in (id(6), any::<bool>()),
        [user, anonymous, previous] in [field(), field(), field()],
        kind in prop::sample::select(vec![EventKind::Alias, EventKind::Identify, EventKind::Page]),
    ) {
        let subject = if subject.1 { Subject::user(subject.0) } else { Subject::anonymous(subject.0) };
        let body = serde_json::json!({ "userId": user, "anonymousId": anonymous, "previousId": previous });
        let read = read(Call::One(kind), body.to_string().as_bytes(), Timestamp::UNIX_EPOCH);
        prop_assume!(read.as_ref().is_ok_and(|read| !read.events.is_empty()));
        let event = read.expect("an event").events.remove(0);
        // What is suppressed with it.
        let held = suppression::held(subject.kind, &subject.id).expect("an id");
        let held: Vec<Subject> = held.spelled().collect();
        let is_dropped = event.subjects().any(|one| held.contains(&one));
        let mut hits = Vec::new();
        Matcher::new(&Rules::segment(), &SubjectSet::new([subject])).line(&event.line, &mut hits);
        prop_assert_eq!(is_dropped, !hits.is_empty());
    }
}
