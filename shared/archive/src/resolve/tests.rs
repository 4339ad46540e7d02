//! What both looks take from records.

use serde_json::{Value, json};

use super::*;

/// What both looks take from these records of trusted sources.
fn resolved(records: &[Value], people: &[Vec<Subject>], known: &[Vec<Subject>]) -> Resolved {
    let rules = json!([
        { "path": "traits.email", "type": "EMAIL" },
        { "path": "context.traits.phones.number", "type": "PHONE" },
        { "path": "traits.shop", "type": "shop" },
    ]);
    let rules = serde_json::from_value::<Rules>(rules).unwrap().of_identify();
    let mut at = Progress::default();
    let first = Look::new(&rules, people, None);
    read(first, records, &mut at);
    let second = Look::new(&rules, known, Some(&at.found));
    read(second, records, &mut at);
    let again: Progress = serde_json::from_slice(&serde_json::to_vec(&at).unwrap()).unwrap();
    assert_eq!(again, at);
    at.resolved(known)
}

fn read(look: Option<Look>, records: &[Value], at: &mut Progress) {
    let Some(look) = look else { return };
    let object = bytes::Bytes::from(records.iter().map(|record| format!("{record}\n")).collect::<String>());
    let mut taken = Taken::default();
    take_from(&object, &look.matcher, None, &|| false, &mut |record| look.take(record, &mut taken)).unwrap();
    at.take(taken);
}

fn identify(user: impl Into<Value>, traits: Value) -> Value {
    let user: Value = user.into();
    json!({ "type": "identify", "userId": user, "traits": traits })
}

fn user(id: &str) -> Vec<Subject> {
    vec![Subject::user(id)]
}

fn told(resolved: &Resolved) -> Vec<(u32, &str)> {
    resolved.found.iter().map(|one| (one.person.unwrap(), one.subject.id.as_str())).collect()
}

#[test]
fn what_an_identify_call_says_of_its_user_is_the_users_in_its_normal_form() {
    let records = [
        identify("ada", json!({ "email": " Ada@Example.com", "shop": 901, "name": "Ada" })),
        json!({ "type": "identify", "userId": "ada", "context": { "traits": { "phones": [
            { "number": "+44 20 7946 0000" }, { "number": "none" }, { "number": 442079460001u64 } ] } } }),
        // No call of hers, no identify, or nothing that an address can be.
        json!({ "type": "track", "userId": "ada", "traits": { "email": "track@x" } }),
        json!({ "type": "identify", "anonymousId": "ada", "traits": { "email": "device@x" } }),
        identify("bob", json!({ "email": "bob@x", "friend": "ada" })),
        identify("ada", json!({ "email": "no address" })),
        identify("ada", json!({ "email": ["one@x", { "email": "two@x" }, null, true, 1.5] })),
        identify("ada", json!({ "email": format!("{}@x", "a".repeat(400)), "shop": "9".repeat(1_025) })),
        identify("ada", json!({ "email": "", "shop": " " })),
        identify(json!(["ada", "bob"]), json!({ "email": "both@x" })),
    ];
    let people = [user("cyd"), user("ada")];
    let found = resolved(&records, &people, &people);
    assert_eq!(
        told(&found),
        [(1, "ada@example.com"), (1, "one@x"), (1, "+442079460000"), (1, "901")],
        "{found:?}"
    );
    assert_eq!(found.shared, BTreeMap::new());
}

#[test]
fn what_another_users_call_holds_too_is_nobodys() {
    let email = |user: Value, email: &str| identify(user, json!({ "email": email }));
    let records = [
        email(json!("ada"), "stranger@x"),
        email(json!("bob"), "STRANGER@x "),
        email(json!("ada"), "list@x"),
        identify("bob", json!({ "email": ["x@x", "list@x"] })),
        email(json!("ada"), "odd@x"),
        email(json!({ "id": "bob" }), "odd@x"),
        email(json!("ada"), "both@x"),
        email(json!("cyd"), "both@x"),
        email(json!("ada"), "own@x"),
        email(json!("ada-before"), "own@x"),
        // Said of a device, by no identify, or in no trait of this kind.
        email(json!(null), "own@x"),
        json!({ "type": "identify", "anonymousId": "a", "traits": { "email": "own@x" } }),
        json!({ "type": "track", "userId": "bob", "traits": { "email": "own@x" } }),
        identify("bob", json!({ "shop": "own@x" })),
        email(json!("ada"), "known@x"),
        email(json!("ada"), "cyds@x"),
    ];
    let address = |id: &str| Subject { kind: SubjectType::Email, id: id.into() };
    let people = [user("ada"), user("cyd")];
    let known = [
        vec![Subject::user("ada"), Subject::user("ada-before"), address("known@x")],
        vec![Subject::user("cyd"), address("cyds@x")],
    ];
    let found = resolved(&records, &people, &known);
    assert_eq!(told(&found), [(0, "own@x")]);
    assert_eq!(found.shared, [(SubjectType::Email, 5)].into());
}

#[test]
fn a_user_with_many_addresses_has_none() {
    let many = |user: &str, count: usize| -> Vec<Value> {
        (0..count).map(|n| identify(user, json!({ "email": format!("{user}{n}@x"), "shop": user }))).collect()
    };
    let people = [user("ada"), user("bob")];
    let found = resolved(&[many("ada", MOST), many("bob", 500)].concat(), &people, &people);
    assert_eq!(told(&found).iter().filter(|(person, _)| *person == 0).count(), MOST + 1);
    assert_eq!(told(&found).iter().filter(|(person, _)| *person == 1).collect::<Vec<_>>(), [&(1, "bob")]);
    assert_eq!(found.shared, [(SubjectType::Email, MOST as u64 + 1)].into());
}

#[test]
fn nothing_is_used_if_something_that_was_not_read_may_be_another_users() {
    let mut at = Progress {
        found: [(0, Subject { kind: SubjectType::Email, id: "own@x".into() })].into(),
        ..Progress::default()
    };
    let people = [user("ada")];
    at.unread[0].insert(Reason::Corrupt, 1);
    assert_eq!(told(&at.resolved(&people)), [(0, "own@x")]);
    at.unread[1].insert(Reason::Corrupt, 1);
    let found = at.resolved(&people);
    assert_eq!(told(&found), []);
    assert_eq!(found.shared, [(SubjectType::Email, 1)].into());
}

#[test]
fn nobody_is_looked_for_without_a_user_id() {
    let people = [vec![Subject::anonymous("ada")]];
    let records = [identify("ada", json!({ "email": "a@x" }))];
    assert_eq!(resolved(&records, &people, &people), Resolved::default());
}
