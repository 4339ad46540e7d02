//! Everything that a stack holds, to be searched for an identifier: tables, all versions of all files, queues, logs, and
//! what the state machines were told.

use std::collections::BTreeSet;
use std::io::Read;

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::world::World;

/// The tables, by their outputs.
const TABLES: [&str; 6] = [
    "AccessTable",
    "DestinationsTable",
    "RegulationsTable",
    "RunsTable",
    "SourcesTable",
    "SuppressionsTable",
];

/// The queues, by their names in the template.
const QUEUES: [&str; 6] = [
    "BatchQueue",
    "BatchDeadLetters",
    "EventsQueue",
    "LostEventsQueue",
    "UpstreamQueue",
    "UpstreamDeadLetters",
];

/// The state machines, by their outputs.
const MACHINES: [&str; 2] = ["DeletionStateMachine", "PurgeRunStateMachine"];

/// One thing that is kept: an item, a version of a file, a message, a log, a history.
#[derive(Debug)]
pub struct Trace {
    /// Where: a name of the template, or `archive`.
    pub place: &'static str,
    /// What it says, unpacked; of a file and an item, its key, too.
    pub text: String,
}

/// Everything that a stack and its archive hold.
///
/// # Errors
/// When a place cannot be read.
pub async fn everything(world: &World) -> Result<Vec<Trace>> {
    let mut all = Vec::new();
    for place in TABLES {
        all.extend(
            items(world, place).await?.into_iter().map(|item| Trace { place, text: item.to_string() }),
        );
    }
    all.extend(files(world, "archive", &world.bucket).await?);
    for place in ["LetheBucket", "AuditBucket"] {
        all.extend(files(world, place, world.stack.output(place)?).await?);
    }
    for place in QUEUES {
        all.extend(messages(world, place).await?);
    }
    for place in MACHINES {
        all.extend(histories(world, place).await?);
    }
    all.push(Trace { place: "logs", text: world.stack.logs().await? });
    Ok(all)
}

/// The items of a table, in DynamoDB's JSON.
///
/// # Errors
/// What DynamoDB answers.
pub async fn items(world: &World, table: &str) -> Result<Vec<Value>> {
    let (name, mut found, mut from) = (world.stack.output(table)?, Vec::new(), Value::Null);
    loop {
        let mut scan = json!({ "TableName": name, "ConsistentRead": true });
        if !from.is_null() {
            scan["ExclusiveStartKey"] = from;
        }
        let mut page = world.stack.aws.call("dynamodb", "DynamoDB_20120810.Scan", scan).await?;
        found.extend(page["Items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        from = page["LastEvaluatedKey"].take();
        if from.is_null() {
            return Ok(found);
        }
    }
}

/// Every version of every file of a bucket, and every delete marker.
///
/// # Errors
/// What S3 answers.
pub async fn files(world: &World, place: &'static str, bucket: &str) -> Result<Vec<Trace>> {
    let (mut all, mut key, mut version) = (Vec::new(), None, None);
    loop {
        let list = world.s3.list_object_versions().bucket(bucket);
        let page = list.set_key_marker(key).set_version_id_marker(version).send().await?;
        for marker in page.delete_markers().iter().filter_map(|marker| marker.key()) {
            all.push(Trace { place, text: marker.to_owned() });
        }
        for found in page.versions() {
            let get = world.s3.get_object().bucket(bucket).set_key(found.key.clone());
            let file = get.set_version_id(found.version_id.clone()).send().await?;
            let text = unpacked(&file.body.collect().await?.into_bytes())?;
            all.push(Trace { place, text: format!("{}\n{text}", found.key().unwrap_or_default()) });
        }
        if !page.is_truncated.unwrap_or(false) {
            return Ok(all);
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
}

/// What a file says: gzip unpacked, the parts of a JWS decoded.
fn unpacked(bytes: &[u8]) -> Result<String> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes).read_to_end(&mut plain)?;
        return Ok(String::from_utf8_lossy(&plain).into_owned());
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    let parts = text.split('.').filter_map(|part| BASE64_URL_SAFE_NO_PAD.decode(part.trim()).ok());
    let decoded: Vec<_> = parts.map(|part| String::from_utf8_lossy(&part).into_owned()).collect();
    Ok(format!("{text}\n{}", decoded.join("\n")))
}

/// The messages of a queue, which stay there.
async fn messages(world: &World, place: &'static str) -> Result<Vec<Trace>> {
    let resources = world.stack.aws.resources(&world.stack.name).await?;
    let queue = resources.into_iter().find(|(id, _)| id == place).map(|(_, url)| url);
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    loop {
        let ask = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 1,
            "MessageAttributeNames": ["All"] });
        let answer = world.stack.aws.call("sqs", "AmazonSQS.ReceiveMessage", ask).await?;
        let new = answer["Messages"].as_array().into_iter().flatten();
        let new: Vec<_> = new.filter(|message| seen.insert(message["MessageId"].to_string())).collect();
        if new.is_empty() {
            return Ok(all);
        }
        all.extend(new.into_iter().map(|message| Trace { place, text: message.to_string() }));
    }
}

/// The history of every execution, with what it was given and what it answered.
async fn histories(world: &World, place: &'static str) -> Result<Vec<Trace>> {
    let mut all = Vec::new();
    for execution in world.stack.executions(place).await? {
        let of = json!({ "executionArn": execution });
        let described = world.stack.aws.call("states", "AWSStepFunctions.DescribeExecution", of).await?;
        let body = json!({ "executionArn": execution, "maxResults": 1000, "includeExecutionData": true });
        let history = world.stack.aws.call("states", "AWSStepFunctions.GetExecutionHistory", body).await?;
        all.push(Trace { place, text: format!("{described}{history}") });
    }
    Ok(all)
}
