//! People who are given by hashes, and places that hold nothing else: each finds the other.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::scenario::task;
use tests::world::World;

use crate::resolving::change;

/// As the makers of UID2 publish them: <https://unifiedid.com/docs/getting-started/gs-normalization-encoding>.
const EMAIL: &str = "user@example.com";
const EMAIL_HEX: &str = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514";
const EMAIL_BASE64: &str = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";
const PHONE: &str = "+12345678901";
const PHONE_HEX: &str = "10e6f0b47054a83359477dcb35231db6de5c69fb1816e1a6b98e192de9e5b9ee";
const PHONE_BASE64: &str = "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=";
/// `printf %s ada@example.com | md5sum`
const ADA_MD5: &str = "3e3417d7ef77d5932a6734b916515ed5";

const KEYS: [&str; 2] =
    ["segment-logs/web/1793577600000/one.log", "segment-logs/web/1793577600000/other.log"];

const LEFT: &str = "SELECT note FROM web.leads UNION ALL SELECT note FROM web.contacts ORDER BY 1";

#[tokio::test]
async fn hashes_find_people_and_people_find_their_hashes() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    connect(&world).await?;

    // A number that is known, where its hash alone is kept.
    let regulation = ended(&world, &json!({ "phone": "+1 (234) 567-8901" })).await?;
    for name in ["Warehouse", "Events archive"] {
        assert_eq!(task(&regulation, name), ("CONFIRMED".to_owned(), String::new()), "{regulation:#}");
    }
    ensure!(!archived(&world).await?.contains("number"), "the line with the number's hash is gone");
    assert_eq!(left(&world).await?, ["ada", "email", "hash", "other", "twin"]);

    // An address of which the hash alone is known, where either is kept. By now the objects have filters, which know of
    // no address whose hash this is.
    let regulation = ended(&world, &json!({ "hashes": { "EMAIL_SHA256": EMAIL_BASE64 } })).await?;
    for name in ["Warehouse", "Events archive"] {
        assert_eq!(task(&regulation, name), ("CONFIRMED".to_owned(), String::new()), "{regulation:#}");
    }
    assert_eq!(task(&regulation, "Braze").0, "NO_IDENTIFIER", "{regulation:#}");
    assert_eq!(regulation["identifiers"], json!({ "EMAIL_SHA256": 1 }));
    let kept = archived(&world).await?;
    ensure!(!kept.contains("plain") && !kept.contains("hashed") && kept.contains("others"), "{kept}");
    assert_eq!(left(&world).await?, ["ada", "other", "twin"]);
    let check = json!({ "subjects": [{ "type": "EMAIL", "id": EMAIL }, { "type": "PHONE", "id": PHONE }] });
    let suppressed = api.post("/suppressions/check", &check).await?["data"]["suppressed"].take();
    assert_eq!(suppressed, json!([true, true]), "the list holds addresses by this hash");
    let id = regulation["id"].as_str().context("an id")?;
    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?.to_string();
    ensure!(!certificate.contains(EMAIL_HEX) && !certificate.contains(EMAIL_BASE64), "{certificate}");

    // An MD5 finds the address in a table that keeps it as it is, and is nothing that is suppressed.
    let request = json!({ "regulationType": "DELETE_ONLY", "subjects": [{ "hashes": { "EMAIL_MD5": ADA_MD5.to_uppercase() } }] });
    let regulation = wait(&world, &request).await?;
    assert_eq!(task(&regulation, "Warehouse").0, "CONFIRMED", "{regulation:#}");
    assert_eq!(left(&world).await?, ["other", "twin"]);
    what_is_no_hash_is_refused(&world).await
}

/// The error names the field and never the value: whoever mixes the two up has sent an address.
async fn what_is_no_hash_is_refused(world: &World) -> Result<()> {
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let md5 = json!({ "EMAIL_MD5": ADA_MD5 });
    for (kind, hashes) in [
        ("DELETE_ONLY", json!({ "EMAIL_SHA256": EMAIL })),
        ("DELETE_ONLY", json!({ "EMAIL_SHA256": nothing })),
        ("DELETE_ONLY", json!({ "EMAIL": EMAIL_HEX })),
        ("SUPPRESS_ONLY", md5),
    ] {
        let request = json!({ "regulationType": kind, "subjects": [{ "hashes": hashes }] });
        let (status, told) = world.stack.api.send(Method::POST, "/regulations", Some(&request)).await?;
        ensure!(status == 422 && told.to_string().contains("subjects[0]"), "{told}");
        ensure!(
            ![EMAIL, nothing, EMAIL_HEX, ADA_MD5].iter().any(|text| told.to_string().contains(text)),
            "{told}"
        );
    }
    Ok(())
}

async fn connect(world: &World) -> Result<()> {
    world
        .warehouse
        .batch_execute(&format!(
            "CREATE SCHEMA web; CREATE SCHEMA ios;
             CREATE TABLE web.leads (em varchar(64), ph char(70), note text);
             CREATE TABLE web.contacts (email text, note text);
             INSERT INTO web.leads VALUES ('{}', NULL, 'hash'), (NULL, '{PHONE_HEX}', 'number'),
                 ('{PHONE_HEX}', '{EMAIL_HEX}', 'twin'), ('{EMAIL}', '', 'other');
             INSERT INTO web.contacts VALUES (' User@Example.com ', 'email'), ('Ada@example.com', 'ada');",
            EMAIL_HEX.to_uppercase()
        ))
        .await?;
    let columns = json!([
        { "table": "web.leads", "column": "em", "type": "EMAIL_SHA256" },
        { "table": "web.leads", "column": "ph", "type": "PHONE_SHA256" },
        { "column": "email", "type": "EMAIL" },
    ]);
    change(world, "Warehouse", &json!({ "columns": columns })).await?;
    let rules = json!([
        { "path": "context.traits.email", "type": "EMAIL" },
        { "path": "properties.em", "type": "EMAIL_SHA256" },
        { "path": "properties.ph", "type": "PHONE_SHA256" },
    ]);
    change(world, "Events archive", &json!({ "rules": rules, "maxShare": 1.0 })).await?;
    let of =
        |event: &str, properties: Value| json!({ "type": "track", "event": event, "properties": properties });
    let one = [
        of("number", json!({ "ph": PHONE_BASE64 })),
        of("hashed", json!({ "em": EMAIL_HEX })),
        of("others", json!({ "em": PHONE_HEX, "ph": EMAIL_HEX, "note": EMAIL })),
    ];
    let traits = |email: &str| json!({ "traits": { "email": email } });
    let other = [
        json!({ "type": "identify", "event": "plain", "context": traits(" USER@example.com") }),
        json!({ "type": "identify", "event": "others", "context": traits("user@example.org") }),
    ];
    for (key, events) in KEYS.into_iter().zip([&one[..], &other]) {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        world.put(key, lines.as_bytes()).await?;
    }
    Ok(())
}

async fn ended(world: &World, person: &Value) -> Result<Value> {
    wait(world, &json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjects": [person] })).await
}

async fn wait(world: &World, request: &Value) -> Result<Value> {
    let made = world.stack.api.post("/regulations", request).await?;
    world.stack.api.wait(made["data"]["regulateId"].as_str().context("no regulateId")?, |_| ()).await
}

async fn archived(world: &World) -> Result<String> {
    let [one, other] = KEYS;
    let all = [world.get(one).await?, world.get(other).await?].concat();
    Ok(String::from_utf8(all)?)
}

async fn left(world: &World) -> Result<Vec<String>> {
    Ok(world.warehouse.query(LEFT, &[]).await?.iter().map(|row| row.get(0)).collect())
}
