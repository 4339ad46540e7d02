use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use crate::auth::require_token;
use crate::context::{Context, Shared};
use crate::error::{ApiError, Reply};
use crate::request::MAX_BODY;
use crate::{destinations, regulations, runs, sources, suppressions};

pub fn router(context: Arc<Context>) -> Router {
    Router::new()
        .route("/regulations", post(regulations::create).get(regulations::list))
        .route("/regulations/{id}", get(regulations::show))
        .route("/regulations/{id}/retry", post(regulations::retry))
        .route("/regulations/{id}/certificate", get(regulations::certificate))
        .route("/purge-runs", post(runs::create).get(runs::list))
        .route("/purge-runs/{id}", get(runs::show))
        .route("/purge-runs/{id}/report", get(runs::report))
        .route("/purge-runs/{id}/confirm", post(runs::confirm))
        .route("/purge-runs/{id}/stop", post(runs::stop))
        .route("/suppressions", get(suppressions::list))
        .route("/destinations", post(destinations::create).get(destinations::list))
        .route("/sources", post(sources::create).get(sources::list))
        .route("/sources/{id}", get(sources::show).patch(sources::change).delete(sources::delete))
        .route("/sources/{id}/write-keys", post(sources::add_key))
        .route("/sources/{id}/write-keys/{key}", delete(sources::remove_key))
        .route_layer(from_fn_with_state(context.clone(), require_token))
        // The key that certificates are checked with is for everyone.
        .route("/.well-known/jwks.json", get(jwks))
        .fallback(|| async { ApiError::not_found("there is no such path") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(context)
}

/// RFC 7517's key set, bare: JOSE libraries read it as it is.
async fn jwks(State(context): Shared) -> Reply<Value> {
    Ok(axum::Json(json!({ "keys": [context.signer.public_key().await?] })))
}
