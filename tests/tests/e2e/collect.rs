//! Events come in through the tracking API, land in the archive, and stop at the door for whoever is suppressed.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::scenario::LIMIT;
use tests::world::World;

/// A client of the tracking API.
struct Door {
    url: String,
    http: reqwest::Client,
    key: String,
}

impl Door {
    async fn open(world: &World, source: &str) -> Result<Self> {
        let host = format!("{}.execute-api.localhost", world.stack.output("CollectApiId")?);
        let port = world.stack.aws.port;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .resolve(&host, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .build()?;
        let made = world.stack.api.post("/sources", &json!({"name": source, "id": source})).await?;
        let key = made["data"]["writeKey"].as_str().context("no write key")?.to_owned();
        Ok(Self { url: format!("http://{host}:{port}"), http, key })
    }

    async fn send(&self, call: &str, body: &str) -> Result<(StatusCode, Value)> {
        let request = self.http.post(format!("{}/v1/{call}", self.url)).basic_auth(&self.key, Some(""));
        let reply = request.body(body.to_owned()).send().await?;
        Ok((reply.status(), reply.json().await?))
    }

    async fn ok(&self, call: &str, body: Value) -> Result<()> {
        let (status, answer) = self.send(call, &body.to_string()).await?;
        ensure!(status == StatusCode::OK, "{call} answered {status}: {answer}");
        Ok(())
    }
}

/// The names of all events in the archive.
async fn names(world: &World) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let listed = world.s3.list_objects_v2().bucket(&world.bucket).prefix("segment-logs/web/").send().await?;
    for key in listed.contents().iter().filter_map(|object| object.key()) {
        let mut text = String::new();
        MultiGzDecoder::new(&world.get(key).await?[..]).read_to_string(&mut text)?;
        for line in text.lines() {
            let event: Value = serde_json::from_str(line)?;
            assert!(event["receivedAt"].is_string() && event["messageId"].is_string(), "{event}");
            names.insert(event["event"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(names)
}

async fn wait_for(world: &World, wanted: &[&str]) -> Result<()> {
    let end = Instant::now() + LIMIT;
    loop {
        let found = names(world).await?;
        if wanted.iter().all(|name| found.contains(*name)) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "in the archive: {found:?}, wanted: {wanted:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn whoever_is_suppressed_is_kept_out_with_all_their_ids() -> Result<()> {
    let world = World::new().await?;
    tests::warehouse::fill(&world.warehouse, &["bob".to_owned()], 5).await?;
    let door = Door::open(&world, "web").await?;
    door.ok("identify", json!({"userId": "ada", "anonymousId": "ada-phone"})).await?;
    door.ok("t", json!({"userId": "ada", "event": "before"})).await?;
    door.ok("t", json!({"anonymousId": "ada-phone", "event": "before, nameless"})).await?;
    door.ok("t", json!({"userId": "bob", "event": "bob before"})).await?;
    wait_for(&world, &["before", "before, nameless", "bob before"]).await?;

    let id = world.stack.api.erase(&["ada"]).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let batch = json!({"batch": [
        {"type": "track", "userId": "ada", "event": "after"},
        {"type": "track", "anonymousId": "ada-phone", "event": "after, nameless"},
        {"type": "identify", "userId": "ada", "anonymousId": "ada-laptop"},
        {"type": "track", "userId": "bob", "event": "bob after"},
    ]});
    door.ok("batch", batch).await?;
    door.ok("track", json!({"anonymousId": "ada-laptop", "event": "a new device"})).await?;
    door.ok("track", json!({"userId": "bob", "event": "bob at last"})).await?;
    let regulation = world.stack.api.wait(&id, LIMIT, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    wait_for(&world, &["bob after", "bob at last"]).await?;
    let left: Vec<String> = names(&world).await?.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(left, ["bob after", "bob at last", "bob before"], "ada is gone, her devices with her");
    Ok(())
}

#[tokio::test]
async fn bad_input_is_answered_as_segment_answers_it_and_loses_no_neighbour() -> Result<()> {
    let world = World::new().await?;
    let door = Door::open(&world, "web").await?;
    let track =
        |name: &str, size| json!({"type": "track", "userId": "u", "event": name, "x": "x".repeat(size)});
    let many: Vec<Value> = (0..2_000).map(|n| track(&format!("many {n}"), 0)).collect();
    let long: Vec<Value> = (0..60).map(|_| track("long", 10_000)).collect();
    for (body, wanted) in [
        ("{\"batch\": [".to_owned(), StatusCode::BAD_REQUEST),
        (json!({"batch": [track("large", 40_000)]}).to_string(), StatusCode::BAD_REQUEST),
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
    let stranger = Door { key: "unknown".into(), url: door.url.clone(), http: door.http.clone() };
    assert_eq!(stranger.send("track", &track("key", 0).to_string()).await?.0, StatusCode::UNAUTHORIZED);
    let garbled = door.http.post(format!("{}/v1/track", door.url)).basic_auth(&door.key, Some(""));
    let garbled = garbled.header("content-encoding", "gzip").body("no gzip").send().await?;
    assert_eq!(garbled.status(), StatusCode::BAD_REQUEST);
    wait_for(&world, &["clock", "many 0", "many 1999"]).await?;
    let found = names(&world).await?;
    assert_eq!(found.len(), 2_001, "every good event and no other");
    Ok(())
}
