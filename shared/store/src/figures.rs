//! Reads of all regulations of a period, for figures about them: what figures need of each, and nothing else.

use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;

use crate::regulations::LIST;
use crate::search::BY_DATE;
use crate::{RegulationFilter, Store, failure, from_item, text};
use model::failure::Result;
use model::outcome::Outcome;
use model::regulation::RegulationType;
use model::source_scope::SourceScope;
use model::status::Status;

/// What figures need of a regulation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tallied {
    /// What it was to do.
    pub regulation_type: RegulationType,
    /// Number of people, or of objects.
    pub subject_count: u64,
    /// The part of the workspace that it is about.
    pub part: Option<SourceScope>,
    /// Its status.
    pub status: Status,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the person's request came in, as far as it was told.
    pub received_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What became of its people; none, if it was sealed before that was kept.
    pub outcome: Option<Outcome>,
}

impl Tallied {
    /// The seconds from the person's request to a time.
    pub fn seconds_until(&self, at: Timestamp) -> i64 {
        at.duration_since(self.received_at.unwrap_or(self.created_at)).as_secs().max(0)
    }
}

/// The attributes of [`Tallied`]; `#` stands before names that DynamoDB reserves.
const WANTED: &str =
    "regulationType, subjectCount, #part, #status, createdAt, receivedAt, finishedAt, outcome";

impl Store {
    /// Hands over all regulations that were accepted from `since` to before `until`, the newest first. When it is `stop`,
    /// it ends early and returns the time of the last one that it handed over: all since then are.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn tally(
        &self,
        since: Timestamp,
        until: Timestamp,
        stop: Instant,
        mut take: impl FnMut(Tallied),
    ) -> Result<Option<Timestamp>> {
        let period =
            RegulationFilter { since: Some(since), until: Some(until), ..RegulationFilter::default() };
        let mut place = None;
        loop {
            let query = period.apply(self.client.query())?;
            let reply = query
                .table_name(&self.tables.regulations)
                .index_name(BY_DATE)
                .projection_expression(WANTED)
                .expression_attribute_names("#list", "list")
                .expression_attribute_names("#part", "part")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":list", text(LIST))
                .scan_index_forward(false)
                .set_exclusive_start_key(place)
                .send()
                .await
                .map_err(|e| failure(&e))?;
            let mut last = None;
            for item in reply.items.unwrap_or_default() {
                let tallied: Tallied = from_item(item)?;
                last = Some(tallied.created_at);
                take(tallied);
            }
            place = reply.last_evaluated_key;
            match last {
                _ if place.is_none() => return Ok(None),
                Some(last) if Instant::now() >= stop => return Ok(Some(last)),
                _ => {}
            }
        }
    }
}
