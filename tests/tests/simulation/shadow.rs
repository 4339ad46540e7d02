//! The simulated DynamoDB against the local AWS: every call of some seeds is made there once more, in the same order, and
//! must be answered in the same way. So no schedule depends on what only the simulation believes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::aws::Aws;
use tests::process::root;

use crate::installation::{has_environment, table};
use crate::life::Life;
use crate::seeds::run;
use crate::turnstile::Trouble;

const SEEDS: u64 = 4;

/// The indexes of a table: name, key and what it sorts by.
fn indexes(of: &str) -> &'static [[&'static str; 3]] {
    match of {
        "regulations" => &[["byDate", "list", "createdAt"], ["underWay", "list", "waitsSince"]],
        "suppressions" => &[["byScope", "scope", "suppressedAt"]],
        _ => &[],
    }
}

fn key(hash: &str, range: &str) -> Value {
    json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }])
}

async fn create_table(aws: &Aws, of: &str, name: &str) -> Result<()> {
    let mut names: Vec<&str> =
        ["pk", "sk"].into_iter().chain(indexes(of).iter().flat_map(|index| [index[1], index[2]])).collect();
    names.sort_unstable();
    names.dedup();
    let attributes: Vec<_> =
        names.iter().map(|name| json!({ "AttributeName": name, "AttributeType": "S" })).collect();
    let mut create = json!({
        "TableName": name, "KeySchema": key("pk", "sk"), "AttributeDefinitions": attributes, "BillingMode": "PAY_PER_REQUEST",
    });
    let indexes: Vec<_> = (indexes(of).iter())
        .map(|[name, hash, range]| json!({ "IndexName": name, "KeySchema": key(hash, range), "Projection": { "ProjectionType": "ALL" } }))
        .collect();
    if !indexes.is_empty() {
        create["GlobalSecondaryIndexes"] = json!(indexes);
    }
    aws.endpoint.call("dynamodb", "DynamoDB_20120810.CreateTable", create).await.map(drop)
}

/// All that a seed's functions asked DynamoDB, with what it answered.
fn asked(seed: u64) -> Vec<(String, Value, Value)> {
    run(async {
        let life = Life::new(seed, Trouble { faults: 20, crashes: 2, ghosts: 2, expiries: 1 }, None).await;
        life.installation.turnstile.gate().world.kept = Some(Vec::new());
        life.installation.turnstile.gate().world.tables.clear();
        life.installation.connect().await.expect("a calm installation");
        life.object("a", true);
        crate::regulations::cast(&life);
        for _ in 0..3_000 {
            if life.is_at_rest() || !life.installation.turnstile.step().await {
                break;
            }
            life.installation.begin_executions();
        }
        life.installation.turnstile.gate().world.kept.take().expect("they are kept")
    })
}

/// What an answer says, whatever the order in which it may say it.
fn said(operation: &str, answer: &Value) -> Value {
    let mut said = answer.clone();
    let Some(fields) = said.as_object_mut() else { return said };
    let kind = fields
        .get("__type")
        .and_then(Value::as_str)
        .map(|kind| kind.rsplit('#').next().unwrap_or(kind).to_owned());
    if let Some(kind) = kind {
        let reasons =
            fields.get("CancellationReasons").and_then(Value::as_array).cloned().unwrap_or_default();
        let codes: Vec<_> = reasons.iter().map(|reason| reason["Code"].clone()).collect();
        return json!({ "refused": kind, "reasons": codes, "item": fields.get("Item").map(sorted) });
    }
    for name in ["ConsumedCapacity", "ScannedCount", "ItemCollectionMetrics"] {
        fields.remove(name);
    }
    let in_any_order = matches!(operation, "Scan" | "BatchGetItem");
    sorted_if(&said, in_any_order)
}

fn sorted(value: &Value) -> Value {
    sorted_if(value, false)
}

/// With the members of sets in order; of lists, too, if their order says nothing.
fn sorted_if(value: &Value, lists: bool) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), sorted_if(value, lists || name == "SS")))
            .collect(),
        Value::Array(all) => {
            let mut all: Vec<_> = all.iter().map(|one| sorted_if(one, lists)).collect();
            if lists {
                all.sort_by_key(Value::to_string);
            }
            json!(all)
        }
        value => value.clone(),
    }
}

#[test]
fn the_simulated_dynamodb_answers_as_the_local_aws_does() -> Result<()> {
    if !has_environment("shadow::the_simulated_dynamodb_answers_as_the_local_aws_does") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let aws = runtime.block_on(Aws::start(&root().join(".local/logs/test-shadow-aws.log")))?;
    let mut calls = 0;
    for seed in 0..SEEDS {
        for of in ["regulations", "suppressions", "sources", "destinations", "runs", "access"] {
            runtime.block_on(create_table(&aws, of, &format!("{}-{seed}", table(of))))?;
        }
        for (number, (operation, body, told)) in asked(seed).into_iter().enumerate() {
            let body =
                body.to_string().replace("\"table-regulations\"", &format!("\"table-regulations-{seed}\""));
            let body = ["suppressions", "sources", "destinations", "runs", "access"]
                .iter()
                .fold(body, |body, of| {
                    body.replace(&format!("\"{}\"", table(of)), &format!("\"{}-{seed}\"", table(of)))
                });
            let answer = runtime.block_on(ask(&aws, &operation, body.clone()))?;
            let answer: Value =
                serde_json::from_str(&answer.to_string().replace(&format!("-{seed}\":"), "\":"))?;
            let (here, there) = (said(&operation, &told), said(&operation, &answer));
            ensure!(
                here == there,
                "seed {seed}, call {number}: {operation} {body}\nhere  {here}\nthere {there}"
            );
            calls += 1;
        }
    }
    println!("shadow: {calls} calls of {SEEDS} seeds, answered alike");
    Ok(())
}

async fn ask(aws: &Aws, operation: &str, body: String) -> Result<Value> {
    let scope = "test/20260101/us-east-1/dynamodb/aws4_request";
    let reply = aws
        .endpoint
        .http()
        .post(aws.endpoint.url())
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        )
        .body(body)
        .send()
        .await?;
    serde_json::from_str(&reply.text().await?).context("an answer in JSON")
}
