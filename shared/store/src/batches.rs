//! Batches in the table `regulations`, beside what they make; what they were about is claimed in the table `access`.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Page, Store, cursor, from_item, if_held, not_given_out, page_failure, start, text, to_item};
use model::batch::{Batch, Refusal};
use model::failure::{Failure, Result};
use model::id::BatchId;

const META: &str = "META";
const REFUSED: &str = "REFUSED#";
const CONTENT: &str = "CONTENT";

/// The index by date, in which all batches are under one value of `list`.
const BY_DATE: &str = "byDate";
const LIST: &str = "BATCH";

/// How many refusals one item holds: well below DynamoDB's 400 KB.
pub const REFUSALS_PER_ITEM: usize = 1_000;

/// How long a claim is kept: longer than a queue and its dead-letter queue keep a message, one after the other.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Serialize, Deserialize)]
struct Refusals {
    refusals: Vec<Refusal>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claimed {
    batch_id: BatchId,
}

impl Store {
    /// Keeps how far a batch is. One that is accepted stays so.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_batch(&self, batch: &Batch) -> Result<()> {
        let mut item = to_item(batch.id.as_str(), META, batch)?;
        item.insert("list".into(), text(LIST));
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.regulations)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR #status <> :accepted")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":accepted", text("ACCEPTED"));
        if_held(put.send().await).map(drop)
    }

    /// A batch.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn batch(&self, id: &BatchId) -> Result<Option<Batch>> {
        self.get(&self.tables.regulations, (id.as_str(), META)).await
    }

    /// Batches, the newest first.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn batches(&self, count: i32, from: Option<&str>) -> Result<Page<Batch>> {
        let reply = self
            .client
            .query()
            .table_name(&self.tables.regulations)
            .index_name(BY_DATE)
            .key_condition_expression("#list = :list")
            .expression_attribute_names("#list", "list")
            .expression_attribute_values(":list", text(LIST))
            .scan_index_forward(false)
            .limit(count)
            .set_exclusive_start_key(start(from)?)
            .send()
            .await
            .map_err(|e| page_failure(from, &e))?;
        let items = reply.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_>>()?;
        Ok(Page { items, next: cursor(reply.last_evaluated_key) })
    }

    /// Keeps lines of a batch that name no subject: [`REFUSALS_PER_ITEM`] of them, or the last ones, under the item's
    /// number from 0. Harmless when they are kept already.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn keep_refusals(&self, id: &BatchId, number: usize, refusals: Vec<Refusal>) -> Result<()> {
        let item = to_item(id.as_str(), &page(number), &Refusals { refusals })?;
        self.put(&self.tables.regulations, item).await
    }

    /// The lines of a batch that name no subject, in order.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn refusals(&self, id: &BatchId, count: usize, from: Option<&str>) -> Result<Page<Refusal>> {
        let place = from.unwrap_or("0").parse::<usize>().map_err(|_| not_given_out())?;
        let items: Vec<_> = self.refusals_from(id, place).await?.into_iter().take(count).collect();
        let end = place + items.len();
        // An item ends where a page of it may: only a look behind it tells whether there are more.
        let more = !items.is_empty() && !self.refusals_from(id, end).await?.is_empty();
        Ok(Page { items, next: more.then(|| end.to_string()) })
    }

    async fn refusals_from(&self, id: &BatchId, place: usize) -> Result<Vec<Refusal>> {
        let item: Option<Refusals> =
            self.get(&self.tables.regulations, (id.as_str(), &page(place / REFUSALS_PER_ITEM))).await?;
        Ok(item.into_iter().flat_map(|item| item.refusals).skip(place % REFUSALS_PER_ITEM).collect())
    }

    /// Claims what a batch is about, unless another one has, or in place of a certain other one. Answers whose it is.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn claim_content(
        &self,
        content: &str,
        batch: &BatchId,
        in_place_of: Option<&BatchId>,
        now: Timestamp,
    ) -> Result<BatchId> {
        let key = format!("{CONTENT}#{content}");
        let mut item = to_item(&key, CONTENT, &Claimed { batch_id: batch.clone() })?;
        item.insert("ttl".into(), AttributeValue::N((now + KEPT).as_second().to_string()));
        let put = self.client.put_item().table_name(&self.tables.access).set_item(Some(item));
        let put = match in_place_of {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(other) => put
                .condition_expression("batchId = :other")
                .expression_attribute_values(":other", text(other.as_str())),
        };
        if if_held(put.send().await)? {
            return Ok(batch.clone());
        }
        let claimed: Option<Claimed> = self.get(&self.tables.access, (&key, CONTENT)).await?;
        let claimed = claimed.ok_or_else(|| Failure::transient("a claim has just ended"))?;
        Ok(claimed.batch_id)
    }
}

fn page(number: usize) -> String {
    format!("{REFUSED}{number:06}")
}
