//! A queue whose messages are delivered again when the function says, and its dead-letter queue.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

use lambda::environment;
use model::failure::{Failure, Result};

/// The two queues.
#[derive(Debug, Clone)]
pub struct RetryQueue {
    client: Client,
    url: String,
    dead_letters: String,
}

impl RetryQueue {
    /// The queues that the environment names in these variables.
    ///
    /// # Errors
    /// `Permanent`, naming a variable that is missing.
    pub fn from_env(config: &SdkConfig, queue: &str, dead_letters: &str) -> Result<Self> {
        let (url, dead_letters) = (environment::required(queue)?, environment::required(dead_letters)?);
        Ok(Self { client: Client::new(config), url, dead_letters })
    }

    /// Sends a message that can never succeed to the dead-letter queue, with notes as attributes. `group` is its message
    /// group, if the queues are FIFO queues.
    ///
    /// # Errors
    /// `Transient`, if SQS throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn bury(&self, body: &str, group: Option<&str>, notes: &[(&str, &str)]) -> Result<()> {
        let request = self.client.send_message().queue_url(&self.dead_letters).message_body(body);
        let mut request = request.set_message_group_id(group.map(str::to_owned));
        for (name, value) in notes.iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            let value = value.map_err(|e| Failure::permanent("a note cannot be built").detail(e))?;
            request = request.message_attributes(*name, value);
        }
        request.send().await.map_err(|e| crate::failure("SQS", &e))?;
        Ok(())
    }

    /// Makes a received message visible again after some seconds; SQS takes up to 12 hours.
    ///
    /// # Errors
    /// `Transient`, if SQS throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn again_in(&self, receipt: &str, seconds: u32) -> Result<()> {
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        request.visibility_timeout(seconds).send().await.map_err(|e| crate::failure("SQS", &e))?;
        Ok(())
    }
}
