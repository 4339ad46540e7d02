//! `/batches`: what became of the messages of the queue.

use axum::extract::State;
use model::batch::{Batch, Refusal};
use model::id::{BatchId, RegulationId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::page::{Page, Pagination};
use crate::request::Id;

/// A page of batches.
#[derive(Serialize, ToSchema)]
pub struct Batches {
    batches: Vec<Batch>,
    pagination: Page,
}

/// Batches, the newest first.
#[utoipa::path(get, path = "/batches", operation_id = "listBatches", tag = "Batches", params(Pagination),
    responses((status = 200, description = "A page of them", body = Data<Batches>)))]
pub async fn list(State(context): Shared, page: Pagination) -> Reply<Batches> {
    let found = context.store.batches(page.count, page.cursor.as_deref()).await?;
    Ok(data(Batches { batches: found.items, pagination: page.followed_by(found.next)? }))
}

/// One batch.
#[derive(Serialize, ToSchema)]
pub struct OneBatch {
    batch: BatchShown,
}

/// A batch, and the regulations that it made.
#[derive(Serialize, ToSchema)]
struct BatchShown {
    #[serde(flatten)]
    batch: Batch,
    /// The regulations that were made, in the order of their subjects.
    regulations: Vec<RegulationId>,
}

/// What became of one message: what its lines were, and which regulations were made of them.
#[utoipa::path(get, path = "/batches/{id}", operation_id = "getBatch", tag = "Batches",
    params(("id" = BatchId, Path)),
    responses((status = 200, description = "The batch", body = Data<OneBatch>)))]
pub async fn show(State(context): Shared, Id(id): Id<BatchId>) -> Reply<OneBatch> {
    let batch = find(&context, &id).await?;
    Ok(data(OneBatch { batch: BatchShown { regulations: batch.regulations(), batch } }))
}

/// A page of the lines that name no subject.
#[derive(Serialize, ToSchema)]
pub struct BatchRefusals {
    refusals: Vec<Refusal>,
    pagination: Page,
}

/// The lines of a batch that name no subject, in order: where each is and why it is refused, never its content.
#[utoipa::path(get, path = "/batches/{id}/refusals", operation_id = "listBatchRefusals", tag = "Batches",
    params(("id" = BatchId, Path), Pagination),
    responses((status = 200, description = "A page of them", body = Data<BatchRefusals>)))]
pub async fn refusals(State(context): Shared, Id(id): Id<BatchId>, page: Pagination) -> Reply<BatchRefusals> {
    find(&context, &id).await?;
    let count = usize::try_from(page.count).unwrap_or_default();
    let found = context.store.refusals(&id, count, page.cursor.as_deref()).await?;
    Ok(data(BatchRefusals { refusals: found.items, pagination: page.followed_by(found.next)? }))
}

async fn find(context: &Context, id: &BatchId) -> Result<Batch, ApiError> {
    let found = context.store.batch(id).await?;
    found.ok_or_else(|| ApiError::not_found("there is no such batch"))
}
