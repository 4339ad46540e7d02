//! Finds regulations in the table `regulations`: by date, by type and status, by subject, and those that are under way.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::regulations::{DUE_BY, LIST, META};
use crate::{
    Item, Page, Store, cursor, failure, from_item, page_failure, paging, start, text, to_item, value,
};
use lambda::clock::sleep;
use model::failure::{Failure, Result};
use model::id::RegulationId;
use model::regulation::{Regulation, RegulationType};
use model::source::SourceId;
use model::status::Status;
use model::subject::Pseudonym;

/// The index by date, in which all regulations are under one value of `list`.
pub(crate) const BY_DATE: &str = "byDate";

/// The index of those that are under way: they alone have a `waitsSince`, the time at which their attempt was asked
/// for.
const UNDER_WAY_INDEX: &str = "underWay";

/// The index of those whose clock runs: they alone have a `dueBy`, the time by which they must be answered.
const BY_DEADLINE: &str = "byDeadline";

/// How many regulations are read at a time when a filter applies.
const FILTERED: i32 = 1_000;

const SUBJECT: &str = "SUBJECT#";
const SAME: &str = "SAME#";

/// The most items that DynamoDB takes at a time, and the most such calls at once.
const BATCH: usize = 25;
const CALLS: usize = 16;

/// The most regulations that are read at once.
const READS: usize = 16;

/// Which regulations a list shows: all, if no field is set.
#[derive(Debug, Clone, Default)]
pub struct RegulationFilter {
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those of one of these types.
    pub types: Vec<RegulationType>,
    /// Only those about what this source brought.
    pub source: Option<SourceId>,
    /// Only those made at this time or later.
    pub since: Option<Timestamp>,
    /// Only those made before this time.
    pub until: Option<Timestamp>,
    /// Only those about this subject.
    pub subject: Option<Pseudonym>,
    /// In which order; those about a subject are always the newest first.
    pub order: Order,
}

/// The order of a list of regulations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// All, the newest first.
    #[default]
    Newest,
    /// Those whose clock runs alone, the one that is due first at the head.
    MostUrgent,
}

impl Order {
    /// The index that has this order, and the attribute by which it sorts.
    fn index(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest => (BY_DATE, "createdAt"),
            Self::MostUrgent => (BY_DEADLINE, DUE_BY),
        }
    }
}

/// Leads from a subject, or from a request's fingerprint, to a regulation.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pointer {
    regulation_id: RegulationId,
}

impl Store {
    /// Regulations that match a filter, in its order.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn regulations(
        &self,
        filter: &RegulationFilter,
        count: i32,
        from: Option<&str>,
    ) -> Result<Page<Regulation>> {
        if let Some(subject) = &filter.subject {
            return self.about(subject, filter, count, from).await;
        }
        let (mut items, mut place) = (Vec::new(), start(from)?);
        let wanted = usize::try_from(count).unwrap_or_default();
        loop {
            // DynamoDB limits before it filters: with a filter, one page of ours takes many of its pages.
            let limit = if filter.is_plain() { count } else { FILTERED };
            let query = filter.apply(self.client.query())?;
            let reply = query
                .table_name(&self.tables.regulations)
                .index_name(filter.order.index().0)
                .expression_attribute_names("#list", "list")
                .expression_attribute_values(":list", text(LIST))
                .scan_index_forward(filter.order == Order::MostUrgent)
                .limit(limit)
                .set_exclusive_start_key(place.take())
                .send()
                .await
                .map_err(|e| page_failure(from, &e))?;
            let mut found = reply.items.unwrap_or_default().into_iter();
            for item in found.by_ref().take(wanted - items.len()) {
                place = Some(filter.place_of(&item));
                items.push(from_item(item)?);
            }
            if found.next().is_some() {
                return Ok(Page { items, next: cursor(place) });
            }
            place = reply.last_evaluated_key;
            if place.is_none() || items.len() == wanted {
                return Ok(Page { items, next: cursor(place) });
            }
        }
    }

    /// The regulations about a subject: few enough to be read one by one.
    async fn about(
        &self,
        subject: &Pseudonym,
        filter: &RegulationFilter,
        count: i32,
        from: Option<&str>,
    ) -> Result<Page<Regulation>> {
        let reply = self
            .client
            .query()
            .table_name(&self.tables.regulations)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(&subject_key(subject)))
            .scan_index_forward(false)
            .limit(count)
            .set_exclusive_start_key(start(from)?)
            .send()
            .await
            .map_err(|e| page_failure(from, &e))?;
        let pointers = reply.items.unwrap_or_default().into_iter().map(from_item::<Pointer>);
        let reads =
            stream::iter(pointers).map(async |pointer| self.regulation(&pointer?.regulation_id).await);
        let found: Vec<Option<Regulation>> = reads.buffered(READS).try_collect().await?;
        let items = found.into_iter().flatten().filter(|regulation| filter.admits(regulation)).collect();
        Ok(Page { items, next: cursor(reply.last_evaluated_key) })
    }

    /// Regulations that are neither sealed nor withdrawn and whose attempt was asked for before a time.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn under_way(&self, before: Timestamp) -> Result<Vec<Regulation>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.regulations)
            .index_name(UNDER_WAY_INDEX)
            .key_condition_expression("#list = :list AND waitsSince < :before")
            .expression_attribute_names("#list", "list")
            .expression_attribute_values(":list", text(LIST))
            .expression_attribute_values(":before", value(&before)?);
        let items = query.into_paginator().items().send().try_collect().await.map_err(|e| failure(&e))?;
        items.into_iter().map(from_item).collect()
    }

    /// When those regulations are due whose clock runs and that are due before a time, the most urgent first.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn deadlines(&self, before: Timestamp) -> Result<Vec<Timestamp>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Deadline {
            due_by: Timestamp,
        }
        let query = self
            .client
            .query()
            .table_name(&self.tables.regulations)
            .index_name(BY_DEADLINE)
            .key_condition_expression("#list = :list AND dueBy < :before")
            .expression_attribute_names("#list", "list")
            .expression_attribute_values(":list", text(LIST))
            .expression_attribute_values(":before", value(&before)?);
        Ok(paging::all::<Deadline>(query).await?.into_iter().map(|deadline| deadline.due_by).collect())
    }

    /// Notes the subjects of a regulation, so that it is found by them. Harmless when they are noted already.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; some may then be noted and others not: call again.
    pub async fn note_subjects(&self, id: &RegulationId, subjects: &[Pseudonym]) -> Result<()> {
        let writes = subjects.chunks(BATCH).map(|batch| {
            let put = |subject: &Pseudonym| {
                let item =
                    to_item(&subject_key(subject), id.as_str(), &Pointer { regulation_id: id.clone() })?;
                let put = PutRequest::builder().set_item(Some(item)).build();
                let put = put.map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
                Ok(WriteRequest::builder().put_request(put).build())
            };
            batch.iter().map(put).collect::<Result<Vec<_>>>().map(|batch| self.put_all(batch))
        });
        stream::iter(writes).try_buffer_unordered(CALLS).try_collect::<()>().await
    }

    /// Writes a batch, and what DynamoDB left over of it, until nothing is left.
    async fn put_all(&self, mut left: Vec<WriteRequest>) -> Result<()> {
        let table = &self.tables.regulations;
        for pause in [0, 50, 100, 200, 400, 800, 1600, 3200] {
            sleep(Duration::from_millis(pause)).await;
            let request = self.client.batch_write_item().request_items(table, left);
            let mut reply = request.send().await.map_err(|e| failure(&e))?;
            left = reply.unprocessed_items.as_mut().and_then(|left| left.remove(table)).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(Failure::transient("DynamoDB took only some of the items: it is throttled"))
    }

    /// The regulation under way that asked for the same as a new one, if there is one.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn same_under_way(&self, request: &str, new: &RegulationId) -> Result<Option<RegulationId>> {
        let pk = format!("{SAME}{request}");
        let Some(Pointer { regulation_id: id }) = self.get(&self.tables.regulations, (&pk, SAME)).await?
        else {
            return Ok(None);
        };
        let is_under_way =
            id != *new && self.regulation(&id).await?.is_some_and(|regulation| !regulation.status.is_final());
        Ok(is_under_way.then_some(id))
    }

    /// Notes what a regulation asks for, so that later ones find it.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn note_same(&self, request: &str, id: &RegulationId) -> Result<()> {
        let item = to_item(&format!("{SAME}{request}"), SAME, &Pointer { regulation_id: id.clone() })?;
        self.put(&self.tables.regulations, item).await
    }
}

impl RegulationFilter {
    /// Whether it filters by date alone, which the index by date does by itself.
    fn is_plain(&self) -> bool {
        let is_dated = self.since.is_some() || self.until.is_some();
        self.status.is_none()
            && self.types.is_empty()
            && self.source.is_none()
            && (self.order == Order::Newest || !is_dated)
    }

    /// The cursor of the page that begins after a regulation of this list.
    pub fn cursor_after(&self, regulation: &Regulation) -> Option<String> {
        let keys = match &self.subject {
            Some(subject) => vec![("pk", subject_key(subject)), ("sk", regulation.id.to_string())],
            None => {
                let sorts = match self.order {
                    Order::Newest => regulation.created_at,
                    Order::MostUrgent => regulation.clock.as_ref()?.due_at,
                };
                vec![
                    ("pk", regulation.id.to_string()),
                    ("sk", META.to_owned()),
                    ("list", LIST.to_owned()),
                    (self.order.index().1, sorts.to_string()),
                ]
            }
        };
        cursor(Some(keys.into_iter().map(|(name, key)| (name.to_owned(), text(&key))).collect()))
    }

    /// Whether it admits a regulation, whatever its subjects.
    fn admits(&self, regulation: &Regulation) -> bool {
        self.status.is_none_or(|status| regulation.status == status)
            && (self.types.is_empty() || self.types.contains(&regulation.regulation_type))
            && self
                .source
                .as_ref()
                .is_none_or(|source| regulation.part.as_ref().is_some_and(|part| part.source_id == *source))
            && self.since.is_none_or(|since| regulation.created_at >= since)
            && self.until.is_none_or(|until| regulation.created_at < until)
    }

    /// The keys of an entry in the index.
    fn place_of(&self, item: &Item) -> Item {
        let keys = ["pk", "sk", "list", self.order.index().1];
        keys.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect()
    }

    pub(crate) fn apply(&self, mut query: QueryFluentBuilder) -> Result<QueryFluentBuilder> {
        let (mut conditions, mut values) = (Vec::new(), HashMap::<String, AttributeValue>::new());
        if let Some(status) = self.status {
            conditions.push("#status = :status".to_owned());
            query = query.expression_attribute_names("#status", "status");
            values.insert(":status".to_owned(), value(&status)?);
        }
        if !self.types.is_empty() {
            let names: Vec<_> = (0..self.types.len()).map(|number| format!(":type{number}")).collect();
            conditions.push(format!("regulationType IN ({})", names.join(", ")));
            for (name, kind) in names.into_iter().zip(&self.types) {
                values.insert(name, value(kind)?);
            }
        }
        if let Some(source) = &self.source {
            conditions.push("#part.sourceId = :source".to_owned());
            query = query.expression_attribute_names("#part", "part");
            values.insert(":source".to_owned(), text(source.as_str()));
        }
        let mut key = "#list = :list".to_owned();
        for (name, bound) in [(":since", self.since), (":until", self.until)] {
            if let Some(bound) = bound {
                // Without its Z it sorts before all times of that second, however many digits they have.
                values.insert(name.to_owned(), text(bound.to_string().trim_end_matches('Z')));
            }
        }
        let period = match (self.since, self.until) {
            (Some(_), Some(_)) => Some("createdAt BETWEEN :since AND :until"),
            (Some(_), None) => Some("createdAt >= :since"),
            (None, Some(_)) => Some("createdAt < :until"),
            (None, None) => None,
        };
        match self.order {
            Order::Newest => key.extend(period.into_iter().flat_map(|period| [" AND ", period])),
            Order::MostUrgent => conditions.extend(period.map(str::to_owned)),
        }
        for (name, value) in values {
            query = query.expression_attribute_values(name, value);
        }
        let condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        Ok(query.key_condition_expression(key).set_filter_expression(condition))
    }
}

fn subject_key(subject: &Pseudonym) -> String {
    format!("{SUBJECT}{}", subject.0)
}
