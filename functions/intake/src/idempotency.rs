//! `Idempotency-Key`: a `POST` that changes something, sent again with the same key, is answered as before and not done
//! again. Reads are not kept: what they answer may hold identifiers, and may have changed.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::Value;
use store::{Answer, Claim};

use crate::auth::{Caller, Reserved};
use crate::context::Context;
use crate::error::ApiError;
use crate::request::{MAX_BODY, Rehearsal, whole};

/// The header.
pub const KEY: &str = "idempotency-key";

/// The longest key, in bytes.
pub const MAX_KEY: usize = 255;

/// The longest answer that is kept, in bytes: DynamoDB takes items of 400 KB.
const MAX_KEPT: usize = 300_000;

/// What is shown once is not kept: a repeated request is answered without it.
const SHOWN_ONCE: [&str; 2] = ["secret", "writeKey"];

/// The answer to a request that changes something.
pub async fn answer(context: &Context, caller: &Caller, request: Request, next: Next) -> Response {
    let key = request.headers().get(KEY).filter(|_| request.method() == Method::POST).cloned();
    let Some(key) = key else { return next.run(request).await };
    if let Err(refusal) = check(&key) {
        return refusal.into_response();
    }
    // A dry run is a read: it is done again each time.
    if Rehearsal::of(request.uri()).map_or(true, |rehearsal| rehearsal.dry_run) {
        return next.run(request).await;
    }
    with_key(context, caller, request, &key, next).await.unwrap_or_else(IntoResponse::into_response)
}

fn check(key: &HeaderValue) -> Result<(), ApiError> {
    let printable = key.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte));
    if printable && (1..=MAX_KEY).contains(&key.len()) {
        return Ok(());
    }
    Err(invalid(format!("the Idempotency-Key must have 1 to {MAX_KEY} printable ASCII characters")))
}

async fn with_key(
    context: &Context,
    caller: &Caller,
    request: Request,
    key: &HeaderValue,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = whole(to_bytes(body, MAX_BODY).await)?;
    // Keys and bodies may hold identifiers: only what cannot be guessed back from is kept of them.
    let pseudonyms = context.pseudonyms().await?;
    let place = format!("{}\0{}", caller.id(), parts.uri);
    let (key, body) =
        (pseudonyms.fingerprint([place.as_bytes(), key.as_bytes()]), pseudonyms.fingerprint([&bytes[..]]));
    let replay = match context.store.claim(&key, &body, Timestamp::now()).await? {
        Claim::Work(replay) => replay,
        Claim::Done(answer) => return Ok(again(answer)),
        Claim::Misused => return Err(invalid("this Idempotency-Key was sent before with another body")),
        Claim::Busy => {
            let message = "a request with this Idempotency-Key is under way: try again";
            return Err(ApiError::new(StatusCode::CONFLICT, "under-way", message).retry_after(1));
        }
    };
    let mut request = Request::from_parts(parts, Body::from(bytes));
    request.extensions_mut().insert(Reserved(replay.regulation_id.clone()));
    let (parts, body) = next.run(request).await.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    // What broke off may be tried again with the same key.
    let kept = (!parts.status.is_server_error())
        .then(|| Answer { status: parts.status.as_u16(), body: kept(&bytes) });
    // It is done: an error would say that it is not.
    if let Err(failure) = context.store.settle(replay, kept).await {
        tracing::error!(%failure, "an answer is not kept: the request may be done again");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn again(answer: Answer) -> Response {
    let Some(body) = answer.body else {
        let message = "this was done, and its answer is too long to be kept: read what it made";
        return ApiError::new(StatusCode::CONFLICT, "done-before", message).into_response();
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [(CONTENT_TYPE.as_str(), "application/json"), ("idempotent-replayed", "true")];
    (status, headers, body).into_response()
}

fn kept(body: &[u8]) -> Option<String> {
    Some(without_secret(body)).filter(|body| body.len() <= MAX_KEPT)
}

fn without_secret(body: &[u8]) -> String {
    let mut answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(data) = answer.get_mut("data").and_then(Value::as_object_mut)
        && SHOWN_ONCE.map(|field| data.remove(field)).iter().any(Option::is_some)
    {
        return answer.to_string();
    }
    String::from_utf8_lossy(body).into_owned()
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "validation-error", message).field("Idempotency-Key")
}
