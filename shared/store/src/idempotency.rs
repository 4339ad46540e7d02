//! Answers kept under an `Idempotency-Key` in the table `access`, so that a request that is sent again is not done
//! again.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Store, failure, from_item, text, to_item};
use model::failure::{Failure, Result};
use model::id::RegulationId;

const REPLAY: &str = "REPLAY";

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long a request may be under way before its work counts as broken off: longer than the function's timeout.
const LEASE: SignedDuration = SignedDuration::from_secs(40);

/// A request with a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Stands for caller, method, path and key.
    pub key: String,
    /// Stands for the body.
    pub body: String,
    /// The id of the regulation that it makes, if it makes one: the same id each time the work is begun.
    pub regulation_id: RegulationId,
    /// Until when no other request may begin the work.
    pub leased_until: Timestamp,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<Answer>,
}

/// What was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; none, if it was too long to be kept.
    pub body: Option<String>,
}

/// What is to be done with a request that has a key.
#[derive(Debug)]
pub enum Claim {
    /// The work: until the lease ends, no other request does it.
    Work(Replay),
    /// Nothing: this was answered before.
    Done(Answer),
    /// Nothing: it is under way.
    Busy,
    /// Nothing: the key was used with another body.
    Misused,
}

impl Store {
    /// Takes up a request, unless it has been answered or is under way.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn claim(&self, key: &str, body: &str, now: Timestamp) -> Result<Claim> {
        let mut replay = Replay {
            key: key.to_owned(),
            body: body.to_owned(),
            regulation_id: RegulationId::new(),
            leased_until: now + LEASE,
            answer: None,
        };
        match self.begin(&replay, None).await? {
            None => Ok(Claim::Work(replay)),
            Some(before) if before.body != body => Ok(Claim::Misused),
            Some(Replay { answer: Some(answer), .. }) => Ok(Claim::Done(answer)),
            Some(before) if before.leased_until > now => Ok(Claim::Busy),
            // The work broke off: it is taken up where it was, by one.
            Some(before) => {
                replay.regulation_id = before.regulation_id;
                let other = self.begin(&replay, Some(before.leased_until)).await?;
                Ok(if other.is_none() { Claim::Work(replay) } else { Claim::Busy })
            }
        }
    }

    /// Writes that the work begins, if none has, or if what was begun is as old as was `seen`. Answers what is there
    /// instead.
    async fn begin(&self, replay: &Replay, seen: Option<Timestamp>) -> Result<Option<Replay>> {
        let put = self
            .put_replay(replay)?
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .condition_expression("attribute_not_exists(answer) AND leasedUntil = :seen")
                .expression_attribute_values(":seen", text(&seen.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(None),
            Err(e) => match e.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    let there = refused.item.clone();
                    let there =
                        there.ok_or_else(|| Failure::transient("DynamoDB did not say what is there"))?;
                    from_item(there).map(Some)
                }
                _ => Err(failure(&e)),
            },
        }
    }

    /// Keeps what was answered. Without an answer, the next request with the key begins the work anew.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn settle(&self, replay: Replay, answer: Option<Answer>) -> Result<()> {
        let replay = Replay { leased_until: Timestamp::UNIX_EPOCH, answer, ..replay };
        self.put_replay(&replay)?.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    fn put_replay(&self, replay: &Replay) -> Result<PutItemFluentBuilder> {
        let mut item = to_item(&format!("{REPLAY}#{}", replay.key), REPLAY, replay)?;
        let end = (Timestamp::now() + KEPT).as_second();
        item.insert("ttl".into(), AttributeValue::N(end.to_string()));
        Ok(self.client.put_item().table_name(&self.tables.access).set_item(Some(item)))
    }
}
