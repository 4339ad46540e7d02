//! `GET /audit`: the audit trail.

use axum::extract::State;
use serde::Serialize;
use shared::store::TrailEntry;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::error::{Data, Reply, data};
use crate::request::{Page, Pagination, Period};

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
pub struct Trail {
    entries: Vec<TrailEntry>,
    pagination: Page,
}

/// Every use of a scope that changes something, the newest first. No identifier of a person is in it.
#[utoipa::path(get, path = "/audit", operation_id = "listAudit", tag = "Audit", params(Period, Pagination),
    responses((status = 200, description = "A page of it", body = Data<Trail>)))]
pub async fn list(State(context): Shared, period: Period, page: Pagination) -> Reply<Trail> {
    let found = context.store.trail(period.since, period.until, page.count, page.cursor.as_deref()).await?;
    Ok(data(Trail { entries: found.items, pagination: page.followed_by(found.next) }))
}
