//! Slots of time for calls with one credential, in the table `destinations`: how calls of many invocations keep to
//! one rate.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::{Item, Store, failure, text, unless_refused};
use model::failure::{Failure, Result};

/// Beside `META`, which destinations have.
const SLOTS: &str = "SLOTS";

/// What a reservation answers, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// Reserved, beginning at this moment.
    From(i64),
    /// Not reserved: all slots are taken until this moment.
    NotBefore(i64),
}

impl Store {
    /// Reserves the next free `span` microseconds of a credential from `now` on; nothing, if they are later than
    /// `horizon`.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn reserve_slots(&self, credential: &str, now: i64, span: i64, horizon: i64) -> Result<Slots> {
        loop {
            // At the end of the queue: one atomic update, so that no caller has to try again.
            let queued = self
                .slots(credential)
                .update_expression("ADD freeFrom :span")
                .condition_expression("freeFrom BETWEEN :now AND :horizon")
                .expression_attribute_values(":span", number(span))
                .expression_attribute_values(":now", number(now))
                .expression_attribute_values(":horizon", number(horizon))
                .return_values(ReturnValue::UpdatedNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let free = match queued {
                Ok(reply) => {
                    let end = reply.attributes.as_ref().and_then(free).ok_or_else(broken)?;
                    return Ok(Slots::From(end - span));
                }
                Err(e) => refused(e)?,
            };
            if let Some(free) = free.filter(|free| *free > horizon) {
                return Ok(Slots::NotBefore(free));
            }
            // The queue is empty: it begins now.
            let first = self
                .slots(credential)
                .update_expression("SET freeFrom = :end")
                .condition_expression("attribute_not_exists(freeFrom) OR freeFrom < :now")
                .expression_attribute_values(":end", number(now + span))
                .expression_attribute_values(":now", number(now))
                .send()
                .await;
            match first {
                Ok(_) => return Ok(Slots::From(now)),
                Err(e) => drop(refused(e)?),
            }
        }
    }

    /// Blocks all slots of a credential until a moment, in microseconds since 1970.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn hold_slots(&self, credential: &str, until: i64) -> Result<()> {
        let request = self
            .slots(credential)
            .update_expression("SET freeFrom = :until")
            .condition_expression("attribute_not_exists(freeFrom) OR freeFrom < :until")
            .expression_attribute_values(":until", number(until));
        unless_refused(request.send().await)
    }

    fn slots(
        &self,
        credential: &str,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let request = self.client.update_item().table_name(&self.tables.destinations);
        request.key("pk", text(&format!("slots_{credential}"))).key("sk", text(SLOTS))
    }
}

/// Until when all is taken, as a condition that did not hold tells.
fn refused(error: SdkError<UpdateItemError>) -> Result<Option<i64>> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            Ok(refused.item.as_ref().and_then(free))
        }
        _ => Err(failure(&error)),
    }
}

fn free(item: &Item) -> Option<i64> {
    item.get("freeFrom")?.as_n().ok()?.parse().ok()
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn broken() -> Failure {
    Failure::transient("DynamoDB did not answer the value that it was asked for")
}
