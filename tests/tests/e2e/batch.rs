//! Regulations by the thousand: messages of the queue, and the files that they name.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value, json};
use tests::people::THREE;
use tests::queue::{ended, find, redeliver_after, send, take};
use tests::s3::{Fault, Rule, S3};
use tests::scenario::Scenario;
use tests::stack::Stack;
use tests::world::{Options, World};

use crate::idempotence::kill_when;

/// How many subjects the large file has; a million of them have a test of their own.
const SUBJECTS: usize = 20_000;

const QUEUE: &str = "BatchQueue";
const DEAD_LETTERS: &str = "BatchDeadLetters";

/// One stack, and one thing after the other.
#[tokio::test]
async fn every_subject_of_a_message_or_a_file_is_accounted_for() -> Result<()> {
    let world = World::new().await?;
    a_message_with_subjects(&world).await?;
    bad_messages_among_good_neighbours(&world).await?;
    a_file_whose_reader_is_killed_and_that_is_sent_twice(&world).await?;

    a_file_is_deleted_though_the_first_try_fails_and_no_newer_one(&world).await?;

    let logs = world.stack.logs().await?;
    assert!(logs.contains("\"target\":\"batch::"), "the function logged");
    for secret in THREE.into_iter().chain([SECRET]) {
        assert!(!stands_in(&logs, secret), "{secret} stands in the logs");
    }
    assert!(!logs.contains("subject-0"), "a subject stands in the logs");
    Ok(())
}

/// Whether a text stands in another, and not as a part of an id or a number.
fn stands_in(text: &str, whole: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    text.match_indices(whole)
        .any(|(at, found)| !text[..at].ends_with(part) && !text[at + found.len()..].starts_with(part))
}

/// A message goes the same way as a call of the API, and a bad subject takes none of its neighbours with it.
async fn a_message_with_subjects(world: &World) -> Result<()> {
    let scenario = Scenario::set(world).await?;
    let [first, second, third] = THREE;
    let body = json!({
        "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID",
        "subjectIds": [first, second, " ", first, third],
    });
    let message = send(&world.stack, QUEUE, &body.to_string()).await?;
    let batch = ended(&world.stack, &message).await?;
    assert_eq!(batch["status"], "ACCEPTED", "{batch:#}");
    let expected = json!({ "lines": 5, "subjects": 3, "duplicates": 1, "refused": 1, "blank": 0, "header": 0, "regulations": 1 });
    assert_eq!(batch["account"], expected);
    let refused = refusals(&world.stack, &batch).await?;
    assert_eq!(refused, [(3, "is empty".to_owned())]);

    let id = batch["regulations"][0].as_str().context("a regulation")?;
    let regulation = world.stack.api.wait(id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let actor = format!("{} sent by {}", text(&batch, "id"), text(&batch, "sender"));
    assert_eq!(regulation["actor"], actor);
    scenario.assert_forgotten(world).await?;

    // The first is over: what is sent again is no duplicate of it.
    let again = ended(&world.stack, &send(&world.stack, QUEUE, &body.to_string()).await?).await?;
    assert_eq!(
        (&again["status"], again["regulations"].as_array().map(Vec::len)),
        (&json!("ACCEPTED"), Some(1)),
        "{again:#}"
    );

    let trail = world.stack.api.get("/audit").await?;
    let entries = trail["data"]["entries"].as_array().context("entries")?;
    for (object, action) in [(text(&batch, "id"), "batch"), (id.to_owned(), "batch: regulation")] {
        let of = |entry: &&Value| entry["object"] == object.as_str() && entry["caller"] == "batch";
        let entry = entries.iter().find(of).with_context(|| format!("{object} is not in the trail"))?;
        assert_eq!((&entry["action"], &entry["status"]), (&json!(action), &json!(200)), "{entry:#}");
        assert_eq!(entry["callerName"], batch["sender"]);
    }
    Ok(())
}

const SECRET: &str = "planted.ada@example.com";

/// What can never succeed lies in the dead-letter queue with the reason, and comes back when it is put right.
async fn bad_messages_among_good_neighbours(world: &World) -> Result<()> {
    let stack = &world.stack;
    let bucket = stack.output("LetheBucket")?;
    let key = format!("batches/{SECRET}.csv");
    let missing = json!({
        "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "file": { "bucket": bucket, "key": key },
    });
    let good = |id: &str| suppress(&[id]).to_string();
    let bodies = [
        (good("neighbour-1"), None),
        (SECRET.to_owned(), Some("the message cannot be read: is not valid JSON (line 1, column 1)")),
        (missing.to_string(), Some("there is no such file")),
        (
            json!({ "regulationType": SECRET, "subjectType": "USER_ID", "subjectIds": [SECRET] }).to_string(),
            Some("regulationType must be one of"),
        ),
        (suppress(&["", "\t"]).to_string(), Some("no line names a subject")),
        (good("neighbour-2"), None),
    ];
    let mut messages = Vec::new();
    for (body, _) in &bodies {
        messages.push(send(stack, QUEUE, body).await?);
    }
    let mut dead: Vec<Value> = Vec::new();
    for ((_, reason), message) in bodies.iter().zip(&messages) {
        let batch = ended(stack, message).await?;
        let status = if reason.is_some() { "REFUSED" } else { "ACCEPTED" };
        assert_eq!(batch["status"], status, "{batch:#}");
        if let Some(reason) = reason {
            assert!(text(&batch, "problem").contains(reason), "{batch:#}");
            assert_eq!(batch["regulations"], json!([]));
            assert!(!batch.to_string().contains("ada@"), "{batch:#}");
            dead.push(take(stack, DEAD_LETTERS).await?);
        }
    }
    for ((body, reason), message) in bodies.iter().zip(&messages) {
        let Some(reason) = reason else { continue };
        let note = |letter: &Value, name: &str| text(&letter["MessageAttributes"][name], "StringValue");
        let letter =
            dead.iter().find(|letter| note(letter, "MessageId") == *message).context("a dead letter")?;
        assert_eq!(letter["Body"], body.as_str(), "it can be sent again as it is");
        assert!(
            note(letter, "Reason").contains(reason) && !note(letter, "Reason").contains("ada@"),
            "{letter:#}"
        );
    }
    // The file is there now, and the message comes back.
    let file = format!("user_id;mail\nfiled-1;{SECRET}\n");
    world.s3.put_object().bucket(bucket).key(&key).body(file.into_bytes().into()).send().await?;
    let message = send(stack, QUEUE, &missing.to_string()).await?;
    let batch = ended(stack, &message).await?;
    assert_eq!(
        (text(&batch, "status"), &batch["account"]["subjects"]),
        ("ACCEPTED".to_owned(), &json!(1)),
        "{batch:#}"
    );
    Ok(())
}

fn suppress(ids: &[&str]) -> Value {
    json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ids })
}

/// A file is read to its end though the function is killed in the middle; the same subjects sent again, in another
/// file, are known.
async fn a_file_whose_reader_is_killed_and_that_is_sent_twice(world: &World) -> Result<()> {
    let stack = &world.stack;
    // The queue waits for an hour and a half for what it delivered: too long for a test. On a busy machine the file takes
    // longer than a few seconds, and a message that is delivered ten times meanwhile goes to the dead letters.
    redeliver_after(stack, stack.output(QUEUE)?, 60).await?;
    let ids: Vec<_> = (0..SUBJECTS).map(|n| format!("subject-{n:06}")).collect();
    // The second hundred again, a blank line, and one that names nobody.
    let lines = ids.iter().chain(&ids[100..200]).map(|id| format!("{id},\"a, b\"\r\n"));
    let csv = format!("User ID,note\r\n{}\r\n,\r\n", lines.collect::<String>());
    let message = send(stack, QUEUE, &put(world, "batches/a", &gzip(csv.as_bytes())?).await?).await?;

    let before = stack.executions("DeletionStateMachine").await?.len();
    kill_when("BatchFunction", stack.output(QUEUE)?, async || {
        Ok(stack.executions("DeletionStateMachine").await?.len() > before)
    })
    .await?;
    let half = find(stack, &message).await?.context("a batch")?;
    assert_eq!(half["status"], "RUNNING", "killed too late to tell anything: {half:#}");
    let batch = ended(stack, &message).await?;
    let expected = json!({
        "lines": SUBJECTS + 103, "subjects": SUBJECTS, "duplicates": 100, "refused": 1, "blank": 1, "header": 1,
        "regulations": SUBJECTS / 5_000,
    });
    assert_eq!((text(&batch, "status"), &batch["account"]), ("ACCEPTED".to_owned(), &expected), "{batch:#}");
    assert_eq!(refusals(stack, &batch).await?, [(SUBJECTS as u64 + 103, "is empty".to_owned())]);

    let json: String = ids.iter().map(|id| format!("{{\"userId\":\"{id}\"}}\n")).collect();
    let again = send(stack, QUEUE, &put(world, "batches/b", json.as_bytes()).await?).await?;
    let duplicate = ended(stack, &again).await?;
    assert_eq!(
        (&duplicate["status"], &duplicate["duplicateOf"]),
        (&json!("DUPLICATE"), &batch["id"]),
        "{duplicate:#}"
    );

    let mut made = regulations(stack, &batch, SUBJECTS / 5_000).await?;
    let listed = stack.api.get("/regulations?regulationTypes=SUPPRESS_ONLY").await?;
    let listed = listed["data"]["regulations"].as_array().context("regulations")?.iter();
    let large: Vec<_> =
        listed.filter(|one| one["subjectCount"] == 5_000).map(|one| text(one, "id")).collect();
    made.sort();
    assert_eq!(BTreeSet::from_iter(large), BTreeSet::from_iter(made), "no others were made");
    let suppressed = suppressed(stack).await?;
    assert!(ids.iter().all(|id| suppressed.contains(id)), "each of them is suppressed");
    Ok(())
}

/// An accepted file goes with what it was written over. The work breaks off before that, a newer file comes under its
/// name, and the message is delivered again, and once more.
async fn a_file_is_deleted_though_the_first_try_fails_and_no_newer_one(world: &World) -> Result<()> {
    const KEY: &str = "batches/again";
    let stack = &world.stack;
    let proxy = S3::start(stack.aws)?;
    stack.configure("batch", &[("AWS_ENDPOINT_URL_S3", &proxy.url)]).await?;
    let denied = Rule { methods: &[Method::DELETE], path: KEY.to_owned(), times: 1, fault: Fault::Denied };
    proxy.world().rules.push(denied);
    put(world, KEY, b"written-over\n").await?;
    let body = put(world, KEY, b"read\n").await?;
    let message = json!({
        "messageId": "0193aeb1-c2d3-7f6f-8c1e-5a7b9d0e2f41", "receiptHandle": "none", "body": body,
        "attributes": { "SentTimestamp": "1767225600000", "SenderId": "AIDA", "ApproximateReceiveCount": "1" },
    });
    let deliver = async || -> Result<usize> {
        let answer = stack.invoke("batch", &json!({ "Records": [message] })).await?;
        let again = answer["batchItemFailures"].as_array().with_context(|| answer.to_string())?;
        Ok(again.len())
    };
    let bucket = stack.output("LetheBucket")?;
    let left = async || -> Result<usize> {
        let listed = world.s3.list_object_versions().bucket(bucket).prefix(KEY).send().await?;
        assert!(listed.delete_markers().is_empty(), "no version is hidden: it is gone");
        Ok(listed.versions().len())
    };
    assert_eq!((deliver().await?, left().await?), (1, 2), "it comes again");
    let batch = find(stack, text(&message, "messageId").as_str()).await?.context("a batch")?;
    assert_eq!(batch["status"], "ACCEPTED", "{batch:#}");
    put(world, KEY, b"newer\n").await?;
    assert_eq!((deliver().await?, left().await?), (0, 1), "the newer one stays");
    assert_eq!(
        world.s3.get_object().bucket(bucket).key(KEY).send().await?.body.collect().await?.to_vec(),
        b"newer\n"
    );
    assert_eq!((deliver().await?, left().await?), (0, 1), "nothing is left to do");
    Ok(())
}

/// Puts a file into Lethe's bucket, and answers the message that names it.
async fn put(world: &World, key: &str, bytes: &[u8]) -> Result<String> {
    let bucket = world.stack.output("LetheBucket")?;
    world.s3.put_object().bucket(bucket).key(key).body(bytes.to_vec().into()).send().await?;
    let file = json!({ "bucket": bucket, "key": key });
    Ok(json!({ "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "file": file }).to_string())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// The regulations of a batch, once all have ended, and well.
async fn regulations(stack: &Stack, batch: &Value, count: usize) -> Result<Vec<String>> {
    let ids = batch["regulations"].as_array().context("regulations")?;
    assert_eq!(ids.len(), count, "{batch:#}");
    let mut ended = Vec::new();
    for id in ids {
        let id = id.as_str().context("an id")?;
        let regulation = stack.api.wait(id, |_| ()).await?;
        assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
        ended.push(id.to_owned());
    }
    Ok(ended)
}

async fn refusals(stack: &Stack, batch: &Value) -> Result<Vec<(u64, String)>> {
    let answer = stack.api.get(&format!("/batches/{}/refusals", text(batch, "id"))).await?;
    let refusals = answer["data"]["refusals"].as_array().context("refusals")?.iter();
    Ok(refusals.map(|one| (one["line"].as_u64().unwrap_or_default(), text(one, "reason"))).collect())
}

/// Everybody who is suppressed.
async fn suppressed(stack: &Stack) -> Result<BTreeSet<String>> {
    let (mut all, mut next) = (BTreeSet::new(), String::new());
    loop {
        let page = stack.api.get(&format!("/suppressions?pagination.count=1000{next}")).await?;
        for group in page["data"]["suppressed"].as_array().context("suppressed")? {
            let ids = group["subjectIds"].as_array().context("ids")?.iter();
            all.extend(ids.filter_map(|id| id.as_str().map(str::to_owned)));
        }
        match page["data"]["pagination"]["next"].as_str() {
            Some(cursor) => next = format!("&pagination.cursor={cursor}"),
            None => return Ok(all),
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// A million subjects in one message: 200 regulations, and one purge of the archive for all of them. Takes long on a
/// local AWS, so that it is asked for by name:
/// `cargo test --workspace --test e2e -- --ignored a_million_subjects --nocapture`.
#[tokio::test]
#[ignore = "takes long: a million subjects; run it by name"]
#[allow(clippy::print_stdout, reason = "a measurement")]
async fn a_million_subjects_are_accepted_in_one_message() -> Result<()> {
    const MILLION: usize = 1_000_000;
    // Longer than the regulations of the batch are let go one after the other.
    let world = World::with(Options { purge_delay: Some(1_200), ..Options::default() }).await?;
    let stack = &world.stack;
    tests::warehouse::fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let event = |n: usize| format!("{{\"userId\":\"subject-{n:07}\"}}\n");
    let theirs: String = (0..MILLION).step_by(1_000).map(event).collect();
    let key = format!("{}web/1767225600000/a.jsonl", tests::archive::PREFIX);
    world.put(&key, format!("{theirs}{}", event(MILLION)).as_bytes()).await?;

    let file: String = (0..MILLION).map(|n| format!("subject-{n:07}\n")).collect();
    let body = put(&world, "batches/million", &gzip(file.as_bytes())?).await?;
    let body = body.replace("SUPPRESS_ONLY", "DELETE_INTERNAL");
    let since = Instant::now();
    let message = send(stack, QUEUE, &body).await?;
    let batch = ended(stack, &message).await?;
    println!("accepted after {:.0} s", since.elapsed().as_secs_f64());
    let expected = json!({
        "lines": MILLION, "subjects": MILLION, "duplicates": 0, "refused": 0, "blank": 0, "header": 0,
        "regulations": 200,
    });
    assert_eq!((text(&batch, "status"), &batch["account"]), ("ACCEPTED".to_owned(), &expected), "{batch:#}");
    let mut subjects = 0;
    for id in batch["regulations"].as_array().context("regulations")? {
        let id = id.as_str().context("an id")?;
        let regulation = stack.api.wait(id, |_| ()).await?;
        assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
        subjects += regulation["subjectCount"].as_u64().unwrap_or_default();
    }
    println!("all have ended after {:.0} s", since.elapsed().as_secs_f64());
    assert_eq!(subjects, MILLION as u64);
    assert_eq!(world.get(&key).await?, event(MILLION).as_bytes());
    let runs = stack.api.get("/purge-runs").await?;
    assert_eq!(runs["data"]["purgeRuns"].as_array().map(Vec::len), Some(1), "one run for all: {runs:#}");
    Ok(())
}
