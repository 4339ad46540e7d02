//! What every call with a token goes through.
//!
//! 1. The caller is authenticated and authorized ([`auth`](crate::auth), [`access`](crate::access)).
//! 2. A caller who makes too many regulations is refused ([`limit`](crate::limit)).
//! 3. A call that changes something, or reads identifiers for their own sake, is recorded in the audit trail, before it is
//!    done and after.
//! 4. Such a call with an `Idempotency-Key` that was used before gets the earlier response
//!    ([`idempotency`](crate::idempotency)).

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use model::id::TrailId;
use model::trail::TrailEntry;
use serde_json::Value;

use crate::access::NeedsByCall;
use crate::auth::{Caller, authenticate};
use crate::context::Context;
use crate::error::ApiError;
use crate::idempotency;
use crate::limit::Window;

/// The longest response body that the trail reads: Lambda's own limit.
const MAX_ANSWER: usize = 6 << 20;

pub async fn gate(
    State((context, needs)): State<(Arc<Context>, Arc<NeedsByCall>)>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let now = Timestamp::now();
    let caller = authenticate(&context, request.headers(), now).await?;
    let needs = needs.of(request.method(), path.as_str());
    caller.may(needs, request.uri().path())?;
    request.extensions_mut().insert(caller.clone());

    let window =
        if needs.creates() { Some(Window::count(&context.store, &caller, now).await?) } else { None };
    let mut response = if needs.is_recorded() {
        let mut entry = entry(&caller, &path, &request, now);
        context.store.write_trail(&entry).await?;
        let response = idempotency::answer(&context, &caller, request, next).await;
        let response = note(&mut entry, response).await;
        if let Err(failure) = context.store.write_trail(&entry).await {
            tracing::error!(entry = %entry.id, %failure, "the trail does not say how this ended");
        }
        response
    } else {
        next.run(request).await
    };
    if let Some(window) = window {
        window.tell(response.headers_mut());
    }
    Ok(response)
}

fn entry(caller: &Caller, path: &MatchedPath, request: &Request, now: Timestamp) -> TrailEntry {
    // Any other part of a path may be an identifier by mistake.
    let mut ids = request.uri().path().split('/').filter(|part| is_ours(part)).map(str::to_owned);
    TrailEntry {
        id: TrailId::new(),
        at: now,
        caller: caller.id().to_owned(),
        caller_name: caller.name().to_owned(),
        action: format!("{} {}", request.method(), path.as_str()),
        object: ids.next(),
        part: ids.next(),
        status: None,
        reason: None,
        dry_run: false,
    }
}

/// The reason that a caller gave for a change, for the audit trail. It names nobody: who hands it over has checked that.
#[derive(Debug, Clone)]
pub struct Stated(pub Option<String>);

/// Notes with an entry its outcome, and what was made.
async fn note(entry: &mut TrailEntry, response: Response) -> Response {
    entry.status = Some(response.status().as_u16());
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let stated = parts.extensions.get().and_then(|Stated(reason)| reason.clone());
    entry.reason = text(&answer["errors"][0]["message"]).or(stated);
    let mut made = answer["data"].as_object().into_iter().flat_map(|fields| fields.values());
    // The answer tells it, not the query: calls that know no rehearsal do the work whatever a query says.
    let is_rehearsed = |told: &Value| told["dryRun"] == Value::Bool(true);
    entry.dry_run = is_rehearsed(&answer["data"]) || made.clone().any(is_rehearsed);
    if entry.object.is_none() {
        entry.object =
            made.find_map(|made| text(made).or_else(|| text(&made["id"])).filter(|id| is_ours(id)));
    } else if entry.part.is_none() {
        let made = made.find_map(|made| text(&made["id"]).filter(|id| is_ours(id)));
        entry.part = made.filter(|id| entry.object.as_ref() != Some(id));
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether a text has the form of Lethe's own ids.
pub fn is_ours(text: &str) -> bool {
    let Some((prefix, rest)) = text.split_once('_') else { return false };
    prefix.len() == 3 && rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit())
}
