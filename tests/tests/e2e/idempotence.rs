//! Every step may run twice, or be killed half-way, with the same end state.

use std::fs;
use std::ops::ControlFlow::{Break, Continue};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};
use tests::api::destinations;
use tests::archive::PREFIX;
use tests::certificate;
use tests::people::{THREE, everyone};
use tests::progress::until_every;
use tests::s3::{Call, Fault, S3};
use tests::scenario::{Scenario, forget_the_three, task};
use tests::stack::Stack;
use tests::warehouse::Holdings;
use tests::world::World;

#[tokio::test]
async fn every_step_run_twice_ends_the_same() -> Result<()> {
    let world = World::new().await?;
    for machine in ["DeletionStateMachine", "PurgeRunStateMachine"] {
        double(&world.stack, machine).await?;
    }
    let scenario = Scenario::set(&world).await?;
    let regulation = forget_the_three(&world).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    for (name, status) in [("Braze", "ACCEPTED"), ("Events archive", "CONFIRMED"), ("Warehouse", "CONFIRMED")]
    {
        assert_eq!(task(&regulation, name).0, status, "{name}: {regulation:#}");
    }
    scenario.assert_forgotten(&world).await?;
    assert_eq!(world.braze.world().calls, 1, "a task that has ended is not done again");

    let api = &world.stack.api;
    let suppressed = api.get("/suppressions").await?;
    let ids = suppressed["data"]["suppressed"][0]["subjectIds"].as_array().context("ids")?;
    assert_eq!(ids.len(), THREE.len(), "{suppressed}");
    let id = regulation["id"].as_str().context("an id")?;
    let certificate = api.get(&format!("/regulations/{id}/certificate")).await?;
    let jws = certificate["data"]["certificate"].as_str().context("no certificate")?;
    let claims = certificate::verify(jws, &api.get("/.well-known/jwks.json").await?)?;
    assert_eq!(claims["subjects"].as_array().map(Vec::len), Some(THREE.len()), "{claims:#}");
    Ok(())
}

/// Puts a state machine in the place of the real one that does each Lambda step twice in a row.
async fn double(stack: &Stack, machine: &str) -> Result<()> {
    let arn = stack.output(machine)?;
    let described = stack
        .aws
        .call("states", "AWSStepFunctions.DescribeStateMachine", json!({ "stateMachineArn": arn }))
        .await?;
    let mut definition: Value =
        serde_json::from_str(described["definition"].as_str().context("a definition")?)?;
    let doubled = double_steps(&mut definition);
    ensure!(doubled >= 4, "{machine} has only {doubled} Lambda steps");
    let update = json!({ "stateMachineArn": arn, "definition": definition.to_string() });
    stack.aws.call("states", "AWSStepFunctions.UpdateStateMachine", update).await?;
    Ok(())
}

/// Puts before each Lambda step a copy of it whose result is thrown away, here and in the machines within.
fn double_steps(machine: &mut Value) -> usize {
    let Some(states) = machine["States"].as_object_mut() else { return 0 };
    let mut doubled = 0;
    let mut first = Map::new();
    for (name, state) in states.iter_mut() {
        for branch in state["Branches"].as_array_mut().into_iter().flatten() {
            doubled += double_steps(branch);
        }
        if state.get("ItemProcessor").is_some() {
            doubled += double_steps(&mut state["ItemProcessor"]);
        }
        if state["Resource"] == "arn:aws:states:::lambda:invoke" {
            let mut copy = state.clone();
            if let Some(copy) = copy.as_object_mut() {
                copy.remove("ResultSelector");
                copy.remove("End");
                copy.insert("ResultPath".into(), Value::Null);
                copy.insert("Next".into(), name.clone().into());
            }
            first.insert(format!("{name}First"), copy);
        }
    }
    let named: Vec<String> =
        first.keys().filter_map(|n| n.strip_suffix("First").map(str::to_owned)).collect();
    for state in states.values_mut() {
        redirect(state, &named);
    }
    doubled += first.len();
    states.extend(first);
    if let Some(start) = machine["StartAt"].as_str().filter(|start| named.iter().any(|n| n == start)) {
        machine["StartAt"] = format!("{start}First").into();
    }
    doubled
}

fn redirect(state: &mut Value, named: &[String]) {
    let Some(fields) = state.as_object_mut() else { return };
    for (field, value) in fields {
        match (field.as_str(), value) {
            ("Next" | "Default", Value::String(next)) if named.contains(next) => next.push_str("First"),
            ("Choices" | "Catch", Value::Array(rules)) => {
                rules.iter_mut().for_each(|rule| redirect(rule, named))
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn purge_killed_in_the_middle_of_an_object_ends_with_the_right_bytes() -> Result<()> {
    let world = World::new().await?;
    let scenario = Scenario::set(&world).await?;
    let key = format!("{PREFIX}web/1767225600000/large.jsonl");
    let line = |n: usize| {
        let owner = if n.is_multiple_of(1_000) { THREE[0] } else { "somebody-else" };
        format!(
            "{{\"userId\":\"{owner}\",\"n\":{n},\"properties\":{{\"text\":\"{}\"}}}}\n",
            "x".repeat(1_000)
        )
    };
    let lines: Vec<String> = (0..60_000).map(line).collect();
    world.put(&key, lines.concat().as_bytes()).await?;

    let id = world.stack.api.erase(&THREE).await?;
    kill_when("PurgeFunction", world.stack.output("LetheBucket")?, async || {
        let uploads = world.s3.list_multipart_uploads().bucket(&world.bucket).send().await?;
        let Some(id) = uploads.uploads().first().and_then(|upload| upload.upload_id()) else {
            return Ok(false);
        };
        // A part was sent: the object is read and written, the upload is noted, and nothing of it is visible yet. A kill
        // before the note would leave the upload to the bucket's lifecycle rule.
        let parts = world.s3.list_parts().bucket(&world.bucket).key(&key).upload_id(id).send().await;
        Ok(parts.is_ok_and(|parts| !parts.parts().is_empty()))
    })
    .await?;
    assert_eq!(world.get(&key).await?.len(), lines.concat().len(), "half an object is never seen");

    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let survivors: String = lines.into_iter().filter(|line| line.contains("somebody-else")).collect();
    assert!(world.get(&key).await? == survivors.as_bytes(), "everyone else's lines, byte for byte");
    let versions = world.s3.list_object_versions().bucket(&world.bucket).prefix(&key).send().await?;
    assert_eq!(versions.versions().len(), 1, "the version that held the subject is gone");
    let uploads = world.s3.list_multipart_uploads().bucket(&world.bucket).send().await?;
    assert!(uploads.uploads().is_empty(), "no parts are left behind");
    world.remove(&key).await?;
    scenario.assert_forgotten(&world).await
}

/// Lines of 1 KB, every thousandth the subject's: 32 MB.
pub(super) fn long_lines() -> Vec<String> {
    let pad = "y".repeat(1_000);
    let line = |n: usize| {
        let owner = if n.is_multiple_of(1_000) { THREE[0] } else { "somebody-else" };
        format!("{{\"userId\":\"{owner}\",\"n\":{n},\"properties\":{{\"text\":\"{pad}\"}}}}\n")
    };
    (0..32_000).map(line).collect()
}

/// Reading at 5 MB a second, in invocations of a second, none gets through 32 MB.
pub(super) async fn slowly(world: &World) -> Result<S3> {
    let proxy = world.s3_proxy().await?;
    proxy.world().on_get("/long.", usize::MAX, Fault::Paced(5_000_000));
    world.stack.configure("purge", &[("SLICE_SECONDS", "1")]).await?;
    Ok(proxy)
}

/// An object that takes longer than an invocation may last: it goes on in the next, and the next.
#[tokio::test]
async fn an_object_too_long_for_one_invocation_goes_on_in_the_next() -> Result<()> {
    let world = World::new().await?;
    tests::warehouse::fill(&world.warehouse, &["nobody".to_owned()], 1).await?;
    let proxy = slowly(&world).await?;
    let key = format!("{PREFIX}web/1767225600000/long.jsonl");
    let lines = long_lines();
    world.put(&key, lines.concat().as_bytes()).await?;

    let id = world.stack.api.erase(&THREE).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    let survivors: String = lines.into_iter().filter(|line| line.contains("somebody-else")).collect();
    assert!(world.get(&key).await? == survivors.as_bytes(), "everyone else's lines, byte for byte");
    let uploads = world.s3.list_multipart_uploads().bucket(&world.bucket).send().await?;
    assert!(uploads.uploads().is_empty(), "no parts are left behind");
    let logs = world.stack.logs().await?;
    for phase in ["find", "forget", "verify"] {
        let goes = logs.lines().filter(|line| line.contains(&format!("\"phase\":\"{phase}\""))).count();
        assert!(goes > 2, "{phase} took {goes} invocations:\n{logs}");
    }
    parts_are_as_s3_wants_them(&proxy.world().calls);
    Ok(())
}

/// S3 refuses parts with a checksum that their upload did not name, and parts but the last below 5 MiB, as the local one
/// does not. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
fn parts_are_as_s3_wants_them(calls: &[Call]) {
    let header = |call: &Call, name| call.headers.get(name).and_then(|it| Some(it.to_str().ok()?.to_owned()));
    let begun: Vec<_> = calls.iter().filter(|call| call.query.starts_with("uploads")).collect();
    let parts: Vec<_> = calls.iter().filter(|call| call.query.contains("partNumber=")).collect();
    assert!(!begun.is_empty() && parts.len() > 2, "{} uploads, {} parts", begun.len(), parts.len());
    for call in begun {
        assert_eq!(header(call, "x-amz-checksum-algorithm").as_deref(), Some("CRC32"), "{call:?}");
        assert_eq!(header(call, "x-amz-checksum-type").as_deref(), Some("COMPOSITE"), "{call:?}");
    }
    for call in &parts {
        assert!(header(call, "x-amz-checksum-crc32").is_some(), "{call:?}");
        assert!(!call.headers.keys().any(|name| name.as_str().contains("crc64")), "{call:?}");
    }
    let small =
        |call: &&&Call| header(call, "content-length").is_none_or(|n| n.parse().unwrap_or(0) < 5 << 20);
    assert!(parts.iter().filter(small).count() <= 1, "only the last part may be small");
}

/// Thousands of people at once, and the process dies while it deletes: some tables are done, one is under way.
#[tokio::test]
async fn erase_killed_in_the_middle_of_a_deletion_ends_as_if_it_had_not_been() -> Result<()> {
    let world = World::new().await?;
    let people = everyone(5_200);
    let theirs: Vec<&str> = people.iter().take(5_000).map(String::as_str).collect();
    tests::warehouse::fill(&world.warehouse, &people, 20_000).await?;
    let before = Holdings::take(&world.warehouse, &theirs).await?;
    // Rows of one person go slowly, so that it can be seen at work.
    world
        .warehouse
        .batch_execute(&format!(
            "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql
                 AS 'BEGIN PERFORM pg_sleep(0.02); RETURN OLD; END';
             CREATE TRIGGER slow BEFORE DELETE ON web.tracks FOR EACH ROW WHEN (OLD.user_id = '{}')
                 EXECUTE FUNCTION public.slow()",
            THREE[0]
        ))
        .await?;
    let api = &world.stack.api;
    let id = api.erase(&theirs).await?;
    kill_when("EraseFunction", world.stack.output("RegulationsTable")?, async || {
        let busy =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
                    AND query LIKE 'DELETE FROM%tracks%' AND pid <> pg_backend_pid()";
        Ok(world.warehouse.query_one(busy, &[]).await?.get::<_, i64>(0) > 0)
    })
    .await?;
    let half = Holdings::take(&world.warehouse, &theirs).await?;
    assert!((1..before.total()).contains(&half.total()), "{} of {} rows", half.total(), before.total());

    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Warehouse").0, "CONFIRMED", "{regulation:#}");
    let after = Holdings::take(&world.warehouse, &theirs).await?;
    assert_eq!(after.total(), 0, "{:?}", after.theirs);
    assert!(after.rest == before.rest, "everyone else's rows, by their checksums");
    let evidence = warehouse(&regulation)["evidence"].take();
    let sum = |step: &str| -> i64 {
        let counts = evidence[step]["counts"].as_object().into_iter().flatten();
        counts.filter_map(|(_, rows)| rows.as_i64()).sum()
    };
    assert_eq!(
        (sum("find"), sum("verify")),
        (before.total(), 0),
        "what was there before it died: {evidence:#}"
    );

    let again = api.erase(&theirs).await?;
    let again = api.wait(&again, |_| ()).await?;
    assert_eq!(task(&again, "Warehouse").0, "NO_DATA_FOUND", "{again:#}");
    assert_eq!(warehouse(&again)["evidence"]["forget"]["counts"], json!({}), "nothing is deleted again");
    assert!(Holdings::take(&world.warehouse, &theirs).await? == after);
    Ok(())
}

fn warehouse(regulation: &Value) -> Value {
    destinations(regulation).into_iter().find(|task| task["name"] == "Warehouse").unwrap_or_default()
}

/// Kills a function's processes (see [`kill`]) once it is seen in the middle of its work.
pub(super) async fn kill_when(
    function: &str,
    resource: &str,
    at_work: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    until_every(Duration::from_millis(10), async || {
        let killed = if at_work().await? { kill(function, resource)? } else { 0 };
        let never_seen = format!("{function} was never seen in the middle of its work");
        Ok(if killed > 0 { Break(()) } else { Continue(never_seen) })
    })
    .await
}

/// Kills the processes of a function that is told the name of a stack's resource, as a machine that fails does.
/// Answers how many there were.
pub(super) fn kill(function: &str, resource: &str) -> Result<usize> {
    let mut killed = 0;
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let settings: Vec<_> = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let has = |start: &str, text| settings.iter().any(|set| set.starts_with(start) && set.contains(text));
        // Other functions are told its name too: what a process is called by counts.
        let theirs = has("AWS_LAMBDA_FUNCTION_NAME=", function) && has("", resource);
        let id = process.file_name().to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
        if let (Some(id), true) = (id, theirs) {
            kill_process(id, Signal::KILL)?;
            killed += 1;
        }
    }
    Ok(killed)
}
