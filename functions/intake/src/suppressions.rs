//! `GET /suppressions`.

use axum::extract::State;
use serde::Serialize;
use shared::person::Scope;
use shared::subject::SubjectType;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::error::{Data, Reply, data};
use crate::request::{Page, Pagination};

/// A page of the suppression list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suppressions {
    suppressed: Vec<SuppressedGroup>,
    pagination: Page,
}

/// Suppressed subjects of one kind.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SuppressedGroup {
    subject_type: SubjectType,
    subject_ids: Vec<String>,
}

/// Suppressed subjects, the longest suppressed first.
#[utoipa::path(get, path = "/suppressions", operation_id = "listSuppressions", tag = "Suppressions",
    params(Pagination),
    responses((status = 200, description = "A page of them", body = Data<Suppressions>)))]
pub async fn list(State(context): Shared, page: Pagination) -> Reply<Suppressions> {
    let found = context.store.suppressed(&Scope::Workspace, page.count, page.cursor.as_deref()).await?;
    let mut suppressed: Vec<SuppressedGroup> = Vec::new();
    for entry in found.items {
        let (subject_type, id) = (entry.subject.kind, entry.subject.id);
        match suppressed.iter_mut().find(|group| group.subject_type == subject_type) {
            Some(group) => group.subject_ids.push(id),
            None => suppressed.push(SuppressedGroup { subject_type, subject_ids: vec![id] }),
        }
    }
    Ok(data(Suppressions { suppressed, pagination: page.followed_by(found.next) }))
}
