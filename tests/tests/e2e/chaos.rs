//! Chaos: calls to AWS and to vendors are throttled, delayed, repeated, lost and cut by chance, AWS is away for
//! a while, functions are killed at any step, and runs are started two at once. At the end every regulation is finished or says what failed, nobody else's
//! data changed, nothing is locked and nothing waits.
//!
//! `make test` plays one round; `make chaos ROUNDS=100 [SEED=7]` plays more.

use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::api::destinations;
use tests::chaos::Chaos;
use tests::ingest::{TrackingClient, collected};
use tests::people::THREE;
use tests::progress::until;
use tests::scenario::{Scenario, retry};
use tests::stack::functions;
use tests::traces::items;
use tests::world::{Options, World};
use tokio::time::sleep;

use crate::idempotence::kill;

/// A number that may be given to `make chaos`.
pub(super) fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn regulations_end_truthfully_whatever_fails_on_the_way() -> Result<()> {
    let seed = given("SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    let world = World::with(Options { retry_window: Some(120), ..Options::default() }).await?;
    let (aws, braze) = (Chaos::start(&world.stack.aws.url())?, Chaos::start(&world.braze.url)?);
    lead_through(&world, &aws, &functions()?).await?;
    let moved =
        json!({ "settings": { "endpoint": braze.url }, "secrets": world.braze.destination()["secrets"] });
    let id = destination(&world, "Braze").await?;
    let (status, answer) =
        world.stack.api.send(Method::PATCH, &format!("/destinations/{id}"), Some(&moved)).await?;
    ensure!(status.is_success(), "{answer}");

    for round in 0..given("ROUNDS").unwrap_or(1) {
        let seed = seed + round;
        eprintln!("chaos: round {round}, SEED={seed}");
        let scenario = Scenario::with_events(&world, 100).await?;
        aws.begin(seed);
        braze.begin(seed);
        let killer = tokio::spawn(kill_by_chance(world.stack.output("RegulationsTable")?.to_owned(), seed));
        let (ended, ()) = tokio::join!(forget_each(&world), leave_once(&aws, seed));
        killer.abort();
        let (troubles, vendors) = (aws.end(), braze.end());
        eprintln!("chaos: {troubles:?} {vendors:?}");
        ensure!(troubles.values().sum::<usize>() > 20, "hardly anything went wrong: {troubles:?}");
        for regulation in ended.with_context(|| format!("SEED={seed}"))? {
            let regulation =
                until_finished(&world, regulation).await.with_context(|| format!("SEED={seed}"))?;
            assert_eq!(regulation["overallStatus"], "FINISHED", "SEED={seed} {regulation:#}");
        }
        scenario.assert_forgotten(&world).await?;
        assert_at_rest(&world).await.with_context(|| format!("SEED={seed}"))?;
    }
    Ok(())
}

/// Makes the functions call AWS through a network that fails.
async fn lead_through(world: &World, chaos: &Chaos, functions: &[String]) -> Result<()> {
    let services = ["DYNAMODB", "KMS", "LAMBDA", "S3", "SECRETS_MANAGER", "SFN", "SQS"];
    let names = services.map(|service| format!("AWS_ENDPOINT_URL_{service}"));
    let change = names.each_ref().map(|name| (name.as_str(), chaos.url.as_str()));
    for function in functions.iter().filter(|name| *name != "console") {
        world.stack.configure(function, &change).await?;
    }
    Ok(())
}

async fn destination(world: &World, name: &str) -> Result<String> {
    let listed = world.stack.api.get("/destinations").await?["data"]["destinations"].take();
    let found = listed.as_array().into_iter().flatten().find(|one| one["name"] == name);
    Ok(found.and_then(|one| one["id"].as_str()).with_context(|| format!("no {name}: {listed}"))?.to_owned())
}

/// AWS is away once, as if it restarted, after it was there for some seconds.
async fn leave_once(aws: &Chaos, seed: u64) {
    let mut dice = Rng::with_seed(seed);
    sleep(Duration::from_secs(dice.u64(2..8))).await;
    aws.go_away(Duration::from_secs(dice.u64(3..15)));
}

/// Kills all processes of a function every few seconds, as machines that fail do.
async fn kill_by_chance(resource: String, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    let victims = [
        "SuppressFunction",
        "PurgeRunFunction",
        "PurgeFunction",
        "EraseFunction",
        "ForwardFunction",
        "AuditFunction",
    ];
    loop {
        sleep(Duration::from_millis(dice.u64(1_000..4_000))).await;
        kill(victims[dice.usize(..victims.len())], &resource)?;
    }
}

/// Each of the three asks alone, at once; so that they meet at the archive, the warehouse and the vendor. Answers the
/// regulations as they ended.
async fn forget_each(world: &World) -> Result<Vec<Value>> {
    let mut ids = Vec::new();
    for who in THREE {
        let body = json!({ "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": [who] });
        let made = ask(world, Method::POST, "/regulations", &body).await?;
        ids.push(made["data"]["regulateId"].as_str().with_context(|| made.to_string())?.to_owned());
    }
    let begin = json!({});
    // One may be told that the other is under way.
    let runs = tokio::join!(
        ask(world, Method::POST, "/purge-runs", &begin),
        ask(world, Method::POST, "/purge-runs", &begin)
    );
    drop(runs);
    let mut ended = Vec::new();
    for id in ids {
        ended.push(wait(world, &id).await?);
    }
    Ok(ended)
}

/// Sends a request until the answer is no failure of ours, always with the same `Idempotency-Key`, as the README asks of
/// clients.
async fn ask(world: &World, method: Method, path: &str, body: &Value) -> Result<Value> {
    let key = format!("{:032x}", fastrand::u128(..));
    until(async || {
        let answer = if method == Method::GET {
            world.stack.api.send(Method::GET, path, None).await
        } else {
            let sent = world.stack.api.post_with(path, &[("idempotency-key", &key)], body).await;
            sent.map(|(status, _, answer)| (status, answer))
        };
        let Ok((status, answer)) = answer else { return Ok(Continue(StatusCode::BAD_GATEWAY)) };
        let under_way = answer["errors"][0]["type"] == "under-way";
        Ok(if status.is_server_error() || under_way { Continue(status) } else { Break(answer) })
    })
    .await
}

/// A regulation, once it has ended.
async fn wait(world: &World, id: &str) -> Result<Value> {
    until(async || {
        let path = format!("/regulations/{id}");
        let regulation = ask(world, Method::GET, &path, &Value::Null).await?["data"]["regulation"].take();
        let open = matches!(regulation["overallStatus"].as_str(), Some("INITIALIZED" | "RUNNING"));
        Ok(if open { Continue(regulation) } else { Break(regulation) })
    })
    .await
}

/// A regulation that failed says why at each place, and a retry in calm weather completes it.
async fn until_finished(world: &World, regulation: Value) -> Result<Value> {
    if regulation["overallStatus"] == "FINISHED" {
        return Ok(regulation);
    }
    eprintln!("chaos: {} is {}", regulation["id"], regulation["overallStatus"]);
    for task in destinations(&regulation).iter().filter(|task| task["taskStatus"] == "FAILED") {
        ensure!(
            task["errString"].as_str().is_some_and(|why| !why.is_empty()),
            "it failed without a reason: {task:#}"
        );
    }
    retry(world, &regulation).await
}

/// No execution runs, no run holds the lock, nobody waits, no message is left.
async fn assert_at_rest(world: &World) -> Result<()> {
    for machine in ["DeletionStateMachine", "PurgeRunStateMachine"] {
        let arn = world.stack.output(machine)?;
        until(async || {
            let list = json!({ "stateMachineArn": arn, "statusFilter": "RUNNING" });
            let running = world.stack.aws.call("states", "AWSStepFunctions.ListExecutions", list).await?;
            let running = running["executions"].as_array().map_or(0, Vec::len);
            Ok(if running == 0 { Break(()) } else { Continue(format!("{running} executions of {machine}")) })
        })
        .await?;
    }
    let held = items(world, "RunsTable").await?;
    let held: Vec<_> = held
        .iter()
        .filter(|item| {
            matches!(item["pk"]["S"].as_str(), Some("LOCK" | "WAITING")) || item["sk"]["S"] == "LEASE"
        })
        .collect();
    assert!(held.is_empty(), "locks, leases or regulations that wait: {held:#?}");
    let uploads = world.s3.list_multipart_uploads().bucket(&world.bucket).send().await?;
    assert!(uploads.uploads().is_empty(), "uploads that nobody completes");
    Ok(())
}

/// Clients send their events again until they are told that they were taken, as SDKs do. Each event arrives at least once,
/// and none of a person whose suppression was acknowledged before the event was sent.
#[tokio::test]
async fn no_event_is_lost_and_no_suppressed_person_comes_in_whatever_fails_on_the_way() -> Result<()> {
    let seed = given("SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    eprintln!("chaos: SEED={seed}");
    let world = World::collecting().await?;
    let client = TrackingClient::open(&world, "web").await?;
    let aws = Chaos::start(&world.stack.aws.url())?;
    lead_through(&world, &aws, &["collect", "record", "suppress", "intake"].map(str::to_owned)).await?;
    aws.begin(seed);
    let killer = tokio::spawn(kill_recorders(world.stack.output("SuppressionsTable")?.to_owned(), seed));
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for turn in 0..8 {
        for who in ["ada", "bob", "eve"] {
            let name = format!("{who}-{turn}");
            send(&client, &json!({ "userId": who, "event": name, "messageId": name })).await?;
            if who == "ada" && turn > 3 { unwanted.push(name) } else { wanted.push(name) }
        }
        if turn == 3 {
            let ada = json!({ "subjects": [{ "type": "USER_ID", "id": "ada" }] });
            let answer = ask(&world, Method::POST, "/suppressions", &ada).await?;
            ensure!(answer["data"].is_object(), "{answer}");
            // Collectors read the list at least this often.
            sleep(Duration::from_secs(1)).await;
        }
    }
    killer.abort();
    eprintln!("chaos: {:?}", aws.end());
    let found = tests::ingest::wait_for(
        &world,
        "web",
        &wanted.iter().filter(|n| !n.starts_with("ada")).collect::<Vec<_>>(),
    )
    .await;
    let found = found.with_context(|| format!("SEED={seed}"))?;
    let names = tests::ingest::names(&found);
    assert!(unwanted.iter().all(|name| !names.contains(name.as_str())), "SEED={seed} {names:?}");
    // Until the queue is empty: what comes late must be nobody's either.
    let late = collected(&world, "web").await?;
    assert!(unwanted.iter().all(|name| !tests::ingest::names(&late).contains(name.as_str())), "SEED={seed}");
    Ok(())
}

async fn kill_recorders(resource: String, seed: u64) -> Result<()> {
    let mut dice = Rng::with_seed(seed);
    loop {
        sleep(Duration::from_millis(dice.u64(1_000..4_000))).await;
        kill("RecordFunction", &resource)?;
    }
}

/// Sends an event until it is taken.
async fn send(client: &TrackingClient, event: &Value) -> Result<()> {
    until(async || {
        let sent = client.send("track", &event.to_string()).await;
        Ok(match sent {
            Ok((StatusCode::OK, _)) => Break(()),
            Ok((status, _)) if !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                anyhow::bail!("refused: {status}")
            }
            sent => Continue(sent.map(|(status, _)| status).ok()),
        })
    })
    .await
}
