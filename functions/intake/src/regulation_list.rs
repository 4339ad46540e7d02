//! Lists of regulations, page by page.

use std::collections::BTreeMap;
use std::pin::pin;

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use model::id::RegulationId;
use model::regulation::{Regulation, RegulationType};
use model::status::Status;
use model::subject::SubjectType;
use serde::Serialize;
use store::RegulationFilter;
use utoipa::ToSchema;

use crate::case::Case;
use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::page::{Page, Pagination};
use crate::regulations::About;
use crate::request::Filter;

/// The most regulations whose subjects are read at once.
const READS: usize = 16;

/// The most bytes of a page with more than one regulation: Lambda takes no response of more than 6 MB.
const MAX_PAGE: usize = 4 << 20;

/// A page of regulations.
#[derive(Serialize, ToSchema)]
pub struct Regulations {
    regulations: Vec<RegulationEntry>,
    pagination: Page,
}

/// A regulation in a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RegulationEntry {
    id: RegulationId,
    subject_type: SubjectType,
    /// The subjects' identifiers of this type; empty once they are dropped.
    subjects: Vec<String>,
    subject_count: usize,
    /// Number of identifiers by kind, if people are given by several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, usize>)]
    identifiers: BTreeMap<SubjectType, usize>,
    status: Status,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    regulation_type: RegulationType,
    #[serde(flatten)]
    about: About,
    #[serde(flatten)]
    case: Case,
}

/// Regulations, the newest first, or those whose clock runs, the most urgent first.
#[utoipa::path(get, path = "/regulations", operation_id = "listRegulations", tag = "Regulations",
    params(Filter, Pagination),
    responses((status = 200, description = "A page of them", body = Data<Regulations>)))]
pub async fn list(State(context): Shared, filter: Filter, page: Pagination) -> Reply<Regulations> {
    list_by(&context, &filter.into(), page).await
}

/// A page of the regulations that a filter admits.
pub async fn list_by(context: &Context, filter: &RegulationFilter, page: Pagination) -> Reply<Regulations> {
    let found = context.store.regulations(filter, page.count, page.cursor.as_deref()).await?;
    show_page(context, filter, found.items, page, found.next).await
}

/// A page of these regulations, with their subjects. One that gets too long ends early, and the next one begins there.
pub async fn show_page(
    context: &Context,
    filter: &RegulationFilter,
    found: Vec<Regulation>,
    page: Pagination,
    mut next: Option<String>,
) -> Reply<Regulations> {
    let places: Vec<_> = found.iter().map(|regulation| filter.cursor_after(regulation)).collect();
    let entries = stream::iter(found).map(|regulation| entry(context, regulation));
    let mut entries = pin!(entries.buffered(READS));
    let (mut regulations, mut bytes) = (Vec::new(), 0);
    while let Some(entry) = entries.try_next().await? {
        bytes += serde_json::to_vec(&entry).map_or(0, |json| json.len());
        if bytes > MAX_PAGE && !regulations.is_empty() {
            next = places[regulations.len() - 1].clone();
            break;
        }
        regulations.push(entry);
    }
    Ok(data(Regulations { regulations, pagination: page.followed_by(next)? }))
}

async fn entry(context: &Context, regulation: Regulation) -> Result<RegulationEntry, ApiError> {
    let subjects = match regulation.status.drops_identifiers() {
        true => Vec::new(),
        false => context.store.subjects(&regulation.id).await?,
    };
    Ok(RegulationEntry {
        about: About::new(&regulation),
        case: Case::new(&regulation),
        id: regulation.id,
        subject_type: regulation.subject_type,
        subjects: subjects
            .into_iter()
            .filter(|subject| subject.kind == regulation.subject_type)
            .map(|subject| subject.id)
            .collect(),
        subject_count: regulation.subject_count,
        identifiers: regulation.identifiers,
        status: regulation.status,
        created_at: regulation.created_at,
        finished_at: regulation.finished_at,
        regulation_type: regulation.regulation_type,
    })
}
