//! Regulations that wait for the same warehouse are deleted together: each ends with its own counts and its own proof,
//! what a table has against one of them fails that one, and a leader that dies is followed by itself or another.

use std::ops::ControlFlow::{Break, Continue};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::api::destinations;
use tests::people::everyone;
use tests::progress::until;
use tests::scenario::{retry, task};
use tests::warehouse::Holdings;
use tests::world::World;

use crate::idempotence::kill_when;

/// The first deletes while the others come. One person stands in two regulations.
const FIRST: &[&str] = &["u1"];
const OTHERS: [&[&str]; 4] = [&["1001", "zoë"], &["u2", "u3"], &["u3", "u4"], &["u5"]];

#[tokio::test]
async fn regulations_that_wait_are_deleted_together_and_fail_alone() -> Result<()> {
    let world = World::new().await?;
    let (all, before, own) = filled(&world).await?;
    // One of the last regulation's rows may not go. A deletion that succeeds leaves a line.
    world
        .warehouse
        .batch_execute(
            "CREATE TABLE public.invoices (payer text REFERENCES web.users (id));
             INSERT INTO public.invoices VALUES ('u5');
             CREATE TABLE public.deletions (at timestamptz DEFAULT now());
             CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql
                 AS 'BEGIN INSERT INTO public.deletions DEFAULT VALUES; RETURN NULL; END';
             CREATE TRIGGER note AFTER DELETE ON web.tracks FOR EACH STATEMENT EXECUTE FUNCTION public.note()",
        )
        .await?;

    let ids = while_the_first_deletes(&world, &OTHERS).await?;
    let mut regulations = Vec::new();
    for id in &ids {
        regulations.push(world.stack.api.wait(id, |_| ()).await?);
    }
    let (last, whole) = regulations.split_last().context("five regulations")?;
    for (regulation, own) in whole.iter().zip(&own) {
        assert_eq!(task(regulation, "Warehouse").0, "CONFIRMED", "{regulation:#}");
        assert_eq!(told(regulation, "find"), *own, "what each had, by table");
        assert_eq!(told(regulation, "forget"), *own, "its own rows, not those of all");
        assert_eq!(told(regulation, "verify"), json!({}));
    }
    let (status, message) = task(last, "Warehouse");
    assert_eq!(status, "FAILED");
    assert!(message.contains("web.users") && message.contains("invoices"), "{message}");
    assert_eq!(told(last, "verify"), json!({ "web.users": 1 }), "all but the row that is referred to");
    let together: Vec<Option<u64>> = regulations.iter().map(deleted_together).collect();
    assert_eq!(together, [None, Some(4), Some(4), Some(4), Some(4)]);
    let deletions = world.warehouse.query_one("SELECT count(*) FROM public.deletions", &[]).await?;
    assert_eq!(deletions.get::<_, i64>(0), 2, "five regulations, two deletions");
    let after = Holdings::take(&world.warehouse, &all).await?;
    assert_eq!(after.total(), 1, "{:?}", after.theirs);
    assert!(after.rest == before.rest, "everyone else's rows, by their checksums");

    world.warehouse.batch_execute("DROP TABLE public.invoices").await?;
    let done = retry(&world, last).await?;
    assert_eq!(task(&done, "Warehouse").0, "CONFIRMED", "{done:#}");
    assert_eq!(list(&world).await?, Vec::<Value>::new(), "nobody waits, nobody leads");
    Ok(())
}

#[tokio::test]
async fn a_leader_that_dies_half_way_ends_as_if_it_had_not() -> Result<()> {
    let world = World::new().await?;
    let (all, before, own) = filled(&world).await?;
    // Another one held the lease, gave up for good, and its subjects were dropped.
    let dead = "reg_0193aeb1c2d37f6f8c1e5a7b9d0e2f41";
    let warehouse = world.stack.api.get("/destinations").await?["data"]["destinations"]
        .as_array()
        .and_then(|all| all.iter().find(|destination| destination["name"] == "Warehouse")?["id"].as_str())
        .map(|id| format!("GROUP#{id}"))
        .context("a warehouse")?;
    put(
        &world,
        json!({ "pk": { "S": warehouse }, "sk": { "S": "LEASE" }, "regulationId": { "S": dead },
                        "leasedUntil": { "N": "0" } }),
    )
    .await?;
    put(
        &world,
        json!({ "pk": { "S": warehouse }, "sk": { "S": dead }, "attempt": { "N": "1" }, "ids": { "N": "1" },
                        "since": { "S": "2026-01-01T00:00:00Z" }, "tables": { "L": [{ "S": "web.tracks" }] },
                        "bytes": { "N": "4" } }),
    )
    .await?;

    // Rows of one person go slowly, so that the deletion can be seen at work.
    world
        .warehouse
        .batch_execute(
            "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql
                 AS 'BEGIN PERFORM pg_sleep(0.2); RETURN OLD; END';
             CREATE TRIGGER slow BEFORE DELETE ON web.tracks FOR EACH ROW WHEN (OLD.user_id = 'u2')
                 EXECUTE FUNCTION public.slow()",
        )
        .await?;
    let ids = while_the_first_deletes(&world, &OTHERS).await?;
    kill_when("EraseFunction", world.stack.output("RegulationsTable")?, async || {
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND wait_event = 'PgSleep' AND query LIKE 'DELETE FROM%tracks%'";
        Ok(world.warehouse.query_one(busy, &[]).await?.get::<_, i64>(0) > 0)
    })
    .await?;
    for ((id, own), together) in ids.iter().zip(&own).zip([None, Some(4), Some(4), Some(4), Some(4)]) {
        let regulation = world.stack.api.wait(id, |_| ()).await?;
        assert_eq!(task(&regulation, "Warehouse").0, "CONFIRMED", "{regulation:#}");
        assert_eq!((told(&regulation, "find"), told(&regulation, "forget")), (own.clone(), own.clone()));
        assert_eq!((told(&regulation, "verify"), deleted_together(&regulation)), (json!({}), together));
    }
    let after = Holdings::take(&world.warehouse, &all).await?;
    assert_eq!(after.total(), 0, "{:?}", after.theirs);
    assert!(after.rest == before.rest, "everyone else's rows, by their checksums");
    let left = list(&world).await?;
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["sk"]["S"], dead);
    assert_eq!(left[0]["outcome"]["M"]["tables"]["L"], json!([]), "for whom nothing could be done");
    Ok(())
}

/// Fills the warehouse. Answers everyone who is to go, what it holds of them all, and of each regulation's.
async fn filled(world: &World) -> Result<(Vec<&'static str>, Holdings, Vec<Value>)> {
    tests::warehouse::fill(&world.warehouse, &everyone(60), 600).await?;
    let groups = [&[FIRST][..], &OTHERS].concat();
    let mut own = Vec::new();
    for group in &groups {
        own.push(counts(Holdings::take(&world.warehouse, group).await?));
    }
    let all = groups.concat();
    let before = Holdings::take(&world.warehouse, &all).await?;
    Ok((all, before, own))
}

/// Holds the first regulation's deletion up until the others wait behind it. Answers all ids, the first's first.
async fn while_the_first_deletes(world: &World, others: &[&[&str]]) -> Result<Vec<String>> {
    let api = &world.stack.api;
    // It keeps nobody from reading.
    world.warehouse.batch_execute("BEGIN; LOCK TABLE web.tracks IN SHARE MODE").await?;
    let mut ids = vec![api.erase(FIRST).await?];
    wait_for(world, &ids).await?;
    for others in others {
        ids.push(api.erase(others).await?);
    }
    wait_for(world, &ids).await?;
    world.warehouse.batch_execute("COMMIT").await?;
    Ok(ids)
}

/// Until these stand on the warehouse's list.
async fn wait_for(world: &World, ids: &[String]) -> Result<()> {
    until(async || {
        let list = list(world).await?;
        let all = ids.iter().all(|id| list.iter().any(|entry| entry["sk"]["S"] == **id));
        Ok(if all { Break(()) } else { Continue(list) })
    })
    .await
}

/// Who waits and who leads, as it is stored.
async fn list(world: &World) -> Result<Vec<Value>> {
    let scan = json!({
        "TableName": world.stack.output("RunsTable")?,
        "ConsistentRead": true,
        "FilterExpression": "begins_with(pk, :group)",
        "ExpressionAttributeValues": { ":group": { "S": "GROUP#" } },
    });
    let mut found = world.stack.aws.call("dynamodb", "DynamoDB_20120810.Scan", scan).await?;
    serde_json::from_value(found["Items"].take()).context("no items")
}

async fn put(world: &World, item: Value) -> Result<()> {
    let put = json!({ "TableName": world.stack.output("RunsTable")?, "Item": item });
    world.stack.aws.call("dynamodb", "DynamoDB_20120810.PutItem", put).await?;
    Ok(())
}

fn counts(holdings: Holdings) -> Value {
    let rows = holdings.theirs.into_iter().filter(|(_, rows)| *rows > 0);
    // As evidence names it: without quotes.
    let name = |table: String| table.replace(r#""We""ird""#, r#"We"ird"#);
    rows.map(|(table, rows)| (name(table), Value::from(rows))).collect()
}

fn evidence(regulation: &Value, step: &str) -> Value {
    let task = destinations(regulation).into_iter().find(|task| task["name"] == "Warehouse");
    task.unwrap_or_default()["evidence"][step].take()
}

/// The rows by table that a step tells, without the tables that have none.
fn told(regulation: &Value, step: &str) -> Value {
    let mut counts = evidence(regulation, step)["counts"].take();
    if let Some(counts) = counts.as_object_mut() {
        counts.retain(|_, rows| *rows != 0);
    }
    counts
}

/// How many regulations' rows were deleted together with a regulation's.
fn deleted_together(regulation: &Value) -> Option<u64> {
    evidence(regulation, "forget")["lookedAt"]["regulationsTogether"].as_u64()
}
