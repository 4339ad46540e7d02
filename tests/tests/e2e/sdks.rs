//! Segment's own SDKs, unmodified but for the host: they lose nothing, and bring nobody back.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::json;
use tests::ingest::{TrackingClient, collected, names, wait_for};
use tests::process::root;
use tests::proxy::Proxy;
use tests::world::{Options, World};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

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

    async fn says(&mut self, what: &str) -> Result<()> {
        let said = self.says.next_line().await?;
        ensure!(said.as_deref() == Some(what), "the SDK failed: its errors are above");
        Ok(())
    }

    async fn go_on(&mut self) -> Result<()> {
        Ok(self.orders.write_all(b"go on\n").await?)
    }

    async fn end(mut self) -> Result<()> {
        self.says("sent").await?;
        ensure!(self.child.wait().await?.success(), "the SDK lost events: its errors are above");
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        self.go_on().await?;
        self.says("sent").await?;
        self.end().await
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
    // No run waits for the recorder here: it may take its time on a busy machine.
    let world = World::with(Options { record_timeout: Some(60), ..Options::default() }).await?;
    let door = TrackingClient::open(&world, "web").await?;
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
        sdk.says("sent").await?;
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

/// Segment's SDK in a real browser, on a page of another origin: it gets through the preflight, and, after the door was
/// closed for a while, through it again.
#[tokio::test]
async fn segments_own_browser_sdk_gets_in_and_keeps_nobody_in() -> Result<()> {
    let world = World::collecting().await?;
    let door = TrackingClient::open(&world, "web").await?;
    let mut sdk = Sdk::start(&["node", "browser.mjs"], &door.url, &door.key)?;
    sdk.says("sent").await?;
    wait_for(&world, "web", &["ada before", "bob before"]).await?;
    let suppress =
        json!({"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["ada"]});
    world.stack.api.post("/regulations", &suppress).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    sdk.go_on().await?;
    sdk.says("sent").await?;

    let table = world.stack.output("SuppressionsTable")?.to_owned();
    world.stack.expect_refusal("table/gone").await?;
    world.stack.configure("collect", &[("SUPPRESSIONS_TABLE", "gone")]).await?;
    sdk.go_on().await?;
    sdk.says("refused").await?;
    world.stack.configure("collect", &[("SUPPRESSIONS_TABLE", &table)]).await?;
    sdk.go_on().await?;
    sdk.end().await?;

    let wanted = ["ada before", "bob before", "bob after", "carol, at the second try"];
    let found = wait_for(&world, "web", &wanted).await?;
    assert_eq!(names(&found), wanted.into(), "ada is kept out");
    let whose = |user: &str| found.iter().filter(|event| event["userId"] == user).count();
    assert_eq!((whose("ada"), whose("bob")), (2, 6), "identified and one event; all that he did");
    let seen = found.iter().find(|event| event["event"] == "bob after").context("it was waited for")?;
    assert_eq!(seen["context"]["library"]["name"], "analytics.js", "{seen}");
    what_the_go_sdk_sends_is_taken(&world, &door).await
}

/// Segment's Go SDK cannot be had from the tests' registries, so that they do not run it: this is what it sends. See
/// `upload` and `send` in analytics.go, `batch` in message.go and fixtures/test-enqueue-*.json of
/// <https://github.com/segmentio/analytics-go>, version 3: the batch's own message id, and one context for all.
async fn what_the_go_sdk_sends_is_taken(world: &World, door: &TrackingClient) -> Result<()> {
    let batch = json!({
        "messageId": "a-batch", "sentAt": "2026-11-24T20:00:01.5Z",
        "batch": [
            {"type": "identify", "messageId": "go-1", "userId": "123456", "timestamp": "2026-11-24T20:00:00Z",
             "traits": {"email": "tom@example.com"}},
            {"type": "track", "messageId": "go-2", "userId": "123456", "event": "Download",
             "timestamp": "2026-11-24T20:00:00.123456789+01:00", "properties": {"platform": "osx"}},
            {"type": "alias", "messageId": "go-3", "previousId": "A", "userId": "B", "timestamp": "2026-11-24T20:00:00Z"},
        ],
        "context": {"library": {"name": "analytics-go", "version": "3.0.0"}},
    });
    let request = door.request("batch").body(batch.to_string());
    let request = request.header("user-agent", "analytics-go (version: 3.0.0)");
    let reply = request.header("content-type", "application/json").send().await?;
    // Below 300 is all that it asks for.
    assert_eq!(reply.status(), StatusCode::OK, "{}", reply.text().await?);
    let found = wait_for(world, "web", &["Download"]).await?;
    let theirs: Vec<_> =
        found.iter().filter(|event| event["context"]["library"]["name"] == "analytics-go").collect();
    let ids: BTreeSet<&str> = theirs.iter().filter_map(|event| event["messageId"].as_str()).collect();
    assert_eq!(ids, ["go-1", "go-2", "go-3"].into(), "the batch's context is each event's, its id is none's");
    assert_eq!(theirs.iter().filter(|event| event["previousId"] == "A").count(), 1);
    Ok(())
}
