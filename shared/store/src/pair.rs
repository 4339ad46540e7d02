//! Items that are written together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, UpdateBuilder};

use crate::{Store, failure};
use lambda::clock::sleep;
use model::failure::{Failure, Result};

/// How long to wait, in milliseconds, before trying again to write items that another transaction is writing.
const PAUSES: [u64; 5] = [10, 30, 90, 270, 0];

impl Store {
    /// Updates two items. Returns whether the conditions of both held.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles, cannot be reached, or other transactions kept writing these items;
    /// `Permanent`, if it refuses the call.
    pub(crate) async fn update_pair(&self, pair: [UpdateBuilder; 2]) -> Result<bool> {
        self.update_pair_if(pair, Vec::new()).await
    }

    /// Updates two items, if these conditions on others hold, too. Returns whether all did.
    ///
    /// # Errors
    /// As [`update_pair`](Self::update_pair).
    pub(crate) async fn update_pair_if(
        &self,
        pair: [UpdateBuilder; 2],
        checks: Vec<ConditionCheckBuilder>,
    ) -> Result<bool> {
        let unbuildable = |e| Failure::permanent("a write cannot be built").detail(e);
        let mut items = Vec::new();
        for update in pair {
            let update = update.table_name(&self.tables.suppressions).build().map_err(unbuildable)?;
            items.push(TransactWriteItem::builder().update(update).build());
        }
        for check in checks {
            let check = check.table_name(&self.tables.suppressions).build().map_err(unbuildable)?;
            items.push(TransactWriteItem::builder().condition_check(check).build());
        }
        Ok(self.together(items).await?.is_none())
    }

    /// Writes items together. Returns the place of the first whose condition did not hold, if any: nothing is written
    /// then.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles, cannot be reached, or other transactions kept writing these items;
    /// `Permanent`, if it refuses the call.
    pub(crate) async fn together(&self, items: Vec<TransactWriteItem>) -> Result<Option<usize>> {
        for pause in PAUSES {
            let request = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            let Err(error) = request.send().await else { return Ok(None) };
            let codes: Vec<_> = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons().iter().map(|reason| reason.code()).collect()
                }
                _ => Vec::new(),
            };
            if let Some(at) = codes.iter().position(|code| *code == Some("ConditionalCheckFailed")) {
                return Ok(Some(at));
            }
            if !codes.contains(&Some("TransactionConflict")) {
                return Err(failure(&error));
            }
            sleep(Duration::from_millis(pause)).await;
        }
        Err(Failure::transient("other transactions kept writing the same items"))
    }
}
