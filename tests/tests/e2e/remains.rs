//! What still holds a person once everything about them is sealed: the list in `infra/THREATS.md`, and nothing else.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::api::Api;
use tests::archive::PREFIX;
use tests::ingest::{TrackingClient, wait_for};
use tests::queue::{ended, send, take};
use tests::traces::{Trace, everything, files};
use tests::world::World;

/// Part of every identifier of hers, and what no hash and no Base64 of one holds by chance.
const MARK: &str = "qz-planted";
const ADA: &str = "qz-planted.ada+lovelace@example.com";
const PHONE: &str = "qz-planted.phone";
/// A user id that she had before, by what a server says.
const FORMER: &str = "qz-planted.ada-before";
/// Of people who are in files and messages of the batch queue.
const FILED: &str = "qz-planted.filed@example.com";
const LISTED: &str = "qz-planted.listed@example.com";
const REFUSED: &str = "qz-planted.refused@example.com";
/// Who was suppressed by a call, and let in again.
const LET_IN: &str = "qz-planted.let-in@example.com";

#[tokio::test]
async fn nothing_but_what_is_documented_holds_who_was_erased() -> Result<()> {
    let world = World::collecting().await?;
    let api = &world.stack.api;
    let mut answers = Vec::new();
    bring_her_everywhere(&world).await?;
    answers.extend(ask_with_kept_answers(api).await?);
    answers.extend(page_through_lists(api).await?);
    batches(&world).await?;

    let erase =
        json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": [ADA] });
    let key = [("idempotency-key", ADA)];
    let (status, _, made) = api.post_with("/regulations", &key, &erase).await?;
    ensure!(status.is_success(), "{made}");
    answers.push(api.post_with("/regulations", &key, &erase).await?.2.to_string());
    finished(api, &made).await?;
    // She comes back with another device, and her former id is named by itself, which certificates ask for.
    let door = TrackingClient::open(&world, "app").await?;
    door.ok("identify", json!({ "userId": ADA, "anonymousId": format!("{MARK}.new-device") })).await?;
    let rest =
        json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [FORMER, FILED] });
    finished(api, &api.post("/regulations", &rest).await?).await?;
    let rehearsal = api.post("/regulations?dryRun=true", &erase).await?;
    answers.push(rehearsal.to_string());

    assert_eq!(remains(&everything(&world).await?), documented());
    for answer in answers {
        assert!(!answer.contains(MARK), "an answer repeats who was asked about: {answer}");
    }
    Ok(())
}

/// Where her identifiers stand, each place with the identifier that is found there.
type Remains = BTreeSet<(String, String)>;

/// The list of `infra/THREATS.md`, of what happens in this test.
fn documented() -> Remains {
    [
        // Suppressed, she and what was hers alone.
        ("SuppressionsTable suppressed", ADA),
        ("SuppressionsTable suppressed", PHONE),
        // As an anonymous id: an alias does not say of which kind a former id is.
        ("SuppressionsTable suppressed", FORMER),
        // Erased or let in again, for 30 days: late events of theirs are dropped.
        ("SuppressionsTable expires", FORMER),
        ("SuppressionsTable expires", FILED),
        ("SuppressionsTable expires", LISTED),
        ("SuppressionsTable expires", LET_IN),
        // A message that was refused can be sent again for 14 days.
        ("BatchDeadLetters", REFUSED),
    ]
    .map(|(place, id)| (place.to_owned(), id.to_owned()))
    .into()
}

fn remains(traces: &[Trace]) -> Remains {
    let holding = traces.iter().filter(|trace| trace.text.contains(MARK));
    holding
        .map(|trace| remnant(trace).unwrap_or_else(|| (trace.place.to_owned(), around(&trace.text))))
        .collect()
}

/// What a trace is by the documented list, if it is on it.
fn remnant(trace: &Trace) -> Option<(String, String)> {
    let known = [ADA, PHONE, FORMER, FILED, LISTED, REFUSED, LET_IN];
    if trace.place == "BatchDeadLetters" {
        let id = known.into_iter().find(|id| trace.text.contains(id))?;
        return Some((trace.place.to_owned(), id.to_owned()));
    }
    let item: Value = serde_json::from_str(&trace.text).ok()?;
    let (_, own) = item["pk"]["S"].as_str()?.split_once('#')?;
    let id = known.into_iter().find(|id| *id == own)?;
    // Nobody else's id stands beside it, but those that it is suppressed with: lifting finds both.
    let (state, beside) = match (item.get("scope"), item.get("expiresAt")) {
        (Some(_), None) if id == ADA => ("suppressed", vec![PHONE, FORMER]),
        (Some(_), None) => ("suppressed", vec![ADA]),
        (None, Some(_)) => ("expires", vec![]),
        _ => return None,
    };
    let rest = beside.into_iter().fold(trace.text.replace(id, ""), |text, other| text.replace(other, ""));
    let alone = !rest.contains(MARK);
    (trace.place == "SuppressionsTable" && alone).then(|| (format!("{} {state}", trace.place), id.to_owned()))
}

fn around(text: &str) -> String {
    let at = text.find(MARK).unwrap_or_default();
    let (from, to) = (text.floor_char_boundary(at.saturating_sub(120)), text.floor_char_boundary(at + 160));
    text[from..to.min(text.len())].to_owned()
}

/// Events with devices of her own and shared ones, an alias, and files of the archive that were written over.
async fn bring_her_everywhere(world: &World) -> Result<()> {
    tests::warehouse::fill(&world.warehouse, &[ADA, FORMER, FILED, LISTED, "bob"].map(str::to_owned), 20)
        .await?;
    world.braze.world().users.extend([ADA, "bob"].map(str::to_owned));
    let door = TrackingClient::open(world, "web").await?;
    for (user, device) in [(ADA, PHONE), (ADA, "family-tablet"), ("bob", "family-tablet")] {
        door.ok("identify", json!({ "userId": user, "anonymousId": device, "traits": { "email": user } }))
            .await?;
    }
    let server = json!({ "name": "Server", "id": "server", "trustedToLink": true });
    let server = world.stack.api.post("/sources", &server).await?["data"].take();
    let server = door.with_key(server["writeKey"].as_str().context("no write key")?);
    server.ok("alias", json!({ "userId": ADA, "previousId": FORMER })).await?;
    let track = |who: &str, event: &str| json!({ "userId": who, "event": event });
    door.ok("track", track(ADA, "hers")).await?;
    door.ok("track", track("bob", "bob's")).await?;
    wait_for(world, "web", &["hers", "bob's"]).await?;
    let old = format!("{PREFIX}web/1767225600000/a.jsonl");
    for lines in [vec![ADA, FORMER, "bob"], vec![FILED, LISTED, "bob"], vec!["bob"]] {
        let lines: String = lines.iter().map(|id| format!("{{\"userId\":\"{id}\"}}\n")).collect();
        world.put(&old, lines.as_bytes()).await?;
    }
    Ok(())
}

/// Calls with an `Idempotency-Key`, whose answers are kept for a day.
async fn ask_with_kept_answers(api: &Api) -> Result<Vec<String>> {
    let (ada, let_in) = (json!({ "type": "USER_ID", "id": ADA }), json!({ "type": "USER_ID", "id": LET_IN }));
    let mut kept = Vec::new();
    for (path, body) in [
        ("/suppressions", json!({ "subjects": [let_in], "reason": "asked by letter" })),
        ("/suppressions/lift", json!({ "subjects": [let_in] })),
        ("/subjects/lookup", json!({ "subject": ada })),
        ("/suppressions/search", json!({ "subject": ada })),
        ("/regulations/search", json!({ "subject": ada })),
    ] {
        for _ in 0..2 {
            let (status, headers, answer) =
                api.post_with(path, &[("idempotency-key", LET_IN)], &body).await?;
            ensure!(status.is_success(), "{path}: {answer}");
            if headers.contains_key("idempotent-replayed") {
                kept.push(answer.to_string());
            }
        }
    }
    ensure!(kept.len() == 2, "the two that change something: {kept:?}");
    Ok(kept)
}

/// The cursors of lists, which stand in URLs.
async fn page_through_lists(api: &Api) -> Result<Vec<String>> {
    let people = [ADA, LISTED].map(|id| json!({ "type": "USER_ID", "id": id }));
    api.post("/suppressions", &json!({ "subjects": people })).await?;
    let mut cursors = Vec::new();
    for (path, at) in [
        ("/suppressions?pagination.count=1", "/data/pagination/next"),
        ("/v1beta/workspaces/w/suppressed-users?page_size=1", "/next_page_token"),
        ("/audit?pagination.count=1", "/data/pagination/next"),
    ] {
        let page = api.get(path).await?;
        let cursor = page.pointer(at).and_then(Value::as_str).with_context(|| format!("{path}: {page}"))?;
        cursors.push(cursor.to_owned());
        cursors.push(String::from_utf8_lossy(&BASE64_URL_SAFE_NO_PAD.decode(cursor)?).into_owned());
    }
    api.post("/suppressions/lift", &json!({ "subjects": people })).await?;
    Ok(cursors)
}

/// Messages that carry subjects, name a file, and are refused; one of these is put right.
async fn batches(world: &World) -> Result<()> {
    let (stack, bucket) = (&world.stack, world.stack.output("LetheBucket")?);
    let key = format!("batches/{MARK}.csv");
    let about = |of: Value| {
        let mut body = json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID" });
        body.as_object_mut()
            .into_iter()
            .for_each(|body| body.extend(of.as_object().cloned().unwrap_or_default()));
        body.to_string()
    };
    let filed = about(json!({ "file": { "bucket": bucket, "key": key } }));
    let refused = send(stack, "BatchQueue", &filed).await?;
    assert_eq!(ended(stack, &refused).await?["status"], "REFUSED", "there is no file yet");
    take(stack, "BatchDeadLetters").await?;
    for text in [format!("{REFUSED}\n"), format!("user_id;mail\n{FILED};{ADA}\n")] {
        world.s3.put_object().bucket(bucket).key(&key).body(text.into_bytes().into()).send().await?;
    }
    for message in [&filed, &about(json!({ "subjectIds": [LISTED] }))] {
        let batch = ended(stack, &send(stack, "BatchQueue", message).await?).await?;
        assert_eq!(batch["status"], "ACCEPTED", "{batch:#}");
        for id in batch["regulations"].as_array().context("regulations")? {
            let regulation = stack.api.wait(id.as_str().context("an id")?, |_| ()).await?;
            assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
        }
    }
    let left = files(world, "LetheBucket", bucket).await?;
    assert!(!left.iter().any(|file| file.text.contains(MARK)), "a file that was accepted is there: {left:?}");
    let refused = about(json!({ "subjectIds": [REFUSED], "file": {} }));
    let refused = send(stack, "BatchQueue", &refused).await?;
    assert_eq!(ended(stack, &refused).await?["status"], "REFUSED");
    Ok(())
}

async fn finished(api: &Api, made: &Value) -> Result<()> {
    let id = made["data"]["regulateId"].as_str().with_context(|| made.to_string())?;
    let regulation = api.wait(id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    Ok(())
}
