//! What a Postgres knows of people beside what they are given by.

use std::collections::BTreeMap;

use anyhow::Result;
use model::resolved::Resolved;
use model::subject::{Subject, SubjectType};
use serde_json::json;
use warehouses::resolve::resolve;

use crate::postgres::Local;
use crate::suite::Double;

const UUID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

fn of(kind: &str, id: &str) -> Subject {
    Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() }
}

async fn resolved(local: &Local, people: &[Vec<Subject>]) -> Result<Resolved> {
    Ok(resolve(&mut local.connect().await?, people, people).await?)
}

fn found(resolved: &Resolved) -> BTreeMap<(u32, &str), Vec<&str>> {
    let mut found: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for one in &resolved.found {
        let key = (one.person.expect("whose"), one.subject.kind.as_str());
        found.entry(key).or_default().push(&one.subject.id);
    }
    found
}

#[tokio::test]
async fn people_are_found_by_columns_of_every_type_and_only_what_is_theirs_alone_is_used() -> Result<()> {
    let mut local = Local::new()
        .await?
        .setting(&format!(
            "CREATE TABLE users (id text, email text, \"Sel ect\" int);
             INSERT INTO users VALUES ('1', ' Ada@Example.com', 11), ('1', 'ada@example.com', 12), ('1', NULL, NULL),
                 ('1', 'no address', NULL), ('2', 'two@example.com', 21), ('3', 'TWO@example.com', 31),
                 ('4', 'four@example.com', 41), (NULL, 'four@example.com', 42), ('5', 'ada@example.net', 11);
             INSERT INTO users SELECT 'guest', n || '@guest.example', NULL FROM generate_series(1, 30) n;
             CREATE TABLE profiles (key uuid, login varchar(9)); INSERT INTO profiles VALUES ('{UUID}', 'adalov');
             CREATE VIEW customers AS SELECT 7::numeric AS number, 'buyer@example.com'::text AS email"
        ))
        .await?;
    local.settings["resolves"] = json!([
        { "table": "web.users", "from": { "column": "id", "type": "USER_ID" },
          "to": [{ "column": "email", "type": "EMAIL" }, { "column": "Sel ect", "type": "shop" }] },
        { "table": "web.profiles", "from": { "column": "key", "type": "USER_ID" },
          "to": [{ "column": "login", "type": "login" }] },
        { "table": "web.customers", "from": { "column": "number", "type": "crm" },
          "to": [{ "column": "email", "type": "EMAIL" }] },
    ]);
    let people = [
        vec![of("USER_ID", "1"), of("USER_ID", &UUID.to_uppercase())],
        vec![of("USER_ID", "2")],
        vec![of("USER_ID", "4"), of("EMAIL", "four@example.com")],
        vec![of("USER_ID", "guest"), of("crm", "7.0")],
        vec![of("USER_ID", "a\0b"), of("crm", "not a number")],
    ];
    let all = resolved(&local, &people).await?;
    assert_eq!(
        found(&all),
        BTreeMap::from([
            ((0, "EMAIL"), vec!["ada@example.com"]),
            ((0, "login"), vec!["adalov"]),
            ((0, "shop"), vec!["12"]),
            ((1, "shop"), vec!["21"]),
            ((2, "shop"), vec!["41"]),
            ((3, "EMAIL"), vec!["buyer@example.com"]),
        ])
    );
    let shop = "shop".parse().expect("a kind");
    assert_eq!(all.shared, [(SubjectType::Email, 1 + 21), (shop, 1)].into(), "two@, the guest's, and 11");

    // The same for two people of one request is neither's.
    let both = resolved(&local, &[vec![of("USER_ID", "1")], vec![of("EMAIL", "ada@example.com")]]).await?;
    assert_eq!((found(&both).len(), both.shared[&SubjectType::Email]), (1, 1), "{both:?}");

    local.settings["resolves"][1]["to"][0]["column"] = "logon".into();
    let failure = resolve(&mut local.connect().await?, &people, &people).await.expect_err("no such column");
    assert!(
        !failure.is_transient() && failure.public.contains("web.profiles with a column logon"),
        "{failure}"
    );
    Ok(())
}
