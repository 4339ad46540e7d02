//! Sources: their keys are shown once, their past is kept, and what is wrong is named.

use anyhow::{Context, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::world::World;

#[tokio::test]
async fn sources_have_keys_that_are_shown_once_and_connections_with_dates() -> Result<()> {
    let world = World::new().await?;
    let api = &world.stack.api;
    let made = api.post("/sources", &json!({"name": "Website", "id": "web"})).await?["data"].take();
    let key = made["writeKey"].as_str().context("no key")?;
    assert_eq!(key.len(), 32);
    let destinations = api.get("/destinations").await?["data"]["destinations"].take();
    let connections = made["source"]["connections"].as_array().context("no connections")?;
    assert_eq!(connections.len(), 3, "to everything there is: {made}");

    // Rotation: a second key, then the first goes.
    let more = api.post("/sources/web/write-keys", &json!({})).await?["data"].take();
    assert_ne!(more["writeKey"], made["writeKey"]);
    let first = made["source"]["writeKeys"][0]["id"].as_str().context("no id")?;
    let path = format!("/sources/web/write-keys/{first}");
    let (status, left) = api.send(Method::DELETE, &path, None).await?;
    assert_eq!(status, StatusCode::OK, "{left}");
    assert_eq!(left["data"]["source"]["writeKeys"], json!([more["source"]["writeKeys"][1]]));

    // Until a day in the past, events went to one destination.
    let past = json!([{"destinationId": destinations[0]["id"], "from": "2025-01-01T00:00:00Z",
                       "until": "2025-06-01T00:00:00Z"}]);
    let change = json!({"name": "Site", "connections": past});
    let (status, changed) = api.send(Method::PATCH, "/sources/web", Some(&change)).await?;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!(changed["data"]["source"]["connections"], past);

    let (status, _) = api.send(Method::DELETE, "/sources/web", None).await?;
    assert_eq!(status, StatusCode::OK);
    let listed = api.get("/sources").await?["data"]["sources"].take();
    assert_eq!((&listed[0]["name"], &listed[0]["writeKeys"]), (&json!("Site"), &json!([])), "{listed}");
    assert!(listed[0]["deletedAt"].is_string());
    assert!(!listed.to_string().contains(key), "keys are never shown again");

    let refused = |status, field: Option<&'static str>| (StatusCode::from_u16(status).ok(), field);
    let unknown = json!({"name": "n", "connections": [{"destinationId": "dst_0"}]});
    for (method, path, body, wanted) in [
        (Method::POST, "/sources", json!({"name": ""}), refused(422, Some("name"))),
        (Method::POST, "/sources", json!({"name": "n", "id": "../x"}), refused(422, Some("id"))),
        (Method::POST, "/sources", json!({"name": "n", "id": "web"}), refused(422, Some("id"))),
        (Method::POST, "/sources", json!({"id": "x"}), refused(422, Some("name"))),
        (Method::POST, "/sources", unknown, refused(422, Some("connections[0].destinationId"))),
        (Method::PATCH, "/sources/web", json!({"name": "n"}), refused(422, None)),
        (Method::POST, "/sources/web/write-keys", json!({}), refused(422, None)),
        (Method::GET, "/sources/nowhere", Value::Null, refused(404, None)),
        (Method::DELETE, "/sources/web/write-keys/key_0", Value::Null, refused(404, None)),
    ] {
        let (status, answer) = api.send(method.clone(), path, Some(&body)).await?;
        let field = answer["errors"][0]["field"].as_str();
        assert_eq!((Some(status), field), wanted, "{method} {path} {body}: {answer}");
    }
    Ok(())
}
