//! Events come in through the tracking API, land in the archive, and stop at the door for whoever is suppressed.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::door::{Door, collected, wait_for};
use tests::process::root;
use tests::proxy::Proxy;
use tests::scenario::LIMIT;
use tests::world::World;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The names of all events in the archive.
fn names(events: &[Value]) -> BTreeSet<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
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
    wait_for(&world, "web", &["before", "before, nameless", "bob before"]).await?;

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
    let left = wait_for(&world, "web", &["bob after", "bob at last"]).await?;
    let left: Vec<&str> = names(&left).into_iter().collect();
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

    // Without the suppression list nobody knows who may come in: nothing is kept.
    let table = world.stack.output("SuppressionsTable")?.to_owned();
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

    let found = wait_for(&world, "web", &["clock", "many 0", "many 1999", "last"]).await?;
    assert!(found.iter().all(|event| event["receivedAt"].is_string() && event["messageId"].is_string()));
    assert_eq!(names(&found).len(), 2_002, "every good event and no other");
    Ok(())
}

/// One of Segment's SDKs at work.
struct Sdk {
    child: Child,
    orders: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
}

impl Sdk {
    fn start(program: &[&str], url: &str, key: &str) -> Result<Self> {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).current_dir(root().join("tests/sdk")).kill_on_drop(true);
        command.env("COLLECT_URL", url).env("WRITE_KEY", key).env("NO_PROXY", "127.0.0.1");
        command.env("USERS", USERS.to_string()).env("ROUND", ROUND.to_string());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context(program[0].to_owned())?;
        let orders = child.stdin.take().context("no stdin")?;
        let says = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        Ok(Self { child, orders, says })
    }

    async fn sent(&mut self) -> Result<()> {
        ensure!(
            self.says.next_line().await?.as_deref() == Some("sent"),
            "the SDK failed: its errors are above"
        );
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        self.orders.write_all(b"go on\n").await?;
        self.sent().await?;
        self.sent().await?;
        ensure!(self.child.wait().await?.success(), "the SDK lost events: its errors are above");
        Ok(())
    }
}

/// Of each SDK: 100 users with 50 events each, in three rounds, of which the second and third are sent together.
const USERS: usize = 100;
const ROUND: usize = 17;
const ROUNDS: usize = 3;

/// What Segment's own SDKs send for 200 users is in the archive, of which 20 are suppressed half-way: all that they
/// sent before, and nothing from a second after the call on.
#[tokio::test]
async fn segments_own_sdks_lose_nothing_and_bring_nobody_back() -> Result<()> {
    let world = World::new().await?;
    let door = Door::open(&world, "web").await?;
    let api = world.stack.output("CollectApiId")?;
    // A name that the system's resolver knows.
    let host = Proxy::start(&format!("{}/_aws/execute-api/{api}/$default", world.stack.aws.url()))?;
    let python = root().join(".venv-segment/bin/python");
    let python = python.to_string_lossy();
    let mut sdks = [
        Sdk::start(&["node", "events.cjs"], &host.url, &door.key)?,
        Sdk::start(&[&python, "events.py"], &host.url, &door.key)?,
    ];
    for sdk in &mut sdks {
        sdk.sent().await?;
    }
    let gone: Vec<String> =
        ["node", "python"].iter().flat_map(|sdk| (0..10).map(move |n| format!("{sdk}-{n}"))).collect();
    let called = Timestamp::now();
    let suppress = json!({"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": gone});
    world.stack.api.post("/regulations", &suppress).await?;
    let answered = Timestamp::now();
    let [node, python] = sdks;
    tokio::try_join!(node.finish(), python.finish())?;

    let mut wanted = Vec::new();
    for (sdk, user) in ["node", "python"].into_iter().flat_map(|sdk| (0..USERS).map(move |user| (sdk, user)))
    {
        let rounds = if gone.contains(&format!("{sdk}-{user}")) { 1 } else { ROUNDS };
        let events = (0..rounds).flat_map(|round| (0..ROUND).map(move |event| (round, event)));
        wanted.extend(events.map(|(round, event)| format!("{sdk}-{user}-{round}-{event}")));
    }
    let found = wait_for(&world, "web", &wanted).await?;
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut latest = SignedDuration::ZERO;
    for event in &found {
        let name = event["event"].as_str().unwrap_or_default();
        if wanted.contains(name) {
            continue;
        }
        // Whatever is here beside that is of somebody suppressed, and came while the suppression took hold.
        let user = event["userId"].as_str().unwrap_or_default();
        assert!(gone.iter().any(|gone| gone == user), "{event}");
        let received: Timestamp = event["receivedAt"].as_str().unwrap_or_default().parse()?;
        assert!(received >= called, "{event}");
        latest = latest.max(received.duration_since(answered));
    }
    assert!(latest <= SignedDuration::from_secs(1), "kept {latest:#} after the suppression was answered");
    let again = collected(&world, "web").await?;
    assert_eq!(names(&again).difference(&names(&found)).count(), 0, "nothing came later");
    Ok(())
}
