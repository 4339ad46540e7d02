//! `GET /audit`: the audit trail.

use axum::extract::{FromRequestParts, State};
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use model::trail::TrailEntry;
use serde::Serialize;
use store::TrailFilter;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::csv;
use crate::error::{ApiError, Data, data};
use crate::headers::accepts;
use crate::middleware::is_ours;
use crate::page::{Page, Pagination, link};
use crate::request::{Period, Query};

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
pub struct Trail {
    entries: Vec<TrailEntry>,
    pagination: Page,
}

/// Which entries a list shows: all that is given must hold.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only those of this caller: a token's id, `admin`, or `batch`.
    #[param(max_length = 100)]
    caller: Option<String>,
    /// Only those of this action: method and path, with the names of the path's parameters.
    #[param(max_length = 200, example = "POST /suppressions/lift")]
    action: Option<String>,
    /// Only those about this, by Lethe's own id.
    #[param(pattern = "^[a-z]{3}_[0-9a-f]{32}$")]
    object: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::of(parts);
        let text = |text: &str, longest: usize| (1..=longest).contains(&text.len()).then(|| text.to_owned());
        Ok(Self {
            caller: query.one("caller", "of 1 to 100 bytes", |caller| text(caller, 100))?,
            action: query.one("action", "of 1 to 200 bytes", |action| text(action, 200))?,
            object: query
                .one("object", "an id of Lethe's", |id| is_ours(id).then(|| id.to_ascii_lowercase()))?,
        })
    }
}

/// Every use of a scope that changes something or reads whom a regulation names, the newest first. No identifier of a
/// person is in it. A page may hold fewer than were asked for, even none: there are more as long as there is a `next`. A
/// client that accepts `text/csv` gets the page as a table; the header `Link` names the next page.
#[utoipa::path(get, path = "/audit", operation_id = "listAudit", tag = "Audit", params(Period, Wanted, Pagination),
    responses((status = 200, description = "A page of it",
        content((Data<Trail> = "application/json"), (String = "text/csv")))))]
pub async fn list(
    State(context): Shared,
    uri: Uri,
    headers: HeaderMap,
    Period { since, until }: Period,
    Wanted { caller, action, object }: Wanted,
    page: Pagination,
) -> Result<Response, ApiError> {
    let filter = TrailFilter { since, until, caller, action, object };
    let found = context.store.trail(&filter, page.count, page.cursor.as_deref()).await?;
    if !accepts(&headers, "text/csv") {
        return Ok(
            data(Trail { entries: found.items, pagination: page.followed_by(found.next)? }).into_response()
        );
    }
    let table = table(&found.items);
    let mut response = ([(CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response();
    if let Some(next) = page.followed_by(found.next)?.next {
        response.headers_mut().extend(link(&uri, &next).map(|link| (LINK, link)));
    }
    Ok(response)
}

fn table(entries: &[TrailEntry]) -> String {
    let head = ["id", "at", "caller", "callerName", "action", "object", "part", "status", "reason", "dryRun"];
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
            if entry.dry_run { "true" } else { "" },
        ])
    });
    std::iter::once(csv::line(head)).chain(rows).collect()
}
