//! Archives as other programs write them, through whole purge runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use engine::format::scan;
use engine::matching::{Matcher, SubjectSet};
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use model::rules::Rules;
use model::subject::Subject;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tests::certificate;
use tests::scenario::{retry, task};

use crate::archives::{archive, forget, key, line, world};

#[derive(Deserialize)]
struct About {
    person: String,
    path: String,
    records: u64,
    theirs: u64,
}

/// The files of the engine's test `writers`: Parquet by pyarrow, DuckDB, pandas and polars with ids as text, numbers,
/// decimals and UUIDs (beside `previousId`, which another rule names), Avro by fastavro and polars, and JSON of every shape.
#[tokio::test]
async fn a_run_purges_files_of_other_writers() -> Result<()> {
    let world = world().await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/engine/tests/writers/files");
    let mut files: BTreeMap<String, About> = serde_json::from_slice(&fs::read(folder.join("files.json"))?)?;
    // Those with the id where Segment puts it.
    files.retain(|_, about| about.path.split(',').next() == Some("userId"));
    assert!(files.len() > 40, "{} files", files.len());
    for name in files.keys() {
        world.put(&key(name), &fs::read(folder.join(name))?).await?;
    }
    let people: BTreeSet<String> = files.values().map(|about| about.person.to_lowercase()).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let regulation = forget(&world, &people).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let evidence = &archive(&regulation)["evidence"];
    let theirs: u64 = files.values().map(|about| about.theirs).sum();
    assert_eq!(evidence["find"]["counts"]["lines"], theirs, "{evidence:#}");
    assert_eq!(evidence["verify"]["counts"]["lines"], 0, "{evidence:#}");
    assert!(evidence["verify"]["residuals"].is_null(), "{evidence:#}");
    for (name, about) in &files {
        let rules = Rules::at_paths(about.path.split(','))?;
        let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user(&*about.person)]));
        let left = scan(&Bytes::from(world.get(&key(name)).await?), &matcher).context(name.clone())?;
        assert_eq!((left.lines, left.removed), (about.records - about.theirs, 0), "{name}");
    }
    Ok(())
}

/// An Avro file with a user id of bytes in each record.
fn avro(ids: &[&[u8]]) -> Vec<u8> {
    // Lengths below 64, which are one byte in zigzag.
    let sized = |bytes: &[u8]| [&[bytes.len() as u8 * 2], bytes].concat();
    let schema = br#"{"type":"record","name":"E","fields":[{"name":"userId","type":"bytes"}]}"#;
    let length = schema.len() as u8 * 2;
    let records: Vec<u8> = ids.iter().flat_map(|id| sized(id)).collect();
    let mark = b"0123456789abcdef";
    let head =
        [&b"Obj\x01\x02"[..], &sized(b"avro.schema"), &[length | 0x80, 1], schema, b"\0", mark].concat();
    [&head[..], &[ids.len() as u8 * 2], &sized(&records), mark].concat()
}

/// What nobody can tell about is left and named, while the records beside it go; until its keys are excluded. Then evidence
/// counts them as excluded, and nothing fails by them.
#[tokio::test]
async fn what_cannot_be_compared_or_read_is_a_residual_until_it_is_excluded() -> Result<()> {
    let world = world().await?;
    let (mixed, orc) = (key("mixed.avro"), key("part-0.orc"));
    world.put(&mixed, &avro(&[b"ada", b"\xff\xfe", b"bob"])).await?;
    world.put(&orc, b"ORC\x0a").await?;
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "FAILED", "{regulation:#}");
    assert!(message.contains("mixed.avro (1 record(s) are kept whose value"), "{message}");
    assert!(message.contains("part-0.orc (not supported: ORC: have the engine that wrote it"), "{message}");
    let evidence = &archive(&regulation)["evidence"];
    assert_eq!(evidence["find"]["counts"]["lines"], 1, "{evidence:#}");
    assert_eq!(evidence["verify"]["residuals"], json!({ "opaque": 1, "unsupported": 1 }), "{evidence:#}");
    assert_eq!(world.get(&mixed).await?, avro(&[b"\xff\xfe", b"bob"]));

    let path = format!("/destinations/{}", archive(&regulation)["id"].as_str().context("an id")?);
    let exclude = json!({ "settings": { "exclude": ["*.orc", "*/mixed.*"] } });
    let (status, told) = world.stack.api.send(Method::PATCH, &path, Some(&exclude)).await?;
    assert_eq!(status, 200, "{told:#}");
    let again = retry(&world, &regulation).await?;
    assert_eq!(task(&again, "Events archive").0, "CONFIRMED", "{again:#}");
    let evidence = &archive(&again)["evidence"];
    assert_eq!(evidence["verify"]["residuals"], json!({ "excluded": 2 }), "{evidence:#}");

    let include = json!({ "settings": { "include": [""] } });
    let (status, told) = world.stack.api.send(Method::PATCH, &path, Some(&include)).await?;
    assert_eq!(status, 422, "{told:#}");
    assert!(told.to_string().contains("patterns of 1 to 1024 bytes"), "{told:#}");
    Ok(())
}

/// ORC is not read: each object is counted once, however many versions it has.
#[tokio::test]
async fn orc_is_refused_named_and_counted_by_object() -> Result<()> {
    let world = world().await?;
    world.put(&key("both.jsonl"), format!("{}{}", line("ada", 1), line("bob", 1)).as_bytes()).await?;
    for (name, versions) in [("a.orc", 1), ("b.orc", 2), ("no-extension", 3)] {
        for version in 0..versions {
            world.put(&key(name), format!("ORC\x0a{version}").as_bytes()).await?;
        }
    }
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert!(status == "FAILED" && message.starts_with("3 object(s) could not be purged"), "{message}");
    assert_eq!(message.matches("not supported: ORC").count(), 3, "{message}");
    let evidence = &archive(&regulation)["evidence"];
    assert_eq!(evidence["verify"]["residuals"], json!({ "unsupported": 3 }), "{evidence:#}");
    assert_eq!(world.get(&key("both.jsonl")).await?, line("bob", 1).as_bytes());

    let id = archive(&regulation)["id"].as_str().context("an id")?.to_owned();
    let checked = world.stack.api.post(&format!("/destinations/{id}/check"), &json!(null)).await?;
    let message = checked["data"]["message"].to_string();
    assert!(
        message.contains("3 of the objects that were looked into cannot be read (3 unsupported)"),
        "{message}"
    );
    Ok(())
}

/// An exception holds for its keys, its kind and its time. A residual that it does not cover fails a regulation, as does
/// each once it has ended; only an administrator makes one.
#[tokio::test]
async fn what_nobody_can_read_fails_no_regulation_while_it_is_excepted() -> Result<()> {
    let world = world().await?;
    let api = &world.stack.api;
    world.put(&key("bob.jsonl"), line("bob", 1).as_bytes()).await?;
    world.put(&key("sums.orc"), b"ORC\x0a").await?;
    let failed = forget(&world, &["ada"]).await?;
    assert_eq!(task(&failed, "Events archive").0, "FAILED", "{failed:#}");

    let archive_id = archive(&failed)["id"].as_str().context("an id")?.to_owned();
    let path = format!("/destinations/{archive_id}/exceptions");
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48);
    let body =
        json!({ "keys": key("sums.orc"), "kind": "unsupported", "reason": "sums, no ids", "until": until });
    let (_, other) = api.new_token(&json!({ "name": "IT", "scopes": ["destinations:write"] })).await?;
    assert_eq!(other.send(Method::POST, &path, Some(&body)).await?.0, 403);
    let mut everything = body.clone();
    everything["keys"] = json!("*");
    let (status, refusal) = api.send(Method::POST, &path, Some(&everything)).await?;
    assert_eq!((status.as_u16(), &refusal["errors"][0]["field"]), (422, &json!("keys")), "{refusal:#}");
    let made = api.post(&path, &body).await?;
    let exception = &made["data"]["exception"];
    assert_eq!((exception["createdBy"].as_str(), &exception["reason"]), (Some("admin"), &body["reason"]));
    let rehearsal =
        json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["ada"] });
    let rehearsed = api.post("/regulations?dryRun=true", &rehearsal).await?;
    let mut reached = rehearsed["data"]["destinations"].as_array().into_iter().flatten();
    let reached = reached.find(|one| one["id"] == *archive_id).context("the archive")?;
    assert_eq!(reached["count"], 0, "{rehearsed:#}");
    assert!(reached["reason"].to_string().contains("exceptions cover 1"), "{rehearsed:#}");

    let again = retry(&world, &failed).await?;
    let told = ("NO_DATA_FOUND".to_owned(), "1 object(s) that cannot be read are excepted".to_owned());
    assert_eq!(task(&again, "Events archive"), told, "{again:#}");
    assert_eq!(archive(&again)["evidence"]["verify"]["residuals"], json!({ "excepted": 1 }), "{again:#}");
    let id = again["id"].as_str().context("an id")?;
    let answer = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = answer["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?.to_string();
    assert!(claims.contains(r#""residuals":{"excepted":1}"#), "{claims}");
    let covered = json!([{
        "id": exception["id"], "kind": "unsupported", "reason": "sums, no ids", "createdBy": "admin",
        "until": exception["until"], "objects": 1
    }]);
    assert_eq!(archive(&again)["evidence"]["verify"]["exceptions"], covered, "{again:#}");
    assert!(claims.contains(r#""reason":"sums, no ids""#) && !claims.contains("sums.orc"), "{claims}");
    let checked = api.post(&format!("/destinations/{archive_id}/check"), &json!(null)).await?;
    assert!(checked["data"]["message"].to_string().contains("exceptions cover 1"), "{checked:#}");

    world.put(&key("new.orc"), b"ORC\x0a").await?;
    let new = forget(&world, &["bob"]).await?;
    let (status, message) = task(&new, "Events archive");
    assert_eq!(status, "FAILED", "{new:#}");
    assert!(message.contains("new.orc") && !message.contains("sums.orc"), "{message}");
    let residuals = json!({ "excepted": 1, "unsupported": 1 });
    assert_eq!(archive(&new)["evidence"]["verify"]["residuals"], residuals, "{new:#}");

    let one = format!("{path}/{}", exception["id"].as_str().context("an id")?);
    for _ in 0..2 {
        let (status, ended) = api.send(Method::DELETE, &one, None).await?;
        let ended = &ended["data"]["exception"];
        assert_eq!((status.as_u16(), &ended["until"]), (200, &exception["until"]), "{ended:#}");
        assert!(ended["endedBy"] == "admin" && ended["endedAt"].is_string(), "{ended:#}");
    }
    let trail = api.get("/audit").await?;
    let trail = trail["data"]["entries"].as_array().context("entries")?;
    for action in ["POST /destinations/{id}/exceptions", "DELETE /destinations/{id}/exceptions/{exceptionId}"]
    {
        let named = |entry: &Value| {
            entry["action"] == action && entry["object"] == *archive_id && entry["part"] == exception["id"]
        };
        assert!(trail.iter().any(named), "{action}: {trail:#?}");
    }
    let ended = retry(&world, &new).await?;
    assert_eq!(archive(&ended)["evidence"]["verify"]["residuals"], json!({ "unsupported": 2 }), "{ended:#}");
    Ok(())
}

/// CloudTrail's file is one record of many people: it stays, and no exception hides it. Snowplow's rows go by their column's
/// number, once the rules say that there is no header.
#[tokio::test]
async fn a_file_of_many_peoples_records_stays_and_rows_without_a_header_go_by_number() -> Result<()> {
    let world = world().await?;
    let api = &world.stack.api;
    let trail = br#"{"Records":[{"user":{"name":"ada"}},{"user":{"name":"bob"}}]}"#;
    let rows = "web\tada\t1\nweb\tbob\t2\n";
    world.put(&key("trail.json"), trail).await?;
    let all = api.get("/destinations").await?;
    let mut all = all["data"]["destinations"].as_array().into_iter().flatten();
    let id =
        all.find(|one| one["vendor"] == "s3").and_then(|one| one["id"].as_str()).context("an archive")?;
    let path = format!("/destinations/{id}");
    let set = async |settings: Value| -> Result<()> {
        let (status, told) = api.send(Method::PATCH, &path, Some(&json!({ "settings": settings }))).await?;
        assert_eq!(status, 200, "{told:#}");
        Ok(())
    };
    set(json!({ "rules": [{ "path": "Records.user.name", "type": "USER_ID" }] })).await?;
    let exception = json!({
        "keys": key("*.json"), "kind": "unsupported", "reason": "no ids",
        "until": jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)
    });
    api.post(&format!("{path}/exceptions"), &exception).await?;
    let regulation = forget(&world, &["ada"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert!(status == "FAILED" && message.contains("array names somebody beside others"), "{message}");
    let evidence = &archive(&regulation)["evidence"];
    assert_eq!(evidence["verify"]["residuals"], json!({ "envelope": 1 }), "{evidence:#}");
    assert_eq!(world.get(&key("trail.json")).await?, trail);

    world.put(&key("enriched.tsv"), rows.as_bytes()).await?;
    let rules = json!({
        "headerless": { "delimiter": "tab", "quotes": false }, "rules": [{ "path": "#2", "type": "USER_ID" }]
    });
    set(json!({ "rules": rules, "exclude": ["*/trail.json"] })).await?;
    let again = retry(&world, &regulation).await?;
    assert_eq!(task(&again, "Events archive").0, "CONFIRMED", "{again:#}");
    assert_eq!(world.get(&key("enriched.tsv")).await?, b"web\tbob\t2\n");
    let (status, told) = api
        .send(
            Method::PATCH,
            &path,
            Some(&json!({ "settings": { "rules": [{ "path": "#2", "type": "USER_ID" }] } })),
        )
        .await?;
    assert!(status == 422 && told.to_string().contains("say by headerless"), "{told:#}");
    Ok(())
}

/// The same name in two Unicode forms: the sender is told, and the rules may ignore the difference.
#[tokio::test]
async fn an_id_in_another_unicode_form_is_said_and_found_once_the_rules_normalize() -> Result<()> {
    let world = world().await?;
    world
        .put(&key("names.jsonl"), format!("{}{}", line("Jose\u{301}", 1), line("bob", 1)).as_bytes())
        .await?;
    let regulation = forget(&world, &["José"]).await?;
    let (status, message) = task(&regulation, "Events archive");
    assert_eq!(status, "NO_DATA_FOUND", "{regulation:#}");
    assert!(message.contains("1 of 1 identifiers differ only in case, spaces or Unicode form"), "{message}");

    let path = format!("/destinations/{}", archive(&regulation)["id"].as_str().context("an id")?);
    let rules = json!([{ "path": "userId", "type": "USER_ID", "normalize": "nfc" }]);
    let change = json!({ "settings": { "rules": rules } });
    assert_eq!(world.stack.api.send(Method::PATCH, &path, Some(&change)).await?.0, 200);
    let regulation = forget(&world, &["José"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    assert_eq!(world.get(&key("names.jsonl")).await?, line("bob", 1).as_bytes());
    Ok(())
}

#[tokio::test]
async fn an_object_with_a_content_encoding_stays_encoded_as_it_says() -> Result<()> {
    let world = world().await?;
    let key = key("encoded.json");
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("{}{}", line("ada", 1), line("bob", 1)).as_bytes())?;
    let put = world.s3.put_object().bucket(&world.bucket).key(&key).body(gzip.finish()?.into());
    put.content_type("application/json").content_encoding("gzip").send().await?;
    let regulation = forget(&world, &["ada"]).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    let head = world.s3.head_object().bucket(&world.bucket).key(&key).send().await?;
    assert_eq!(head.content_encoding(), Some("gzip"));
    let mut left = String::new();
    GzDecoder::new(&*world.get(&key).await?).read_to_string(&mut left)?;
    assert_eq!(left, line("bob", 1));
    Ok(())
}
