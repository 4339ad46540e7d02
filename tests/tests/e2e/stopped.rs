//! Executions that end without a seal, as `StopExecution`, a full history or `States.Runtime` end them: the next tick takes
//! the regulation up again, or fails it with a reason.

use std::ops::ControlFlow::{Break, Continue};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::progress::until;
use tests::scenario::task;
use tests::traces::items;
use tests::world::{Options, World};

use crate::alarms::alarms;
use crate::archives::{key, line, world_with};
use crate::runs::{guarded, wait_for_end, wait_for_phase};

#[tokio::test]
async fn a_tick_takes_up_what_an_operator_stopped() -> Result<()> {
    let (world, id, run) = guarded().await?;
    for machine in ["PurgeRunStateMachine", "DeletionStateMachine"] {
        ensure!(stop_executions(&world, machine).await? == 1, "{machine}");
    }
    begun_hours_ago(&world, &id).await?;
    assert!(!alarms(&world.stack, 0).await?.contains("LostExecutionsAlarm"));
    tick(&world).await?;
    assert!(alarms(&world.stack, 0).await?.contains("LostExecutionsAlarm"));
    let run = run["id"].as_str().context("an id")?;
    assert_eq!(wait_for_end(&world, run).await?["phase"], "aborted");
    let next = until(async || {
        tick(&world).await?;
        let asks = wait_for_phase(&world, "guard").await?;
        Ok(if asks["id"] == run { Continue(()) } else { Break(asks) })
    })
    .await?;
    let next = next["id"].as_str().context("an id")?;
    world.stack.api.post(&format!("/purge-runs/{next}/confirm"), &Value::Null).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    Ok(())
}

/// An execution that succeeds without a seal is no better than one that fails.
#[tokio::test]
async fn a_tick_takes_up_what_ended_well_without_a_seal() -> Result<()> {
    let world = world_with(Options { purge_delay: Some(3_600), ..Options::default() }).await?;
    world.put(&key("a.jsonl"), line("ada", 1).as_bytes()).await?;
    let machine = world.stack.output("DeletionStateMachine")?;
    let of = json!({ "stateMachineArn": machine });
    let healthy = world.stack.aws.call("states", "AWSStepFunctions.DescribeStateMachine", of).await?;
    define(
        &world,
        machine,
        &json!({ "StartAt": "End", "States": { "End": { "Type": "Succeed" } } }).to_string(),
    )
    .await?;
    let id = world.stack.api.erase(&["ada"]).await?;
    begun_hours_ago(&world, &id).await?;
    define(&world, machine, healthy["definition"].as_str().context("a definition")?).await?;
    world.stack.configure("suppress", &[("PURGE_DELAY", "1")]).await?;
    until(async || {
        tick(&world).await?;
        let runs = world.stack.executions("DeletionStateMachine").await?.len();
        Ok(if runs > 1 { Break(()) } else { Continue("it is not taken up") })
    })
    .await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    Ok(())
}

/// The lock is gone, as by an operator's hand; the run's execution is alive.
#[tokio::test]
async fn a_tick_does_not_abort_a_run_that_lost_its_lock() -> Result<()> {
    let (world, id, run) = guarded().await?;
    let lock = json!({ "pk": { "S": "LOCK" }, "sk": { "S": "LOCK" } });
    let delete = json!({ "TableName": world.stack.output("RunsTable")?, "Key": lock });
    world.stack.aws.call("dynamodb", "DynamoDB_20120810.DeleteItem", delete).await?;
    tick(&world).await?;
    let run = run["id"].as_str().context("an id")?;
    let waits = world.stack.api.get(&format!("/purge-runs/{run}")).await?["data"]["purgeRun"].take();
    assert_eq!((&waits["phase"], &waits["finishedAt"]), (&json!("guard"), &Value::Null), "{waits:#}");
    world.stack.api.post(&format!("/purge-runs/{run}/confirm"), &Value::Null).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(task(&regulation, "Events archive").0, "CONFIRMED", "{regulation:#}");
    Ok(())
}

#[tokio::test]
async fn a_regulation_whose_executions_never_seal_fails_with_a_reason_and_can_be_retried() -> Result<()> {
    let world = world_with(Options { purge_delay: Some(3_600), ..Options::default() }).await?;
    world.put(&key("a.jsonl"), format!("{}{}", line("ada", 1), line("bob", 1)).as_bytes()).await?;
    let id = world.stack.api.erase(&["ada"]).await?;
    begun_hours_ago(&world, &id).await?;
    until(async || {
        let waits = items(&world, "RunsTable").await?.iter().any(|item| item["pk"]["S"] == "WAITING");
        Ok(if waits { Break(()) } else { Continue("it does not wait for a run") })
    })
    .await?;
    let machine = world.stack.output("DeletionStateMachine")?;
    let of = json!({ "stateMachineArn": machine });
    let healthy = world.stack.aws.call("states", "AWSStepFunctions.DescribeStateMachine", of).await?;
    let broken =
        json!({ "StartAt": "End", "States": { "End": { "Type": "Fail", "Error": "States.Runtime" } } });
    define(&world, machine, &broken.to_string()).await?;
    stop_executions(&world, "DeletionStateMachine").await?;
    let mut ticks = 0;
    let failed = loop {
        tick(&world).await?;
        ticks += 1;
        let regulation = world.stack.api.regulation(&id).await?;
        if regulation["overallStatus"] == "FAILED" || ticks > 60 {
            break regulation;
        }
    };
    // Twenty executions more; a tick that comes before Step Functions ended one leaves it alone.
    let executions = world.stack.executions("DeletionStateMachine").await?.len();
    assert_eq!(
        (executions, &failed["overallStatus"]),
        (21, &json!("FAILED")),
        "after {ticks} ticks: {failed:#}"
    );
    let off = alarms(&world.stack, 0).await?;
    assert!(off.contains("StuckRegulationsAlarm") && off.contains("DeletionFailedAlarm"), "{off:?}");
    let (status, reason) = task(&failed, "Events archive");
    assert_eq!(status, "FAILED");
    assert!(reason.contains("ended without a seal") && reason.contains("then retry"), "{reason}");

    define(&world, machine, healthy["definition"].as_str().context("a definition")?).await?;
    world.stack.configure("suppress", &[("PURGE_DELAY", "1")]).await?;
    world.stack.api.post(&format!("/regulations/{id}/retry"), &Value::Null).await?;
    let done = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(task(&done, "Events archive").0, "CONFIRMED", "{done:#}");
    assert_eq!(world.get(&key("a.jsonl")).await?, line("bob", 1).as_bytes());
    Ok(())
}

/// Stops what runs of a state machine. Answers how many executions that were.
async fn stop_executions(world: &World, machine: &str) -> Result<usize> {
    let list = json!({ "stateMachineArn": world.stack.output(machine)?, "statusFilter": "RUNNING" });
    let running = world.stack.aws.call("states", "AWSStepFunctions.ListExecutions", list).await?;
    let running = running["executions"].as_array().cloned().unwrap_or_default();
    for execution in &running {
        let stop = json!({ "executionArn": execution["executionArn"], "cause": "an operator's mistake" });
        world.stack.aws.call("states", "AWSStepFunctions.StopExecution", stop).await?;
    }
    Ok(running.len())
}

pub(super) async fn define(world: &World, machine: &str, definition: &str) -> Result<()> {
    let update = json!({ "stateMachineArn": machine, "definition": definition });
    world.stack.aws.call("states", "AWSStepFunctions.UpdateStateMachine", update).await.map(drop)
}

/// Makes an attempt old: a tick leaves one alone that has just begun.
pub(super) async fn begun_hours_ago(world: &World, id: &str) -> Result<()> {
    let then = (Timestamp::now() - SignedDuration::from_hours(3)).to_string();
    let update = json!({
        "TableName": world.stack.output("RegulationsTable")?,
        "Key": { "pk": { "S": id }, "sk": { "S": "META" } },
        "UpdateExpression": "SET waitsSince = :then",
        "ConditionExpression": "attribute_exists(waitsSince)",
        "ExpressionAttributeValues": { ":then": { "S": then } },
    });
    world.stack.aws.call("dynamodb", "DynamoDB_20120810.UpdateItem", update).await.map(drop)
}

pub(super) async fn tick(world: &World) -> Result<()> {
    let answer = world.stack.invoke("purge-run", &json!({ "action": "tick" })).await?;
    ensure!(answer.get("errorType").is_none(), "{answer}");
    Ok(())
}
