//! Pages of lists.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::context::Context;
use crate::cursor::Cursors;
use crate::error::ApiError;
use crate::request::{Query, invalid};

/// The most entries of a page, and the default.
const MAX_COUNT: i32 = 1_000;
const DEFAULT_COUNT: i32 = 100;

/// Which page of a list: `pagination.count` and `pagination.cursor`, or `pagination[count]` and so on, as the
/// generated SDKs write them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Pagination {
    /// The most entries that the page may have.
    #[param(rename = "pagination.count", minimum = 1, maximum = 1_000, default = 100, required = false)]
    pub count: i32,
    /// Where it begins: `next` of the page before.
    #[param(rename = "pagination.cursor")]
    pub cursor: Option<String>,
    /// The cursor as the client sent it.
    #[param(ignore)]
    current: String,
    #[param(ignore)]
    cursors: Cursors,
}

/// Which page of a list of the Config API.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OlderPage {
    /// The most entries that the page may have.
    #[param(rename = "page_size", minimum = 1, maximum = 1_000, default = 100, required = false)]
    pub size: i32,
    /// Where it begins: `next_page_token` of the page before.
    #[param(rename = "page_token")]
    pub token: Option<String>,
    #[param(ignore)]
    cursors: Cursors,
}

/// Where a page of a list lies (Segment's pagination object).
#[derive(Serialize, ToSchema)]
pub struct Page {
    /// The cursor that this page was asked for with; empty for the first.
    current: String,
    /// The cursor of the next page; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl FromRequestParts<Arc<Context>> for OlderPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        let query = Query::of(parts);
        let size = query.one("page_size", "a number from 1 to 1000", number)?;
        let token = query.one("page_token", "a token", sent)?.filter(|token| !token.is_empty());
        let cursors = context.cursors(parts.uri.path()).await?;
        let token = token.map(|token| cursors.open(&token, "page_token")).transpose()?;
        Ok(Self { size: size.unwrap_or(DEFAULT_COUNT), token, cursors })
    }
}

impl OlderPage {
    /// The token of the page that begins at this place; empty after the last.
    pub fn next(&self, place: Option<String>) -> Result<String, ApiError> {
        Ok(place.map(|place| self.cursors.seal(&place)).transpose()?.unwrap_or_default())
    }
}

impl FromRequestParts<Arc<Context>> for Pagination {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        let query = Query::of(parts);
        let count = query.one("pagination.count", "a number from 1 to 1000", number)?;
        let cursor = query.one("pagination.cursor", "a cursor", sent)?;
        Self::checked(context, parts.uri.path(), count, cursor).await
    }
}

impl Pagination {
    /// A page of the list at a path, if the request is valid; an empty cursor is the first page's.
    pub async fn checked(
        context: &Context,
        list: &str,
        count: Option<i32>,
        cursor: Option<String>,
    ) -> Result<Self, ApiError> {
        let count = count.unwrap_or(DEFAULT_COUNT);
        if !(1..=MAX_COUNT).contains(&count) {
            let message = "pagination.count must be a number from 1 to 1000".to_owned();
            return Err(invalid("pagination.count", message));
        }
        let (cursors, current) = (context.cursors(list).await?, cursor.unwrap_or_default());
        let cursor = match current.is_empty() {
            true => None,
            false => Some(cursors.open(&current, "pagination.cursor")?),
        };
        Ok(Self { count, cursor, current, cursors })
    }

    /// Segment's pagination object for this page; the next page begins at `place`.
    pub fn followed_by(self, place: Option<String>) -> Result<Page, ApiError> {
        let next = place.map(|place| self.cursors.seal(&place)).transpose()?;
        Ok(Page { current: self.current, next })
    }
}

/// Which piece of a file too long for one answer: `pagination.cursor`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Piece {
    /// Where it begins: the cursor that the header `Link` of the piece before holds.
    #[param(rename = "pagination.cursor")]
    pub cursor: Option<String>,
    #[param(ignore)]
    cursors: Cursors,
}

impl FromRequestParts<Arc<Context>> for Piece {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, context: &Arc<Context>) -> Result<Self, ApiError> {
        let cursor = Query::of(parts).one("pagination.cursor", "a cursor", sent)?;
        let page = Pagination::checked(context, parts.uri.path(), None, cursor).await?;
        Ok(Self { cursor: page.cursor, cursors: page.cursors })
    }
}

impl Piece {
    /// The cursor of the piece that begins at this place.
    pub fn followed_by(self, place: Option<String>) -> Result<Option<String>, ApiError> {
        Ok(place.map(|place| self.cursors.seal(&place)).transpose()?)
    }
}

/// The header `Link` (RFC 8288) that names what follows on the answer to `uri`: the same with this cursor.
pub fn link(uri: &Uri, next: &str) -> Option<HeaderValue> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let others = query.filter(|(name, _)| !matches!(&**name, "pagination.cursor" | "pagination[cursor]"));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(others).append_pair("pagination.cursor", next);
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.finish()).parse().ok()
}

fn number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count))
}

fn sent(text: &str) -> Option<String> {
    Some(text.to_owned())
}
