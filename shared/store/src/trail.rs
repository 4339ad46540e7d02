//! The audit trail in the table `access`: records that are written once, each with the hash of the one before, and the
//! head of their chain.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;

use crate::{Page, Store, cursor, first_refused, from_item, number, page_failure, start, text, to_item};
use lambda::clock::pause_of;
use model::failure::{Failure, Result};
use model::trail::{TrailEntry, TrailHead, TrailRecord};

const TRAIL: &str = "TRAIL";
const HEAD: &str = "TRAIL_HEAD";

/// The suffix of the key of the record that says how an entry ended.
const END: &str = "#end";

/// How often appending a record is tried, since others may be faster, and the longest pause before another try.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(100);

impl Store {
    /// Appends a record of an entry: that it begins, or how it ended. Once written it stands, so that it is harmless to
    /// write it again.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached, or if others were faster each time.
    pub async fn write_trail(&self, entry: &TrailEntry) -> Result<()> {
        let sk = format!("{}{}", entry.id, if entry.status.is_some() { END } else { "" });
        for _ in 0..TRIES {
            let head = self.trail_head().await?;
            let record = head.next(entry);
            let put = Put::builder()
                .set_item(Some(to_item(TRAIL, &sk, &record)?))
                .condition_expression("attribute_not_exists(pk)");
            let end = Put::builder().set_item(Some(to_item(HEAD, HEAD, &record.head())?));
            let end = match head.number {
                0 => end.condition_expression("attribute_not_exists(pk)"),
                before => end
                    .condition_expression("#number = :before")
                    .expression_attribute_names("#number", "number")
                    .expression_attribute_values(":before", number(before)),
            };
            let mut request = self.client.transact_write_items();
            for put in [put, end] {
                let put = put.table_name(&self.tables.access).build();
                let put = put.map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
                request = request.transact_items(TransactWriteItem::builder().put(put).build());
            }
            match request.send().await {
                Ok(_) => return Ok(()),
                // It is recorded already.
                Err(e) if first_refused(&e) => return Ok(()),
                Err(e) if crate::is_cancelled(&e) => pause_of(PAUSE).await,
                Err(e) => return Err(crate::failure(&e)),
            }
        }
        Err(Failure::transient("the audit trail is written to too often at once"))
    }

    /// The head of the chain of records.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn trail_head(&self) -> Result<TrailHead> {
        Ok(self.get(&self.tables.access, (HEAD, HEAD)).await?.unwrap_or_default())
    }

    /// All records, to be [verified](model::trail::verify).
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn trail_records(&self) -> Result<Vec<TrailRecord>> {
        self.all_under(&self.tables.access, TRAIL).await
    }

    /// Entries from `since` to before `until`, the newest first, each as of its last record.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out; otherwise as [`Store::trail_head`].
    pub async fn trail(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        count: i32,
        from: Option<&str>,
    ) -> Result<Page<TrailEntry>> {
        // Ids begin with the milliseconds since 1970 in hex, so that a time is a place among them.
        let place = |at: Timestamp| AttributeValue::S(format!("aud_{:012x}", at.as_millisecond().max(0)));
        let reply = self
            .client
            .query()
            .table_name(&self.tables.access)
            .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :until")
            .expression_attribute_values(":pk", text(TRAIL))
            .expression_attribute_values(":since", place(since.unwrap_or(Timestamp::UNIX_EPOCH)))
            .expression_attribute_values(":until", place(until.unwrap_or(Timestamp::MAX)))
            .scan_index_forward(false)
            // An entry has two records at most.
            .limit(count.saturating_mul(2))
            .set_exclusive_start_key(start(from)?)
            .send()
            .await
            .map_err(|e| page_failure(from, &e))?;
        let mut more = reply.last_evaluated_key.is_some();
        let mut items: Vec<TrailEntry> = Vec::new();
        for record in reply.items.unwrap_or_default() {
            let entry: TrailEntry = from_item(record)?;
            // Its end comes before its beginning, which it repeats.
            if items.last().is_some_and(|last| last.id == entry.id) {
                continue;
            }
            if items.len() == usize::try_from(count).unwrap_or_default() {
                more = true;
                break;
            }
            items.push(entry);
        }
        let last = items.last().filter(|_| more);
        let key = |entry: &TrailEntry| {
            [("pk", TRAIL), ("sk", entry.id.as_str())].map(|(name, key)| (name.to_owned(), text(key))).into()
        };
        let next = cursor(last.map(key));
        Ok(Page { items, next })
    }
}
