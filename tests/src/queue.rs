//! The queue of batches, as whoever sends to it sees it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

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

/// Takes a message from one of the queues, once there is one.
///
/// # Errors
/// When there is none within `limit`.
pub async fn take(stack: &Stack, queue: &str, limit: Duration) -> Result<Value> {
    let url = stack.output(queue)?;
    let end = Instant::now() + limit;
    loop {
        let ask = json!({ "QueueUrl": url, "MessageAttributeNames": ["All"], "WaitTimeSeconds": 1 });
        let mut answer = stack.aws.call("sqs", "AmazonSQS.ReceiveMessage", ask).await?;
        if !answer["Messages"][0].is_null() {
            let message = answer["Messages"][0].take();
            let delete = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            stack.aws.call("sqs", "AmazonSQS.DeleteMessage", delete).await?;
            return Ok(message);
        }
        if Instant::now() > end {
            bail!("there is no message in {queue}");
        }
    }
}

/// The batch that a message began, once it has ended.
///
/// # Errors
/// When it does not end within `limit`.
pub async fn ended(stack: &Stack, message: &str, limit: Duration) -> Result<Value> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = find(stack, message).await?
            && found["status"] != "RUNNING"
        {
            let id = found["id"].as_str().context("an id")?;
            return Ok(stack.api.get(&format!("/batches/{id}")).await?["data"]["batch"].take());
        }
        if Instant::now() > end {
            bail!("the batch of {message} has not ended: {:?}", find(stack, message).await?);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
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
