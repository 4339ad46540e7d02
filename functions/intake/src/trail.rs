//! `GET /audit`: the audit trail.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use model::trail::TrailEntry;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::csv;
use crate::error::{ApiError, Data, data};
use crate::headers::accepts;
use crate::page::{Page, Pagination};
use crate::request::Period;

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
pub struct Trail {
    entries: Vec<TrailEntry>,
    pagination: Page,
}

/// Every use of a scope that changes something, the newest first. No identifier of a person is in it. A client that
/// accepts `text/csv` gets the page as a table; the header `Link` names the next page.
#[utoipa::path(get, path = "/audit", operation_id = "listAudit", tag = "Audit", params(Period, Pagination),
    responses((status = 200, description = "A page of it",
        content((Data<Trail> = "application/json"), (String = "text/csv")))))]
pub async fn list(
    State(context): Shared,
    uri: Uri,
    headers: HeaderMap,
    period: Period,
    page: Pagination,
) -> Result<Response, ApiError> {
    let found = context.store.trail(period.since, period.until, page.count, page.cursor.as_deref()).await?;
    if !accepts(&headers, "text/csv") {
        return Ok(
            data(Trail { entries: found.items, pagination: page.followed_by(found.next)? }).into_response()
        );
    }
    let table = table(&found.items);
    let mut response = ([(CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response();
    if let Some(next) = page.followed_by(found.next)?.next {
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let others = query.filter(|(name, _)| !matches!(&**name, "pagination.cursor" | "pagination[cursor]"));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair("pagination.cursor", &next);
        let link = format!("<{}?{}>; rel=\"next\"", uri.path(), query.finish());
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(LINK, link);
        }
    }
    Ok(response)
}

fn table(entries: &[TrailEntry]) -> String {
    let head = ["id", "at", "caller", "callerName", "action", "object", "part", "status", "reason"];
    let rows = entries.iter().map(|entry| {
        let status = entry.status.map(|status| status.to_string()).unwrap_or_default();
        let (at, object) = (entry.at.to_string(), entry.object.as_deref().unwrap_or_default());
        let part = entry.part.as_deref().unwrap_or_default();
        let reason = entry.reason.as_deref().unwrap_or_default();
        csv::line([
            entry.id.as_str(),
            &at,
            &entry.caller,
            &entry.caller_name,
            &entry.action,
            object,
            part,
            &status,
            reason,
        ])
    });
    std::iter::once(csv::line(head)).chain(rows).collect()
}
