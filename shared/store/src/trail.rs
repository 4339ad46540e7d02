//! The audit trail in the table `access`: records that are written once, each with the hash of the one before, and the
//! head of their chain.

use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;

use crate::{
    Item, Page, Store, cursor, first_refused, from_item, number, page_failure, start, text, to_item,
};
use lambda::clock::pause_of;
use model::failure::{Failure, Result};
use model::id::TrailId;
use model::trail::{TrailEntry, TrailHead, TrailRecord};

const TRAIL: &str = "TRAIL";
const HEAD: &str = "TRAIL_HEAD";

/// The suffix of the key of the record that says how an entry ended.
const END: &str = "#end";

/// How often appending a record is tried, since others may be faster, and the longest pause before another try.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(100);

/// How many records are read at a time when a filter applies, and how often for one page.
const FILTERED: i32 = 1_000;
const READS: usize = 10;

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

    /// Entries that a filter admits, the newest first, each as of its last record. A page may hold fewer than `count`,
    /// even none: there are more as long as there is a next one.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out; otherwise as [`Store::trail_head`].
    pub async fn trail(
        &self,
        filter: &TrailFilter,
        count: i32,
        from: Option<&str>,
    ) -> Result<Page<TrailEntry>> {
        // An entry has two records at most; DynamoDB limits before it filters.
        let limit = if filter.is_plain() { count.saturating_mul(2) } else { FILTERED };
        let wanted = usize::try_from(count).unwrap_or_default();
        let (mut items, mut place) = (Vec::<TrailEntry>::new(), start(from)?);
        for _ in 0..if filter.is_plain() { 1 } else { READS } {
            let query = filter.apply(self.client.query()).table_name(&self.tables.access);
            let reply = query.scan_index_forward(false).limit(limit).set_exclusive_start_key(place);
            let reply = reply.send().await.map_err(|e| page_failure(from, &e))?;
            for record in reply.items.unwrap_or_default() {
                let entry: TrailEntry = from_item(record)?;
                // Its end comes before its beginning, which it repeats.
                if items.last().is_some_and(|last| last.id == entry.id) {
                    continue;
                }
                if items.len() == wanted {
                    let next = cursor(items.last().map(|last| place_of(&last.id)));
                    return Ok(Page { items, next });
                }
                items.push(entry);
            }
            place = reply.last_evaluated_key;
            // What was read last may be the end of an entry that is shown: its beginning is not to be read again.
            if let (Some(last), Some(AttributeValue::S(sk))) =
                (items.last(), place.as_ref().and_then(|place| place.get("sk")))
                && *sk == format!("{}{END}", last.id)
            {
                place = Some(place_of(&last.id));
            }
            if place.is_none() || items.len() == wanted {
                break;
            }
        }
        Ok(Page { items, next: cursor(place) })
    }
}

/// The key of the first record of an entry.
fn place_of(id: &TrailId) -> Item {
    [("pk", TRAIL), ("sk", id.as_str())].map(|(name, key)| (name.to_owned(), text(key))).into()
}

/// Which entries of the trail a list shows: all, if no field is set.
#[derive(Debug, Clone, Default)]
pub struct TrailFilter {
    /// Only those at this time or later.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
    /// Only those of this caller.
    pub caller: Option<String>,
    /// Only those that asked for this.
    pub action: Option<String>,
    /// Only those about this, or about this part of something.
    pub object: Option<String>,
}

impl TrailFilter {
    /// Whether it filters by time alone.
    fn is_plain(&self) -> bool {
        self.caller.is_none() && self.action.is_none() && self.object.is_none()
    }

    /// Both records of an entry have its caller and its action, and the later one has all that the earlier one has: what
    /// admits an entry's beginning admits its end.
    fn apply(&self, query: QueryFluentBuilder) -> QueryFluentBuilder {
        // Ids begin with the milliseconds since 1970 in hex, so that a time is a place among them.
        let place = |at: Timestamp| AttributeValue::S(format!("aud_{:012x}", at.as_millisecond().max(0)));
        let mut query = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :until")
            .expression_attribute_values(":pk", text(TRAIL))
            .expression_attribute_values(":since", place(self.since.unwrap_or(Timestamp::UNIX_EPOCH)))
            .expression_attribute_values(":until", place(self.until.unwrap_or(Timestamp::MAX)));
        let mut conditions = Vec::new();
        for (wanted, condition, name, names) in [
            (&self.caller, "#caller = :caller", ":caller", &["caller"][..]),
            (&self.action, "#action = :action", ":action", &["action"]),
            (&self.object, "(#object = :object OR #part = :object)", ":object", &["object", "part"]),
        ] {
            let Some(wanted) = wanted else { continue };
            conditions.push(condition);
            query = query.expression_attribute_values(name, text(wanted));
            for name in names {
                query = query.expression_attribute_names(format!("#{name}"), *name);
            }
        }
        query.set_filter_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
    }
}
