//! `POST /regulations/search`: the query is in the body, since an identifier must not be in a URL.

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::normal;
use model::regulation::{Regulation, RegulationType};
use model::source::SourceId;
use model::status::{Status, TaskStatus};
use model::subject::{Subject, SubjectType, fault};
use serde::Deserialize;
use store::RegulationFilter;
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::error::{Data, Reply};
use crate::page::Pagination;
use crate::regulation_list::{Regulations, show_page};
use crate::request::{Body, Period, at_most_all};

/// The most regulations whose tasks are read at once, and the most pages searched for one that is not empty.
const READS: usize = 16;
const PAGES: usize = 10;

/// What is looked for: all that is given must hold.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "subject": { "type": "USER_ID", "id": "u7" }, "since": "2026-01-01T00:00:00Z",
    "destination": { "status": "FAILED" }
}))]
pub struct RegulationSearch {
    /// Those that are so far.
    status: Option<Status>,
    /// Those of one of these types.
    #[schema(max_items = 7)]
    regulation_types: Option<Vec<RegulationType>>,
    /// Those about what this source brought.
    source_id: Option<SourceId>,
    /// Those that were not made before.
    since: Option<Timestamp>,
    /// Those that were made before.
    until: Option<Timestamp>,
    /// Those about this person. They are found once the work has begun, and also when the identifiers are dropped.
    subject: Option<WantedSubject>,
    /// Those with such a task.
    destination: Option<WantedTask>,
    #[serde(default)]
    pagination: WantedPage,
}

/// Whom a regulation must be about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedSubject {
    #[serde(rename = "type")]
    kind: SubjectType,
    #[schema(min_length = 1)]
    id: String,
}

impl WantedSubject {
    /// The subject as regulations name it: an email address or telephone number in its normal form.
    pub fn named(self) -> Result<Subject> {
        let wrong = |fault: &str| Failure::invalid(format!("subject.id {fault}")).field("subject.id");
        if let Some(fault) = fault(&self.id) {
            return Err(wrong(&fault));
        }
        Ok(Subject { kind: self.kind, id: normal::form(self.kind, &self.id).map_err(wrong)? })
    }
}

/// What a task must be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedTask {
    /// At which destination; at any, if left out.
    id: Option<DestinationId>,
    /// How far; anyhow, if left out.
    status: Option<TaskStatus>,
}

/// Which page.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedPage {
    /// The most regulations that it may have; 100, if left out.
    #[schema(minimum = 1, maximum = 1_000)]
    count: Option<i32>,
    /// Where it begins: `next` of the page before.
    cursor: Option<String>,
}

/// Regulations of which all that is given holds, the newest first. A page may hold fewer than were asked for, even
/// none: there are more as long as there is a `next`.
#[utoipa::path(post, path = "/regulations/search", operation_id = "searchRegulations", tag = "Regulations",
    request_body = RegulationSearch,
    responses((status = 200, description = "A page of them", body = Data<Regulations>)))]
pub async fn search(State(context): Shared, Body(wanted): Body<RegulationSearch>) -> Reply<Regulations> {
    let WantedPage { count, cursor } = wanted.pagination;
    let page = Pagination::checked(&context, "/regulations/search", count, cursor).await?;
    let subject = match wanted.subject {
        Some(wanted) => Some(context.pseudonyms().await?.pseudonym(&wanted.named()?)),
        None => None,
    };
    let period = Period { since: wanted.since, until: wanted.until }.checked()?;
    let filter = RegulationFilter {
        status: wanted.status,
        types: at_most_all(wanted.regulation_types.unwrap_or_default())?,
        source: wanted.source_id,
        since: period.since,
        until: period.until,
        subject,
        ..RegulationFilter::default()
    };
    let (mut from, mut found) = (page.cursor.clone(), Vec::new());
    for _ in 0..PAGES {
        let part = context.store.regulations(&filter, page.count, from.as_deref()).await?;
        from = part.next;
        found = match &wanted.destination {
            Some(task) => with_task(&context, part.items, task).await?,
            None => part.items,
        };
        if !found.is_empty() || from.is_none() {
            break;
        }
    }
    show_page(&context, &filter, found, page, from).await
}

async fn with_task(
    context: &Context,
    regulations: Vec<Regulation>,
    wanted: &WantedTask,
) -> Result<Vec<Regulation>> {
    let reads = stream::iter(regulations).map(async |regulation| {
        let tasks = context.store.tasks(&regulation.id).await?;
        let has = tasks.iter().any(|task| {
            wanted.id.as_ref().is_none_or(|id| *id == task.destination_id)
                && wanted.status.is_none_or(|status| status == task.status)
        });
        Ok(has.then_some(regulation))
    });
    let found: Vec<_> = reads.buffered(READS).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}
