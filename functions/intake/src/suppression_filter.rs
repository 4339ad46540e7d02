//! `GET /suppressions/filter`: the suppression list as a filter, for pipelines that hold their own events against it.
//!
//! 1. The next subjects of the list are read and made into a filter.
//! 2. Its hash is its `ETag`. If the client has it, the answer is 304.
//! 3. `Link` names the next piece, if there is one.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use model::subject::hex;
use model::suppression::filter::{self, FALSE_POSITIVES};
use sha2::{Digest, Sha256};

use crate::context::Shared;
use crate::error::ApiError;
use crate::page::{Piece, link};
use crate::request::Whose;

/// The most subjects of a piece: more could not be read before the API must have answered.
const MAX_SUBJECTS: usize = 100_000;

const RATE: HeaderName = HeaderName::from_static("lethe-false-positives");

/// The suppression list as a filter that other pipelines hold their events against: a split-block Bloom filter, in
/// pieces.
#[utoipa::path(get, path = "/suppressions/filter", operation_id = "getSuppressionFilter", tag = "Suppressions",
    params(Whose, Piece, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of a piece")),
    responses(
        (status = 200, description = "A filter of up to 100,000 subjects: those who are suppressed are in it, and \
            `Lethe-False-Positives` says which share of others is; `Link` names the next piece",
            content((String = "application/octet-stream"))),
        (status = 304, description = "The piece is the one that has this `ETag`"),
    ))]
pub async fn show(
    State(context): Shared,
    uri: Uri,
    headers: HeaderMap,
    whose: Whose,
    piece: Piece,
) -> Result<Response, ApiError> {
    let store = &context.store;
    let found = store.suppressed_subjects(&whose.scope, MAX_SUBJECTS, piece.cursor.as_deref()).await?;
    let filter = filter::of(&found.items);
    let tag = format!("\"{}\"", hex(&Sha256::digest(&filter)[..16]));
    let mut response = match is_known(&headers, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(CONTENT_TYPE, "application/octet-stream")], filter).into_response(),
    };
    let next = piece.followed_by(found.next)?;
    let said = [
        (ETAG, tag.parse().ok()),
        (RATE, HeaderValue::from_str(&FALSE_POSITIVES.to_string()).ok()),
        (LINK, next.and_then(|next| link(&uri, &next))),
    ];
    let said = said.into_iter().filter_map(|(name, value)| Some((name, value?)));
    response.headers_mut().extend(said);
    Ok(response)
}

/// Whether `If-None-Match` (RFC 9110) names the tag.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = values.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_any_form_that_clients_send() {
        for (sent, known) in
            [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("a", false)]
        {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(sent))]);
            assert_eq!(is_known(&headers, "\"a\""), known, "{sent}");
        }
    }
}
