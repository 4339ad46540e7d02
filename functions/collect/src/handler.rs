use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use lambda::clock;
use model::failure::Failure;
use model::tracking::{Body, Call, Incoming, MAX_BODY};
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

/// 1. A write key in a header is checked first.
/// 2. Otherwise the body is taken apart one level deep to find the key in it.
/// 3. Only then are the events read.
/// 4. Admitted events are kept, and bad ones are named.
async fn collect(
    State(ingest): State<Arc<Ingest>>,
    Path(call): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (admitted, incoming) = match open(&ingest, &call, &headers, body).await {
        Ok(opened) => opened,
        Err(answer) => return *answer,
    };
    let passed = match ingest.pass(&admitted, &incoming.events).await {
        Ok(passed) => passed,
        Err(failure) => return unavailable(&failure),
    };
    let rejected = incoming.rejected;
    tracing::info!(source = %admitted.source.id, kept = passed.kept, dropped = passed.dropped,
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

/// The events of a request, and the source that its write key belongs to.
async fn open(
    ingest: &Ingest,
    call: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Admitted, Incoming), Box<Response>> {
    let now = clock::now();
    let bad = |message: &str| Box::new(refuse(StatusCode::BAD_REQUEST, message));
    let call = Call::at(call).ok_or_else(|| refuse(StatusCode::NOT_FOUND, "there is no such call"))?;
    let too_large = || Box::new(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 500 KB"));
    let body = body.map_err(|_| too_large())?;
    let in_header = match request::write_key(headers) {
        Some(key) => Some(admit(ingest, &key).await?),
        None => None,
    };
    let body = request::body(headers, body.into()).map_err(|fault| match fault {
        Fault::TooLarge => too_large(),
        Fault::NoGzip => bad("the body is not gzip"),
        // An SDK gives up what is refused with 400, and keeps what it may send again.
        Fault::Garbled => Box::new(unavailable(&Failure::transient(
            "API Gateway garbled a compressed body: send it as application/octet-stream, or let the SDK not compress",
        ))),
    })?;
    let body = Body::open(&body).map_err(|problem| bad(problem.0))?;
    let admitted = match (in_header, body.write_key()) {
        (Some(admitted), _) => admitted,
        (None, Some(key)) => admit(ingest, &key).await?,
        (None, None) => return Err(unknown_key().into()),
    };
    let incoming = body.events(call, now).map_err(|problem| bad(problem.0))?;
    Ok((admitted, incoming))
}

/// The source of a write key.
async fn admit(ingest: &Ingest, key: &str) -> Result<Admitted, Box<Response>> {
    match ingest.source(key).await {
        Ok(Some(admitted)) if admitted.has_archive || admitted.source.upstream.is_some() => Ok(admitted),
        // Clients keep their events and send them again: they are written once there is an archive.
        Ok(Some(_)) => Err(later("the source is connected to no archive: nothing was kept").into()),
        Ok(None) => Err(unknown_key().into()),
        Err(failure) => Err(unavailable(&failure).into()),
    }
}

fn unknown_key() -> Response {
    refuse(StatusCode::UNAUTHORIZED, "the write key is not one of a source")
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "success": false, "message": message }))).into_response()
}

fn unavailable(failure: &Failure) -> Response {
    tracing::error!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
    later("nothing was kept: try again")
}

/// Nothing was kept: asks the client to send it again.
fn later(message: &str) -> Response {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
