//! The queue of batches, as whoever sends to it sees it.

use std::ops::ControlFlow::{Break, Continue};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::progress::until;
use crate::stack::Stack;

/// Sends a message to one of the queues that the template puts out; answers its id in SQS.
///
/// # Errors
/// What SQS answers.
pub async fn send(stack: &Stack, queue: &str, body: &str) -> Result<String> {
    let message = json!({ "QueueUrl": stack.output(queue)?, "MessageBody": body });
    let sent = stack.aws.call("sqs", "AmazonSQS.SendMessage", message).await?;
    Ok(sent["MessageId"].as_str().context("a message id")?.to_owned())
}

/// Sets for how many seconds a queue waits until it delivers again what a consumer took and did not delete.
///
/// # Errors
/// What SQS answers.
pub async fn redeliver_after(stack: &Stack, url: &str, seconds: u32) -> Result<()> {
    let attributes = json!({ "QueueUrl": url, "Attributes": { "VisibilityTimeout": seconds.to_string() } });
    stack.aws.call("sqs", "AmazonSQS.SetQueueAttributes", attributes).await.map(drop)
}

/// Takes a message from one of the queues, once there is one.
///
/// # Errors
/// When none comes.
pub async fn take(stack: &Stack, queue: &str) -> Result<Value> {
    let url = stack.output(queue)?;
    until(async || {
        let ask = json!({ "QueueUrl": url, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 1 });
        let mut answer = stack.aws.call("sqs", "AmazonSQS.ReceiveMessage", ask).await?;
        if !answer["Messages"][0].is_null() {
            let message = answer["Messages"][0].take();
            let delete = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            stack.aws.call("sqs", "AmazonSQS.DeleteMessage", delete).await?;
            return Ok(Break(message));
        }
        Ok(Continue(format!("there is no message in {queue}")))
    })
    .await
}

/// The batch that a message began, once it has ended.
///
/// # Errors
/// When it makes no progress.
pub async fn ended(stack: &Stack, message: &str) -> Result<Value> {
    until(async || {
        let found = find(stack, message).await?;
        let Some(batch) = found.as_ref().filter(|batch| batch["status"] != "RUNNING") else {
            return Ok(Continue(found));
        };
        let id = batch["id"].as_str().context("an id")?;
        Ok(Break(stack.api.get(&format!("/batches/{id}")).await?["data"]["batch"].take()))
    })
    .await
}

/// The batch that a message began, if it has.
///
/// # Errors
/// What the API answered.
pub async fn find(stack: &Stack, message: &str) -> Result<Option<Value>> {
    let listed = stack.api.get("/batches").await?;
    let batches = listed["data"]["batches"].as_array().context("batches")?;
    Ok(batches.iter().find(|batch| batch["messageId"] == message).cloned())
}
