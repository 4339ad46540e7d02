//! The headers of every response: how browsers and caches must treat it, and Segment's own media types, for clients
//! that ask for them (docs.segmentapis.com, "Versioning").

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// The media types that Segment's clients ask for. The body is the same for all of them.
const SEGMENT: [&str; 3] = [
    "application/vnd.segment.v1+json",
    "application/vnd.segment.v1beta+json",
    "application/vnd.segment.v1alpha+json",
];

/// Responses hold identifiers: no cache keeps one that does not allow it. Those in JSON carry Segment's media type, if
/// the client asked for one.
pub async fn add(request: Request, next: Next) -> Response {
    let asked = SEGMENT.into_iter().find(|name| accepts(request.headers(), name));
    let mut response = next.run(request).await;
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if let Some(asked) = asked.filter(|_| is_json) {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asked));
    }
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let a_year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
    headers.insert(STRICT_TRANSPORT_SECURITY, a_year);
    response
}

/// Whether a client's `Accept` header names a media type.
pub fn accepts(headers: &HeaderMap, name: &str) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut names =
        values.flat_map(|value| value.split(',')).map(|part| part.split(';').next().unwrap_or_default());
    names.any(|part| part.trim().eq_ignore_ascii_case(name))
}
