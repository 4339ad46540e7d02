//! Alarms go off by what the deployed functions tell and the local AWS does, and are quiet before. The limits of each alarm:
//! `tests/strict/test_alarms.py`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::stack::Stack;
use tests::world::World;

use crate::runs::{guarded, wait_for_phase};
use crate::stopped::tick;

/// The alarms that go off, by their names in the template.
pub(super) async fn alarms(stack: &Stack, seconds: u32) -> Result<BTreeSet<String>> {
    let prefix = format!("{}-", stack.name);
    let logical = |name: &String| Some(name.strip_prefix(&prefix)?.split('-').next()?.to_owned());
    Ok(stack.alarms(seconds).await?.iter().filter_map(logical).collect())
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn alarms_go_off_by_what_functions_tell_and_are_quiet_before() -> Result<()> {
    let (world, id, run) = guarded().await?;
    let stack = &world.stack;
    let mixpanel = json!({ "name": "Mixpanel", "vendor": "mixpanel", "settings": token_ends_in(40),
                           "secrets": { "projectToken": "project", "oauthToken": "token" } });
    let mixpanel = stack.api.post("/destinations", &mixpanel).await?["data"]["destination"].take();
    tick(&world).await?;
    assert_eq!(alarms(stack, 0).await?, set(&[]));
    assert_eq!(alarms(stack, 3 * 3_600).await?, set(&["TickAlarm"]), "nothing ticks for three hours");

    change(&world, "RegulationsTable", (&id, "META"), "createdAt", 21 * 24).await?;
    change(&world, "RegulationsTable", (&id, "META"), "waitsSince", 21 * 24).await?;
    change(&world, "RunsTable", ("LOCK", "LOCK"), "since", 25).await?;
    let path = format!("/destinations/{}", mixpanel["id"].as_str().context("an id")?);
    let (status, answer) =
        stack.api.send(Method::PATCH, &path, Some(&json!({ "settings": token_ends_in(20) }))).await?;
    ensure!(status.is_success(), "{answer}");
    tick(&world).await?;
    let mut expected = set(&["DeadlineAlarm", "PurgeRunAlarm", "SecretEndsAlarm"]);
    assert_eq!(alarms(stack, 0).await?, expected);

    let answer = stack.invoke("suppress", &json!({ "regulationId": id, "attempt": 1 })).await?;
    ensure!(answer.get("errorType").is_none(), "{answer}");
    expected.insert("SuppressionAlarm".to_owned());
    assert_eq!(alarms(stack, 0).await?, expected);

    let run = run["id"].as_str().context("an id")?;
    stack.api.post(&format!("/purge-runs/{run}/stop"), &Value::Null).await?;
    wait_for_phase(&world, "aborted").await?;
    expected.insert("PurgeRunFailedAlarm".to_owned());
    tests::progress::until(async || {
        let found = alarms(stack, 0).await?;
        Ok(if found == expected {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(found)
        })
    })
    .await?;

    for (queue, alarm) in
        [("BatchDeadLetters", "BatchDeadLettersAlarm"), ("LostEventsQueue", "LostEventsAlarm")]
    {
        let url = stack.resource(queue).await?;
        let send = json!({ "QueueUrl": url, "MessageBody": "{}" });
        stack.aws.call("sqs", "AmazonSQS.SendMessage", send).await?;
        expected.insert(alarm.to_owned());
    }
    assert_eq!(alarms(stack, 0).await?, expected);

    stack.expect_refusal("table/gone").await?;
    stack.configure("intake", &[("REGULATIONS_TABLE", "gone")]).await?;
    for _ in 0..6 {
        let (status, answer) = stack.api.send(Method::GET, "/regulations", None).await?;
        assert!(status.is_server_error(), "{status}: {answer}");
    }
    expected.insert("ApiErrorsAlarm".to_owned());
    assert_eq!(alarms(stack, 0).await?, expected);
    Ok(())
}

/// Settings of Mixpanel by which its token ends in so many days.
fn token_ends_in(days: i64) -> Value {
    let end = Timestamp::now() + SignedDuration::from_hours(24 * days);
    json!({ "region": "eu", "oauthTokenEnds": &end.to_string()[..10] })
}

/// Sets a time of an item to so many hours ago.
async fn change(world: &World, table: &str, (pk, sk): (&str, &str), field: &str, hours: i64) -> Result<()> {
    let then = (Timestamp::now() - SignedDuration::from_hours(hours)).to_string();
    let update = json!({
        "TableName": world.stack.output(table)?,
        "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        "UpdateExpression": "SET #field = :then",
        "ConditionExpression": "attribute_exists(#field)",
        "ExpressionAttributeNames": { "#field": field },
        "ExpressionAttributeValues": { ":then": { "S": then } },
    });
    world.stack.aws.call("dynamodb", "DynamoDB_20120810.UpdateItem", update).await.map(drop)
}
