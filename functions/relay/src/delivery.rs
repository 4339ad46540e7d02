//! A message as SQS delivers it.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsMessage;

/// A message as SQS delivers it, perhaps not for the first time.
pub struct Delivery {
    /// Its id in SQS: the same for each delivery.
    pub message_id: String,
    /// SQS's handle of this delivery.
    pub receipt: String,
    /// The message's body.
    pub body: String,
    /// Its lane: its message group.
    pub lane: String,
    /// Delivery attempt number, from 1.
    pub receives: u32,
}

impl From<SqsMessage> for Delivery {
    fn from(mut message: SqsMessage) -> Self {
        let receives = message.attributes.get("ApproximateReceiveCount").and_then(|text| text.parse().ok());
        Self {
            receives: receives.unwrap_or(1),
            lane: message.attributes.remove("MessageGroupId").unwrap_or_default(),
            message_id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
        }
    }
}

/// The messages of each lane, in order.
pub fn by_lane(messages: Vec<SqsMessage>) -> impl Iterator<Item = Vec<Delivery>> {
    let mut lanes: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    for delivery in messages.into_iter().map(Delivery::from) {
        lanes.entry(delivery.lane.clone()).or_default().push(delivery);
    }
    lanes.into_values()
}
