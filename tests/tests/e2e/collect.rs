//! Events come in through the tracking API, land in the archive, and stop at the door for whoever is suppressed.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::ingest::{TrackingClient, names, wait_for};
use tests::world::World;

#[tokio::test]
async fn whoever_is_suppressed_is_kept_out_with_all_their_ids() -> Result<()> {
    let world = World::collecting().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let door = TrackingClient::open(&world, "web").await?;
    door.ok("identify", json!({"userId": "ada", "anonymousId": "ada-phone"})).await?;
    door.ok("t", json!({"userId": "ada", "event": "before"})).await?;
    door.ok("t", json!({"anonymousId": "ada-phone", "event": "before, nameless"})).await?;
    door.ok("t", json!({"userId": "bob", "event": "bob before"})).await?;
    wait_for(&world, "web", &["before", "before, nameless", "bob before"]).await?;

    let id = world.stack.api.erase(&["ada"]).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let batch = json!({"batch": [
        {"type": "track", "userId": "ada", "event": "after"},
        {"type": "track", "anonymousId": "ada-phone", "event": "after, nameless"},
        {"type": "track", "userId": "bob", "event": "bob after"},
    ]});
    door.ok("batch", batch).await?;
    door.ok("track", json!({"userId": "bob", "event": "bob at last"})).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let left = wait_for(&world, "web", &["bob after", "bob at last"]).await?;
    let left: Vec<&str> = names(&left).into_iter().collect();
    assert_eq!(left, ["bob after", "bob at last", "bob before"], "ada is gone, her devices with her");
    Ok(())
}

#[tokio::test]
async fn bad_input_is_answered_as_segment_answers_it_and_loses_no_neighbour() -> Result<()> {
    let world = World::collecting().await?;
    let door = TrackingClient::open(&world, "web").await?;
    let track =
        |name: &str, size| json!({"type": "track", "userId": "u", "event": name, "x": "x".repeat(size)});
    let many: Vec<Value> = (0..2_000).map(|n| track(&format!("many {n}"), 0)).collect();
    let long: Vec<Value> = (0..60).map(|_| track("long", 10_000)).collect();
    let deep = format!(
        r#"{{"batch": [{{"type": "track", "userId": "u", "event": "deep", "x": {}{}}}]}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    for (body, wanted) in [
        ("{\"batch\": [".to_owned(), StatusCode::BAD_REQUEST),
        (json!({"batch": [track("large", 40_000)]}).to_string(), StatusCode::BAD_REQUEST),
        (deep, StatusCode::BAD_REQUEST),
        (json!({"batch": long}).to_string(), StatusCode::PAYLOAD_TOO_LARGE),
        (json!({"batch": many}).to_string(), StatusCode::OK),
    ] {
        let (status, answer) = door.send("batch", &body).await?;
        assert_eq!(status, wanted, "{answer}");
    }
    let mut old = track("clock", 0);
    old["timestamp"] = json!("1970-01-01T00:00:00Z");
    let (status, answer) =
        door.send("batch", &json!({"batch": [old, track("large", 40_000), 7]}).to_string()).await?;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["rejected"].as_array().map(Vec::len), Some(2), "{answer}");
    let stranger = door.with_key("unknown");
    assert_eq!(stranger.send("track", &track("key", 0).to_string()).await?.0, StatusCode::UNAUTHORIZED);
    let garbled = door.request("track").header("content-encoding", "gzip").body("no gzip").send().await?;
    assert_eq!(garbled.status(), StatusCode::BAD_REQUEST);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(json!({"batch": [track("packed", 9_000)]}).to_string().as_bytes())?;
    let gzip = gzip.finish()?;
    // API Gateway takes a body of JSON's type for text, whatever its encoding: the SDK is to keep its events.
    let garbled = door.request("batch").header("content-type", "application/json");
    let garbled = garbled.header("content-encoding", "gzip").body(gzip.clone()).send().await?;
    assert_eq!(garbled.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", garbled.text().await?);
    let packed = door.request("batch").header("content-type", "application/octet-stream");
    let packed = packed.header("content-encoding", "gzip").body(gzip).send().await?;
    assert_eq!(packed.status(), StatusCode::OK, "{}", packed.text().await?);

    // Without the suppression list nobody knows who may come in: nothing is kept.
    let table = world.stack.output("SuppressionsTable")?.to_owned();
    world.stack.expect_refusal("table/gone").await?;
    world.stack.configure("collect", &[("SUPPRESSIONS_TABLE", "gone")]).await?;
    let (status, answer) = door.send("track", &track("unknown", 0).to_string()).await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    world.stack.configure("collect", &[("SUPPRESSIONS_TABLE", &table)]).await?;
    door.ok("track", track("last", 0)).await?;
    // Nor has an event a place without an archive.
    let unconnected = json!({"name": "Unconnected", "connections": []});
    let unconnected = world.stack.api.post("/sources", &unconnected).await?;
    let unconnected = door.with_key(unconnected["data"]["writeKey"].as_str().context("no write key")?);
    let (status, answer) = unconnected.send("track", &track("nowhere", 0).to_string()).await?;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");

    let found = wait_for(&world, "web", &["clock", "many 0", "many 1999", "packed", "last"]).await?;
    assert!(found.iter().all(|event| event["receivedAt"].is_string() && event["messageId"].is_string()));
    assert_eq!(names(&found).len(), 2_003, "every good event and no other");
    Ok(())
}
