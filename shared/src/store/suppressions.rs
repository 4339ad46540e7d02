//! The table `suppressions`: one item per subject and scope.

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use futures::{TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, sleep};

use super::{Page, Store, cursor, failure, from_item, start, text, to_item};
use crate::failure::{Failure, Result};
use crate::id::RegulationId;
use crate::subject::Subject;

/// The scope of a whole workspace.
const WORKSPACE: &str = "WORKSPACE";

/// The index by scope and date, for listing.
const BY_SCOPE: &str = "byScope";

/// DynamoDB's limit for one batch.
const BATCH: usize = 25;

/// How many batches are under way at once.
const CONCURRENCY: usize = 16;

/// A suppressed subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    /// Who.
    pub subject: Subject,
    /// Where: the whole workspace.
    pub scope: String,
    /// Since when.
    pub suppressed_at: Timestamp,
    /// By which regulation.
    pub regulation_id: RegulationId,
}

impl Store {
    /// Suppresses subjects. Harmless for those who are.
    ///
    /// # Errors
    /// As DynamoDB says; some may then be suppressed and others not: call again.
    pub async fn suppress(&self, subjects: &[Subject], by: &RegulationId, at: Timestamp) -> Result<()> {
        let writes = subjects.iter().map(|subject| {
            let entry = Suppressed {
                subject: subject.clone(),
                scope: WORKSPACE.to_owned(),
                suppressed_at: at,
                regulation_id: by.clone(),
            };
            let put =
                PutRequest::builder().set_item(Some(to_item(&key(subject), WORKSPACE, &entry)?)).build();
            Ok(WriteRequest::builder().put_request(put.map_err(unbuildable)?).build())
        });
        self.write(writes.collect::<Result<_>>()?).await
    }

    /// Lifts the suppression of subjects. Harmless for those who are not suppressed.
    ///
    /// # Errors
    /// As DynamoDB says; some may then be lifted and others not: call again.
    pub async fn unsuppress(&self, subjects: &[Subject]) -> Result<()> {
        let writes = subjects.iter().map(|subject| {
            let delete =
                DeleteRequest::builder().key("pk", text(&key(subject))).key("sk", text(WORKSPACE)).build();
            Ok(WriteRequest::builder().delete_request(delete.map_err(unbuildable)?).build())
        });
        self.write(writes.collect::<Result<_>>()?).await
    }

    /// Suppressed subjects, in the order in which they were suppressed.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn suppressed(&self, count: i32, from: Option<&str>) -> Result<Page<Suppressed>> {
        let reply = self
            .client
            .query()
            .table_name(&self.tables.suppressions)
            .index_name(BY_SCOPE)
            .key_condition_expression("#scope = :scope")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(WORKSPACE))
            .limit(count)
            .set_exclusive_start_key(start(from)?)
            .send()
            .await
            .map_err(|e| failure(&e))?;
        let items = reply.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_>>()?;
        Ok(Page { items, next: cursor(reply.last_evaluated_key) })
    }

    async fn write(&self, writes: Vec<WriteRequest>) -> Result<()> {
        let batches = writes.chunks(BATCH).map(|batch| Ok(self.write_batch(batch.to_vec())));
        stream::iter(batches).try_buffer_unordered(CONCURRENCY).try_collect::<()>().await
    }

    /// Writes a batch, and what DynamoDB left over of it, until nothing is.
    async fn write_batch(&self, mut left: Vec<WriteRequest>) -> Result<()> {
        let table = &self.tables.suppressions;
        for pause in [0, 50, 100, 200, 400, 800, 1600, 3200] {
            sleep(Duration::from_millis(pause)).await;
            let request = self.client.batch_write_item().request_items(table, left);
            let mut reply = request.send().await.map_err(|e| failure(&e))?;
            left = reply.unprocessed_items.as_mut().and_then(|left| left.remove(table)).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(Failure::transient("DynamoDB took only some of the suppressions: it is throttled"))
    }
}

fn key(subject: &Subject) -> String {
    format!("{}#{}", subject.kind.as_str(), subject.id)
}

fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> Failure {
    Failure::permanent("a write cannot be built").detail(error)
}
