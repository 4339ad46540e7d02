//! The audit trail in the table `access`: who changed what, and when. No identifier of a person is in it.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Page, Store, cursor, failure, from_item, start, text, to_item};
use model::failure::Result;
use model::id::TrailId;

const TRAIL: &str = "TRAIL";

/// One use of a scope that changes something. It is written before the change is made, so that there is no change
/// without one; how it ended is added after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrailEntry {
    /// Its id; later ones sort later.
    pub id: TrailId,
    /// When.
    pub at: Timestamp,
    /// Whose token it was: a token's id, `admin` for the token made at deployment, or `batch` for the queue.
    pub caller: String,
    /// What it was called then.
    pub caller_name: String,
    /// What was asked: method and path, with the names of what stands in it.
    #[schema(example = "POST /regulations/{id}/retry")]
    pub action: String,
    /// Lethe's own id of what it was about or of what it made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<String>,
    /// The HTTP status that was answered; none, if the work broke off.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What the answer said was wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl Store {
    /// Writes an entry, or writes it again with how it ended.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn write_trail(&self, entry: &TrailEntry) -> Result<()> {
        let item = to_item(TRAIL, entry.id.as_str(), entry)?;
        self.put(&self.tables.access, item).await
    }

    /// Entries, the newest first, of a time from `since` to before `until`.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn trail(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        count: i32,
        from: Option<&str>,
    ) -> Result<Page<TrailEntry>> {
        // Ids begin with the milliseconds since 1970 in hex, so that a time is a place among them.
        let place = |at: Timestamp| AttributeValue::S(format!("aud_{:012x}", at.as_millisecond().max(0)));
        let last = Timestamp::MAX;
        let reply = self
            .client
            .query()
            .table_name(&self.tables.access)
            .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :until")
            .expression_attribute_values(":pk", text(TRAIL))
            .expression_attribute_values(":since", place(since.unwrap_or(Timestamp::UNIX_EPOCH)))
            .expression_attribute_values(":until", place(until.unwrap_or(last)))
            .scan_index_forward(false)
            .limit(count)
            .set_exclusive_start_key(start(from)?)
            .send()
            .await
            .map_err(|e| failure(&e))?;
        let items = reply.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_>>()?;
        Ok(Page { items, next: cursor(reply.last_evaluated_key) })
    }
}
