//! Attacks on the API by people who hold a token, or none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::trail::{TrailHead, TrailRecord, verify};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::Api;
use tests::serve::serve;
use tests::world::World;

fn regulation(kind: &str, subjects: &[&str]) -> Value {
    json!({ "regulationType": kind, "subjectType": "USER_ID", "subjectIds": subjects })
}

async fn status(api: &Api, method: Method, path: &str, body: Option<&Value>) -> Result<u16> {
    Ok(api.send(method, path, body).await?.0.as_u16())
}

/// An attribute as DynamoDB writes it, as JSON.
fn plain(attribute: &Value) -> Value {
    match attribute.get("N").and_then(Value::as_str) {
        Some(number) => number.parse::<u64>().map_or(Value::Null, Value::from),
        None => attribute["S"].clone(),
    }
}

/// All records of the audit trail.
async fn records(world: &World) -> Result<Vec<TrailRecord>> {
    let query = json!({
        "TableName": world.stack.output("AccessTable")?, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": "TRAIL" } },
    });
    let found = world.stack.aws.call("dynamodb", "DynamoDB_20120810.Query", query).await?;
    let items = found["Items"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let record = |item: &serde_json::Map<String, Value>| -> Value {
        item.iter().map(|(name, attribute)| (name.clone(), plain(attribute))).collect()
    };
    items.map(|item| Ok(serde_json::from_value(record(item))?)).collect()
}

/// The heads of the trail that are sealed, in order.
async fn heads(world: &World) -> Result<Vec<TrailHead>> {
    let bucket = world.stack.output("AuditBucket")?;
    let listed = world.s3.list_objects_v2().bucket(bucket).prefix("trail/").send().await?;
    let mut sealed = Vec::new();
    for key in listed.contents().iter().filter_map(|object| object.key()) {
        let object = world.s3.get_object().bucket(bucket).key(key).send().await?;
        sealed.push(serde_json::from_slice(&object.body.collect().await?.into_bytes())?);
    }
    Ok(sealed)
}

/// Everything that the table of tokens, the trail and kept answers holds.
async fn access_table(world: &World) -> Result<String> {
    let scan = json!({ "TableName": world.stack.output("AccessTable")? });
    Ok(world.stack.aws.call("dynamodb", "DynamoDB_20120810.Scan", scan).await?.to_string())
}

#[tokio::test]
async fn a_request_only_token_that_races_itself_gets_one_regulation() -> Result<()> {
    let world = World::new().await?;
    let admin = &world.stack.api;
    let (_, asker) = admin.new_token(&json!({ "name": "Privacy form", "requestOnly": true })).await?;
    let bodies: Vec<Value> =
        (0..8).map(|number| regulation("SUPPRESS_WITH_DELETE", &[&format!("victim{number}")])).collect();
    let races = bodies.iter().map(|body| status(&asker, Method::POST, "/regulations", Some(body)));
    let mut statuses: Vec<u16> = futures::future::try_join_all(races).await?;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403, 403, 403, 403, 403]);

    let list = admin.get("/regulations").await?;
    let regulations = list["data"]["regulations"].as_array().context("regulations")?;
    assert_eq!(regulations.len(), 1, "{list}");
    let suppressed = admin.get("/suppressions").await?;
    assert_eq!(suppressed["data"]["suppressed"][0]["subjectIds"].as_array().map(Vec::len), Some(1));

    // It reads how far its regulation is, not who else the person is and who received their events.
    let id = regulations[0]["id"].as_str().context("an id")?;
    let shown = asker.regulation(id).await?;
    assert_eq!(shown["id"], json!(id));
    for field in ["linkedSubjects", "sources", "recipients"] {
        assert_eq!(shown[field].as_array().map(Vec::len), Some(0), "{field}: {shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_read_is_never_kept_and_a_long_answer_is_no_error() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let ids: Vec<String> = (0..3_000).map(|number| format!("planted.{number:0>200}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    api.post("/regulations", &regulation("DELETE_ONLY", &ids)).await?;

    let key = [("idempotency-key", "a key of mine")];
    let lookup = json!({ "subject": { "type": "USER_ID", "id": "planted.ada" } });
    for (path, body) in [
        ("/regulations/search", json!({ "regulationTypes": ["DELETE_ONLY"] })),
        ("/subjects/lookup", lookup.clone()),
        ("/suppressions/search", lookup),
        ("/regulations?dryRun=true", regulation("DELETE_ONLY", &["planted.ada"])),
    ] {
        for _ in 0..2 {
            let (status, headers, answer) = api.post_with(path, &key, &body).await?;
            assert_eq!(status.as_u16(), 200, "{path}: {answer}");
            assert!(!headers.contains_key("idempotent-replayed"), "{path} was answered from what was kept");
        }
    }
    assert!(!access_table(&world).await?.contains("planted"));
    Ok(())
}

#[tokio::test]
async fn a_cursor_tells_nothing_and_none_can_be_made_up() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let subjects: Vec<Value> =
        (0..3).map(|n| json!({ "type": "USER_ID", "id": format!("planted{n}") })).collect();
    api.post("/suppressions", &json!({ "subjects": subjects })).await?;
    for _ in 0..2 {
        api.post("/regulations", &regulation("DELETE_ONLY", &["planted0"])).await?;
    }

    let first = api.get("/suppressions?pagination.count=1").await?;
    let cursor = first["data"]["pagination"]["next"].as_str().context("a second page")?.to_owned();
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(&cursor)?;
    assert!(!String::from_utf8_lossy(&decoded).contains("planted"), "{cursor}");
    let second = api.get(&format!("/suppressions?pagination.count=1&pagination.cursor={cursor}")).await?;
    assert_ne!(second["data"]["suppressed"], first["data"]["suppressed"]);
    let older = api.get("/v1beta/workspaces/w/suppressed-users?page_size=1").await?;
    let token = older["next_page_token"].as_str().context("a token")?;
    assert!(!String::from_utf8_lossy(&BASE64_URL_SAFE_NO_PAD.decode(token)?).contains("planted"));

    let list = api.get("/regulations?pagination.count=1").await?;
    let of_another_list = list["data"]["pagination"]["next"].as_str().context("a second page")?;
    let made_up = json!({ "pk": "USER_ID#planted1", "sk": "PERSON", "list": "x", "suppressedAt": "2020" });
    let mut changed = cursor.clone().into_bytes();
    changed[10] = if changed[10] == b'A' { b'B' } else { b'A' };
    for forged in [
        String::from_utf8(changed)?,
        of_another_list.to_owned(),
        BASE64_URL_SAFE_NO_PAD.encode(made_up.to_string()),
        BASE64_URL_SAFE_NO_PAD.encode("{}"),
        "1".to_owned(),
        "%F0%9F".to_owned(),
    ] {
        for (path, field) in [
            ("/suppressions?pagination.cursor", "pagination.cursor"),
            ("/v1beta/workspaces/w/suppressed-users?page_token", "page_token"),
            ("/batches?pagination.cursor", "pagination.cursor"),
            ("/audit?pagination.cursor", "pagination.cursor"),
        ] {
            let (status, answer) = api.send(Method::GET, &format!("{path}={forged}"), None).await?;
            assert_eq!(
                (status.as_u16(), &answer["errors"][0]["field"]),
                (422, &json!(field)),
                "{path}={forged}"
            );
        }
        let search = json!({ "pagination": { "cursor": forged } });
        assert_eq!(status(api, Method::POST, "/regulations/search", Some(&search)).await?, 422, "{forged}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_says_what_its_scope_says_and_never_what_was_sent() -> Result<()> {
    let world = World::new().await?;
    let admin = &world.stack.api;
    let subject = json!({ "type": "USER_ID", "id": "ada" });
    admin.post("/suppressions", &json!({ "subjects": [subject], "reason": "a secret reason" })).await?;

    let token = async |scope: &str| admin.new_token(&json!({ "name": scope, "scopes": [scope] })).await;
    let (_, reader) = token("regulations:read").await?;
    let (_, creator) = token("regulations:create").await?;
    let (_, connector) = token("destinations:write").await?;
    let found = reader.post("/subjects/lookup", &json!({ "subject": subject })).await?;
    assert!(found["data"].get("suppressions").is_none(), "{found}");
    let found = admin.post("/subjects/lookup", &json!({ "subject": subject })).await?;
    assert_eq!(found["data"]["suppressions"][0]["reason"], "a secret reason");

    for (api, path, expected) in [
        (&creator, "/regulations", 403),
        (&creator, "/suppressions", 403),
        (&connector, "/regulations", 403),
        (&connector, "/destinations", 200),
        (&reader, "/regulations", 200),
    ] {
        let reply = api.head(path).await?;
        assert_eq!(reply.as_u16(), expected, "HEAD {path}");
    }

    // What was sent by mistake, be it as a value or as a name, stands in no answer and not in the trail.
    let planted = "MyPassw0rd";
    for (path, body) in [
        (
            "/destinations",
            json!({
                "vendor": "postgres", "name": "W", "secrets": { "password": "p" },
                "settings": { "host": "h", "database": "d", "user": "u", "tls": planted },
            }),
        ),
        (
            "/destinations",
            json!({ "vendor": "postgres", "name": "W", "settings": {}, "secrets": { planted: 1 } }),
        ),
        ("/destinations", json!({ "vendor": planted, "name": "W", "settings": {}, "secrets": {} })),
        (
            "/destinations",
            json!({ "vendor": "s3", "name": "W", "settings": { "bucket": "b", planted: true } }),
        ),
        ("/tokens", json!({ "name": "T", "scopes": [planted] })),
        ("/tokens", json!({ "name": "T", planted: true })),
        ("/tokens", json!({ "name": "T", "scopes": ["admin"], "expiresAt": planted })),
        ("/sources", json!({ "name": "S", planted: 1 })),
        ("/suppressions", json!({ "subjects": [{ "type": planted, "id": "a" }] })),
        ("/suppressions", json!({ "subjects": [{ "type": "USER_ID", "id": "a", planted: 1 }] })),
        ("/purge-runs", json!({ planted: true })),
        ("/regulations/search", json!({ "status": planted })),
        ("/regulations", json!({ "regulationType": planted, "subjectType": "USER_ID", "subjectIds": ["a"] })),
    ] {
        let (status, answer) = admin.send(Method::POST, path, Some(&body)).await?;
        assert_eq!(status.as_u16(), 422, "{path} {body}: {answer}");
        assert!(!answer.to_string().contains(planted), "{path}: {answer}");
    }
    assert!(!access_table(&world).await?.contains(planted));

    let many = vec!["DELETE_ONLY"; 101];
    let search = json!({ "regulationTypes": many });
    assert_eq!(status(admin, Method::POST, "/regulations/search", Some(&search)).await?, 422);
    let path = format!("/regulations?regulationTypes={}", many.join(","));
    assert_eq!(status(admin, Method::GET, &path, None).await?, 422);

    let (_, headers, _) = admin.get_with("/regulations", &[]).await?;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ] {
        assert_eq!(headers.get(name).and_then(|value| value.to_str().ok()), Some(value), "{name}");
    }
    let lower = admin.get_as(&format!("bearer {}", admin.token), "/regulations").await?;
    assert_eq!(lower.as_u16(), 200, "the scheme is written in any case");
    Ok(())
}

#[tokio::test]
async fn a_trail_that_was_written_over_is_found() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let id = api.erase(&["ada"]).await?;
    api.wait(&id, |_| ()).await?;
    api.new_token(&json!({ "name": "Later", "scopes": ["audit:read"] })).await?;

    let sealed = heads(&world).await?;
    assert!(!sealed.is_empty(), "sealed with the certificate");
    let whole = records(&world).await?;
    assert!(verify(whole.clone(), &sealed)?.number > sealed[0].number);

    // What no certificate seals, the schedule does, each day.
    world.stack.invoke("audit", &json!({ "action": "sealTrail" })).await?;
    world.stack.invoke("audit", &json!({ "action": "sealTrail" })).await?;
    let today = heads(&world).await?;
    assert_eq!(today.len(), sealed.len() + 1, "{today:?}");
    assert_eq!(today.last(), Some(&verify(whole.clone(), &today)?), "all that is recorded");

    // With the rights of a function that writes the trail.
    let first = whole.iter().min_by_key(|record| record.number).context("a record")?;
    let change = json!({
        "TableName": world.stack.output("AccessTable")?,
        "Key": { "pk": { "S": "TRAIL" }, "sk": { "S": first.entry.id } },
        "UpdateExpression": "SET callerName = :other",
        "ExpressionAttributeValues": { ":other": { "S": "somebody else" } },
    });
    world.stack.aws.call("dynamodb", "DynamoDB_20120810.UpdateItem", change).await?;
    assert!(verify(records(&world).await?, &sealed).is_err());
    Ok(())
}

/// Nobody makes us pay by asking for what needs no token.
#[tokio::test]
async fn the_public_key_costs_one_call_to_kms_however_often_it_is_asked_for() -> Result<()> {
    let world = World::new().await?;
    let stack = &world.stack;
    let variables = stack.environment("intake").await?.into_iter();
    let key = variables.into_iter().find(|(name, _)| name == "SIGNING_KEY").context("no SIGNING_KEY")?.1;
    let key = stack.aws.call("kms", "TrentService.GetPublicKey", json!({ "KeyId": key })).await?;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let kms = Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let key = key.to_string();
        async move { ([("content-type", "application/x-amz-json-1.1")], key) }
    });
    let (url, _stop) = serve(kms)?;
    stack.configure("intake", &[("AWS_ENDPOINT_URL_KMS", &url)]).await?;
    for _ in 0..20 {
        let keys = stack.api.with_token("none").get("/.well-known/jwks.json").await?;
        assert_eq!(keys["keys"][0]["kty"], "EC", "{keys}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    Ok(())
}
