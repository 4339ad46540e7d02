//! A message as SQS delivers it.

use aws_lambda_events::sqs::SqsMessage;
use jiff::Timestamp;
use model::backoff;
use model::id::BatchId;

/// A message as SQS delivers it, perhaps not for the first time.
pub struct Delivery {
    /// Its id in SQS: the same for each delivery.
    pub message_id: String,
    /// SQS's handle of this delivery.
    pub receipt: String,
    /// The message's body.
    pub body: String,
    /// The sender: SQS's `SenderId`.
    pub sender: String,
    /// Delivery attempt number, from 1.
    pub receives: u32,
    sent: Timestamp,
}

impl Delivery {
    pub fn of(message: SqsMessage) -> Self {
        let number = |name: &str| message.attributes.get(name).and_then(|text| text.parse::<i64>().ok());
        let sent = number("SentTimestamp").and_then(|at| Timestamp::from_millisecond(at).ok());
        let receives = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok());
        Self {
            sent: sent.unwrap_or_default(),
            receives: receives.unwrap_or(1),
            sender: message.attributes.get("SenderId").cloned().unwrap_or_default(),
            message_id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        }
    }

    /// The batch that it begins.
    pub fn batch(&self) -> BatchId {
        BatchId::of_message(&self.message_id, self.sent)
    }

    /// Seconds until it is delivered again while a service is down: half a minute, growing to an hour.
    pub fn pause(&self) -> u32 {
        backoff::REDELIVERY.seconds_after(self.receives)
    }
}
