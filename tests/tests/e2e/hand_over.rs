//! An execution ends at 25,000 events: before its history is full, another goes on with the regulation.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::scenario::task;
use tests::vendors::Fault;
use tests::warehouse::fill;
use tests::world::World;

use crate::stopped::{begun_hours_ago, define, tick};

const HANDED_OVER: &str = "HandedOver";

/// A vendor is away for a while, and every execution may call it once.
#[tokio::test]
async fn an_execution_hands_over_before_its_history_is_full_and_the_next_goes_on() -> Result<()> {
    let world = World::new().await?;
    fill(&world.warehouse, &["ada".to_owned()], 1).await?;
    world.braze.world().users.insert("ada".to_owned());
    world.braze.world().faults = [Fault::ServerError, Fault::ServerError, Fault::ServerError].into();
    let machine = world.stack.output("DeletionStateMachine")?;
    let of = json!({ "stateMachineArn": machine });
    let healthy = world.stack.aws.call("states", "AWSStepFunctions.DescribeStateMachine", of).await?;
    let mut definition: Value =
        serde_json::from_str(healthy["definition"].as_str().context("a definition")?)?;
    ensure!(allow_one_turn(&mut definition) == 2, "warehouses and vendors have turns");
    define(&world, machine, &definition.to_string()).await?;

    let id = world.stack.api.erase(&["ada"]).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    assert_eq!(task(&regulation, "Braze").0, "ACCEPTED", "{regulation:#}");
    assert!(world.braze.world().users.is_empty(), "the vendor was asked");
    let ends = ends(&world).await?;
    let handed_over = ends.iter().filter(|end| *end == HANDED_OVER).count();
    assert!(handed_over >= 2, "{ends:?}");
    assert_eq!(ends.len() - handed_over, 1, "one execution sealed it: {ends:?}");
    Ok(())
}

/// Those that handed over do not count as failed: the tick finds the one that failed behind them, and starts it anew.
#[tokio::test]
async fn a_tick_goes_on_behind_executions_that_handed_over() -> Result<()> {
    let world = World::new().await?;
    fill(&world.warehouse, &["ada".to_owned()], 1).await?;
    let machine = world.stack.output("DeletionStateMachine")?.to_owned();
    let waits =
        json!({ "StartAt": "Wait", "States": { "Wait": { "Type": "Wait", "Seconds": 3_600, "End": true } } });
    let of = json!({ "stateMachineArn": machine });
    let healthy = world.stack.aws.call("states", "AWSStepFunctions.DescribeStateMachine", of).await?;
    define(&world, &machine, &waits.to_string()).await?;
    let id = world.stack.api.erase(&["ada"]).await?;
    begun_hours_ago(&world, &id).await?;
    // More than may fail.
    for restart in 0..22 {
        let name = if restart == 0 { format!("{id}-1") } else { format!("{id}-1-r{restart}") };
        let execution = format!("{}:{name}", machine.replace(":stateMachine:", ":execution:"));
        let hand = json!({ "action": "handover", "regulationId": id, "attempt": 1, "execution": execution });
        let answer = world.stack.invoke("purge-run", &hand).await?;
        ensure!(answer.get("errorType").is_none(), "{answer}");
    }
    assert_eq!(ends(&world).await?.iter().filter(|end| *end == HANDED_OVER).count(), 22);
    define(&world, &machine, healthy["definition"].as_str().context("a definition")?).await?;
    let last = format!("{}:{id}-1-r22", machine.replace(":stateMachine:", ":execution:"));
    let stop = json!({ "executionArn": last, "cause": "an operator's mistake" });
    world.stack.aws.call("states", "AWSStepFunctions.StopExecution", stop).await?;
    tick(&world).await?;
    let regulation = world.stack.api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    Ok(())
}

/// Lets a machine's executions call each warehouse and vendor once. Answers in how many places.
fn allow_one_turn(value: &mut Value) -> usize {
    match value {
        Value::Object(fields) => {
            let here = fields.get("turns").is_some_and(|turns| turns["left.$"].is_string());
            if here {
                fields.insert("turns".to_owned(), json!({ "left": 0 }));
            }
            usize::from(here) + fields.values_mut().map(allow_one_turn).sum::<usize>()
        }
        Value::Array(all) => all.iter_mut().map(allow_one_turn).sum(),
        _ => 0,
    }
}

/// How the executions ended: the error, if it was one, or the status.
async fn ends(world: &World) -> Result<Vec<String>> {
    let mut ends = Vec::new();
    for arn in world.stack.executions("DeletionStateMachine").await? {
        let of = json!({ "executionArn": arn });
        let found = world.stack.aws.call("states", "AWSStepFunctions.DescribeExecution", of).await?;
        let end = found["error"].as_str().or(found["status"].as_str()).unwrap_or_default();
        ends.push(end.to_owned());
    }
    Ok(ends)
}
