//! A token can do what it must and nothing else, what it changes stands in the audit trail, and what it sends twice
//! is done once.

use anyhow::{Context, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::api::Api;
use tests::world::World;

/// An identifier that no random id in hex contains.
const PLANTED: &str = "planted-person";

fn regulation(kind: &str, subjects: &[&str]) -> Value {
    json!({ "regulationType": kind, "subjectType": "USER_ID", "subjectIds": subjects })
}

async fn status(api: &Api, method: Method, path: &str, body: Option<&Value>) -> Result<u16> {
    Ok(api.send(method, path, body).await?.0.as_u16())
}

#[tokio::test]
async fn a_token_can_do_what_its_scopes_say_until_it_ends() -> Result<()> {
    let world = World::new().await?;
    let admin = &world.stack.api;
    let (id, reader) = admin.new_token(&json!({ "name": "Reader", "scopes": ["regulations:read"] })).await?;
    let (_, suppressor) =
        admin.new_token(&json!({ "name": "Suppressor", "scopes": ["suppressions:write"] })).await?;
    let (_, auditor) = admin.new_token(&json!({ "name": "Auditor", "scopes": ["audit:read"] })).await?;
    let (deletion, suppression) =
        (regulation("DELETE_ONLY", &[PLANTED]), regulation("SUPPRESS_ONLY", &[PLANTED]));

    let (get, post) = (Method::GET, Method::POST);
    for (api, method, path, body, expected) in [
        (&reader, &get, "/regulations", None, 200),
        (&reader, &get, "/destinations", None, 200),
        (&reader, &get, "/suppressions", None, 403),
        (&reader, &get, "/audit", None, 403),
        (&reader, &get, "/tokens", None, 403),
        (&reader, &post, "/regulations", Some(&deletion), 403),
        (&suppressor, &post, "/regulations", Some(&deletion), 403),
        (&suppressor, &post, "/regulations", Some(&suppression), 200),
        (&suppressor, &get, "/regulations", None, 403),
        (&auditor, &get, "/audit", None, 200),
        (&auditor, &post, "/purge-runs", Some(&json!({ "dryRun": true })), 403),
    ] {
        assert_eq!(status(api, method.clone(), path, body).await?, expected, "{method} {path}");
    }

    let tokens = admin.get("/tokens").await?;
    let shown = tokens["data"]["tokens"].as_array().context("tokens")?;
    let seen = shown.iter().find(|token| token["id"] == json!(id)).context("the reader")?;
    assert!(seen["lastUsedAt"].is_string() && seen.get("hash").is_none(), "{seen}");
    // `lethe_<id>_<secret>`: the secret may hold underscores.
    let secret = reader.token.splitn(3, '_').last().context("a secret")?;
    assert!(!tokens.to_string().contains(secret), "shown once");

    assert_eq!(status(admin, Method::DELETE, &format!("/tokens/{id}"), None).await?, 200);
    assert_eq!(status(&reader, get, "/regulations", None).await?, 401, "revoked");
    let past = json!({ "name": "Late", "scopes": ["admin"], "expiresAt": "2020-01-01T00:00:00Z" });
    assert_eq!(status(admin, post, "/tokens", Some(&past)).await?, 422);

    let trail = auditor.get("/audit?pagination.count=1000").await?;
    let entries = trail["data"]["entries"].as_array().context("entries")?;
    let find = |action: &str, name: &str| {
        entries.iter().find(|entry| entry["action"] == action && entry["callerName"] == name)
    };
    let made = entries.iter().filter(|entry| entry["callerName"] == "Suppressor");
    let made: Vec<_> = made.map(|entry| (&entry["status"], &entry["object"])).collect();
    assert_eq!(made.len(), 2, "{trail}");
    assert!(made[0].0 == 200 && made[0].1.as_str().is_some_and(|id| id.starts_with("reg_")), "{trail}");
    assert!(made[1].0 == 403, "an attempt is kept too: {trail}");
    let revoked = find("DELETE /tokens/{id}", "admin").context("the revocation")?;
    assert_eq!(revoked["object"], json!(id));
    assert!(!trail.to_string().contains(PLANTED), "nobody's identifier: {trail}");
    Ok(())
}

#[tokio::test]
async fn a_request_only_token_makes_one_regulation_and_reads_that_one() -> Result<()> {
    let world = World::new().await?;
    let admin = &world.stack.api;
    let (_, asker) = admin.new_token(&json!({ "name": "Privacy form", "requestOnly": true })).await?;
    let others = admin.erase(&["bob"]).await?;
    let post = Method::POST;
    for body in [regulation("DELETE_ONLY", &["ada", "bob"]), regulation("UNSUPPRESS", &["ada"])] {
        assert_eq!(status(&asker, post.clone(), "/regulations", Some(&body)).await?, 403, "{body}");
    }
    let id = asker.erase(&["ada"]).await?;
    assert_eq!(asker.regulation(&id).await?["id"], json!(id));
    let again = regulation("DELETE_ONLY", &["carl"]);
    assert_eq!(status(&asker, post.clone(), "/regulations", Some(&again)).await?, 403);
    for path in
        [&format!("/regulations/{others}"), "/regulations", "/suppressions", "/destinations", "/tokens"]
    {
        assert_eq!(status(&asker, Method::GET, path, None).await?, 403, "{path}");
    }
    assert_eq!(status(&asker, post, &format!("/regulations/{id}/retry"), None).await?, 403);
    Ok(())
}

#[tokio::test]
async fn what_is_sent_twice_with_a_key_is_done_once_and_too_much_is_refused() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let body = regulation("SUPPRESS_ONLY", &["planted.ada"]);
    let key = [("idempotency-key", "form planted.ada 1")];
    let (first, headers, answer) = api.post_with("/regulations", &key, &body).await?;
    assert_eq!(first, StatusCode::OK, "{answer}");
    assert_eq!(
        (headers["x-ratelimit-remaining"].to_str()?, headers["x-ratelimit-consumed"].to_str()?),
        ("599", "1")
    );
    assert!(headers["x-ratelimit-reset"].to_str()?.ends_with("0000"), "{headers:?}");
    let (second, headers, repeated) = api.post_with("/regulations", &key, &body).await?;
    assert_eq!((second, &repeated), (StatusCode::OK, &answer));
    assert_eq!(headers["idempotent-replayed"], "true");
    let other = regulation("SUPPRESS_ONLY", &["bob"]);
    let (third, _, refused) = api.post_with("/regulations", &key, &other).await?;
    assert_eq!((third.as_u16(), &refused["errors"][0]["field"]), (422, &json!("Idempotency-Key")));
    let made = async || {
        Ok::<_, anyhow::Error>(api.get("/regulations").await?["data"]["regulations"].as_array().map(Vec::len))
    };
    assert_eq!(made().await?, Some(1));

    // A token's secret is shown once, also to whoever asks twice.
    let token = json!({ "name": "A", "scopes": ["audit:read"] });
    let shown = api.post_with("/tokens", &key, &token).await?.2;
    let repeated = api.post_with("/tokens", &key, &token).await?.2;
    assert!(shown["data"]["secret"].is_string() && repeated["data"].get("secret").is_none(), "{repeated}");
    assert_eq!(shown["data"]["token"]["id"], repeated["data"]["token"]["id"]);

    // 600 regulations a minute: those of this minute and of the next are used up.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() / 60;
    for minute in [now, now + 1] {
        let item = json!({
            "TableName": world.stack.output("AccessTable")?,
            "Item": { "pk": { "S": "RATE#admin" }, "sk": { "S": minute.to_string() }, "used": { "N": "600" } },
        });
        world.stack.aws.call("dynamodb", "DynamoDB_20120810.PutItem", item).await?;
    }
    let (status, headers, refused) = api.post_with("/regulations", &[], &body).await?;
    assert_eq!(
        (status.as_u16(), &refused["errors"][0]["data"]["remainingPoints"]),
        (429, &json!(0)),
        "{refused}"
    );
    assert!(headers.contains_key("retry-after"), "{headers:?}");
    assert_eq!(made().await?, Some(1), "nothing was made");

    let scan = json!({ "TableName": world.stack.output("AccessTable")? });
    let kept = world.stack.aws.call("dynamodb", "DynamoDB_20120810.Scan", scan).await?.to_string();
    assert!(
        kept.contains("REPLAY#") && !kept.contains("planted"),
        "keys and bodies are kept as fingerprints"
    );
    Ok(())
}
