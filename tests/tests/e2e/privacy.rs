//! An identifier never enters a log, an error, a URL, a state machine's history or a certificate, however much
//! goes wrong; and once a regulation is sealed, it stands in the suppression list alone.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::archive::PREFIX;
use tests::ingest::TrackingClient;
use tests::postgres::PASSWORD;
use tests::scenario::retry;
use tests::traces::{Trace, everything};
use tests::vendors::Fault;
use tests::vendors::braze::API_KEY;
use tests::world::{Options, World};

/// Unlike anything else, in each of the forms in which it could leak.
const PLANTED: &str = "planted.ada+lovelace@example.com";
const FORMS: [&str; 3] = ["planted.ada", "planted%2Eada", "lovelace@"];

#[tokio::test]
async fn identifiers_stay_where_they_belong() -> Result<()> {
    let world =
        World::with(Options { retry_window: Some(3), record_timeout: Some(10), ..Options::default() })
            .await?;
    let api = &world.stack.api;
    let line = json!({ "type": "track", "userId": PLANTED }).to_string();
    world
        .put(
            &format!("{PREFIX}web/1767225600000/a.jsonl"),
            format!("{line}\n{{\"userId\":\"b\"}}\n").as_bytes(),
        )
        .await?;
    // A line that cannot be parsed but names the subject, and an object that cannot be read.
    world
        .put(
            &format!("{PREFIX}web/1767225600000/b.jsonl"),
            format!("{line}\n{{broken {PLANTED}\n").as_bytes(),
        )
        .await?;
    world.put(&format!("{PREFIX}web/1767225600000/c.gz"), &[0x1f, 0x8b, 8, 0, 1, 2, 3]).await?;
    tests::warehouse::fill(&world.warehouse, &[PLANTED.to_owned(), "b".to_owned()], 20).await?;
    world.braze.world().faults.extend([Fault::ServerError, Fault::Garbage, Fault::Unauthorized]);

    let mut answers = Vec::new();
    let door = TrackingClient::open(&world, "web").await?;
    let event =
        json!({ "type": "identify", "userId": PLANTED, "anonymousId": "phone", "traits": { "a": PLANTED } });
    door.ok("identify", event.clone()).await?;
    for body in [
        json!({ "batch": [event.clone(), { "type": PLANTED, "userId": PLANTED }, { "type": "track", "userId": [PLANTED] }] })
            .to_string(),
        format!("{{broken {PLANTED}"),
        json!({ "batch": PLANTED, "writeKey": PLANTED }).to_string(),
    ] {
        answers.push(door.send("batch", &body).await?.1.to_string());
    }
    let stranger = door.with_key(PLANTED).send("identify", &event.to_string()).await?;
    answers.push(stranger.1.to_string());
    for body in [
        json!({ "regulationType": PLANTED, "subjectType": "USER_ID", "subjectIds": [PLANTED] }),
        json!({ "regulationType": "DELETE_ONLY", "subjectType": PLANTED, "subjectIds": [PLANTED] }),
        json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": { PLANTED: 1 } }),
        json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [PLANTED, ""] }),
    ] {
        answers.push(api.send(Method::POST, "/regulations", Some(&body)).await?.1.to_string());
    }
    let id = api.erase(&[PLANTED]).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "PARTIAL_SUCCESS", "{regulation:#}");
    answers.push(regulation.to_string());
    world.remove(&format!("{PREFIX}web/1767225600000/c.gz")).await?;
    let regulation = retry(&world, &regulation).await?;
    assert_eq!(regulation["overallStatus"], "FINISHED", "{regulation:#}");
    answers.push(regulation.to_string());

    let mut traces = everything(&world).await?;
    let of = |place: &str, text: &str| traces.iter().any(|one| one.place == place && one.text.contains(text));
    assert!(of("SuppressionsTable", PLANTED), "the one place where it belongs");
    assert!(of("logs", &id) && of("DeletionStateMachine", &id), "they are what they are taken for");
    traces.retain(|trace| !["SuppressionsTable", "archive"].contains(&trace.place));
    traces.push(Trace { place: "answers", text: answers.join("\n") });
    for Trace { place, text } in traces {
        for form in FORMS.into_iter().chain([API_KEY, PASSWORD, &api.token]) {
            assert!(!text.contains(form), "{place}: {form} in {}", around(&text, form));
        }
    }
    Ok(())
}

fn around<'a>(text: &'a str, form: &str) -> &'a str {
    let at = text.find(form).unwrap_or_default();
    &text[at.saturating_sub(200)..text.len().min(at + 200)]
}

/// Time is made to pass in the table.
#[tokio::test]
async fn identifiers_of_a_regulation_that_failed_are_dropped_after_sixty_days() -> Result<()> {
    let world = World::with(Options { retry_window: Some(1), ..Options::default() }).await?;
    let (stack, api) = (&world.stack, &world.stack.api);
    tests::warehouse::fill(&world.warehouse, &["b".to_owned()], 2).await?;
    world.braze.world().faults.extend([Fault::Unauthorized; 3]);
    let id = api.erase(&[PLANTED]).await?;
    let regulation = api.wait(&id, |_| ()).await?;
    assert_eq!(regulation["overallStatus"], "PARTIAL_SUCCESS", "{regulation:#}");
    let time = |of: &Value| of.as_str().and_then(|time| time.parse::<Timestamp>().ok()).context("a time");
    let kept = time(&regulation["identifiersKeptUntil"])?;
    assert_eq!(kept.duration_since(time(&regulation["finishedAt"])?), SignedDuration::from_hours(60 * 24));

    let table = stack.output("RegulationsTable")?;
    let items = async |pk: &str| -> Result<String> {
        let (names, values) = (json!({ "#pk": "pk" }), json!({ ":pk": { "S": pk } }));
        let query = json!({ "TableName": table, "KeyConditionExpression": "#pk = :pk", "ConsistentRead": true,
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": values });
        Ok(stack.aws.call("dynamodb", "DynamoDB_20120810.Query", query).await?.to_string())
    };
    let tick = async || -> Result<()> {
        let url = format!(
            "{}/2015-03-31/functions/{}/invocations",
            stack.aws.url(),
            stack.resource("PurgeRunFunction").await?
        );
        let reply = stack.aws.http().post(url).body(r#"{"action":"tick"}"#).send().await?;
        assert!(!reply.headers().contains_key("x-amz-function-error"), "{}", reply.text().await?);
        Ok(())
    };
    tick().await?;
    assert!(items(&id).await?.contains(PLANTED), "they are kept for a retry");
    let logs = stack.logs().await?;
    for figure in ["\"FailedTasks\":1.0", "\"SuppressionSeconds\":", "\"OpenRegulations\":0.0"] {
        let line = logs.lines().find(|line| line.contains(figure)).with_context(|| figure.to_owned())?;
        let line: Value = serde_json::from_str(&line[line.find('{').context("JSON")?..])?;
        assert_eq!(
            (&line["Stack"], &line["_aws"]["CloudWatchMetrics"][0]["Namespace"]),
            (&json!(stack.name), &json!("Lethe")),
            "what the alarms watch"
        );
    }
    assert!(items("DUE").await?.contains(&id));

    // It failed 61 days ago.
    let before = (kept - SignedDuration::from_hours((60 + 61) * 24)).to_string();
    let earlier = json!({ "TableName": table, "Key": { "pk": { "S": id }, "sk": { "S": "META" } },
        "UpdateExpression": "SET finishedAt = :at", "ExpressionAttributeValues": { ":at": { "S": before } } });
    stack.aws.call("dynamodb", "DynamoDB_20120810.UpdateItem", earlier).await?;
    let due = json!({ "pk": { "S": "DUE" }, "sk": { "S": "000000000001" }, "regulationId": { "S": id } });
    stack
        .aws
        .call("dynamodb", "DynamoDB_20120810.PutItem", json!({ "TableName": table, "Item": due }))
        .await?;
    // Not even before they are gone may it be retried.
    let refused = api.send(Method::POST, &format!("/regulations/{id}/retry"), None).await?;
    assert_eq!(refused.0.as_u16(), 422, "{}", refused.1);
    assert!(refused.1.to_string().contains("its identifiers were kept until"), "{}", refused.1);
    tick().await?;
    let left = items(&id).await?;
    assert!(!left.contains(PLANTED) && left.contains("EVIDENCE#"), "{left}");
    assert!(!items("DUE").await?.contains("000000000001"));
    Ok(())
}
