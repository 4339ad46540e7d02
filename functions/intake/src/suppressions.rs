//! `GET /suppressions`.

use axum::extract::State;
use serde_json::json;

use crate::context::Shared;
use crate::error::{Reply, data};
use crate::request::Pagination;

/// Suppressed subjects, the longest suppressed first.
pub async fn list(State(context): Shared, page: Pagination) -> Reply {
    let found = context.store.suppressed(page.count, page.cursor.as_deref()).await?;
    let mut groups: Vec<(_, Vec<String>)> = Vec::new();
    for entry in found.items {
        match groups.iter_mut().find(|(kind, _)| *kind == entry.subject.kind) {
            Some((_, ids)) => ids.push(entry.subject.id),
            None => groups.push((entry.subject.kind, vec![entry.subject.id])),
        }
    }
    let suppressed: Vec<_> =
        groups.into_iter().map(|(kind, ids)| json!({ "subjectType": kind, "subjectIds": ids })).collect();
    Ok(data(json!({ "suppressed": suppressed, "pagination": page.followed_by(found.next) })))
}
