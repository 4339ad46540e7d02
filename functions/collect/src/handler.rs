use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use model::failure::Failure;
use model::tracking::{Call, MAX_BODY, read};
use serde_json::{Value, json};

use crate::ingest::{Admitted, Ingest};
use crate::request::{self, Fault};

pub fn router(ingest: Arc<Ingest>) -> Router {
    Router::new()
        .route("/v1/{call}", post(collect))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is no such path") })
        .method_not_allowed_fallback(|| async { refuse(StatusCode::METHOD_NOT_ALLOWED, "send a POST") })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(ingest)
}

async fn collect(
    State(ingest): State<Arc<Ingest>>,
    Path(call): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let now = Timestamp::now();
    let Some(call) = Call::at(&call) else { return refuse(StatusCode::NOT_FOUND, "there is no such call") };
    let too_large = || refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 500 KB");
    let Ok(body) = body else { return too_large() };
    let body = match request::body(&headers, body.into()) {
        Ok(body) => body,
        Err(Fault::TooLarge) => return too_large(),
        Err(Fault::NoGzip) => return refuse(StatusCode::BAD_REQUEST, "the body is not gzip"),
    };
    let incoming = match read(call, &body, now) {
        Ok(incoming) => incoming,
        Err(problem) => return refuse(StatusCode::BAD_REQUEST, problem.0),
    };
    let key = request::write_key(&headers).or(incoming.write_key);
    let source = match key {
        Some(key) => ingest.source(&key).await,
        None => Ok(None),
    };
    let source = match source {
        Ok(Some(Admitted { source, has_archive: true })) => source,
        // Clients keep their events and send them again: they are written once there is an archive.
        Ok(Some(_)) => return later("the source is connected to no archive: nothing was kept"),
        Ok(None) => return refuse(StatusCode::UNAUTHORIZED, "the write key is not one of a source"),
        Err(failure) => return unavailable(&failure),
    };
    let passed = match ingest.pass(&source, &incoming.events).await {
        Ok(passed) => passed,
        Err(failure) => return unavailable(&failure),
    };
    let rejected = incoming.rejected;
    tracing::info!(source = %source.id, kept = passed.kept, dropped = passed.dropped,
        rejected = rejected.len(), "collected");
    if incoming.events.is_empty() && !rejected.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, rejected[0].reason);
    }
    let mut answer = json!({ "success": true });
    if !rejected.is_empty() {
        answer["rejected"] = json!(rejected);
    }
    Json::<Value>(answer).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "success": false, "message": message }))).into_response()
}

fn unavailable(failure: &Failure) -> Response {
    tracing::error!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
    later("nothing was kept: try again")
}

/// Nothing was kept: the client sends it again.
fn later(message: &str) -> Response {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
