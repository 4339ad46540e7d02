use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{from_fn, from_fn_with_state};
use model::certificate::Jwk;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::context::{Context, Shared};
use crate::error::ApiError;
use crate::middleware::gate;
use crate::request::MAX_BODY;
use crate::{
    batches, destinations, media, openapi, regulation_list, regulations, runs, search, source_regulations,
    sources, subjects, suppressions, tokens, trail, v1beta,
};

/// The whole API.
pub fn router(context: Arc<Context>) -> Router {
    let gate = from_fn_with_state(context.clone(), gate);
    let router = guarded().route_layer(gate).merge(open());
    Router::from(router)
        .fallback(|| async { ApiError::not_found("there is no such path") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(media::type_as_asked))
        .with_state(context)
}

/// What needs a token; which scopes it needs stands in `access.rs`.
fn guarded() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(routes!(regulations::create, regulation_list::list))
        .routes(routes!(regulations::show, regulations::withdraw))
        .routes(routes!(v1beta::create))
        .routes(routes!(v1beta::show))
        .routes(routes!(v1beta::suppressed))
        .routes(routes!(search::search))
        .routes(routes!(source_regulations::create, source_regulations::list))
        .routes(routes!(source_regulations::create_of_cloud))
        .routes(routes!(regulations::retry))
        .routes(routes!(regulations::certificate))
        .routes(routes!(batches::list))
        .routes(routes!(batches::show))
        .routes(routes!(batches::refusals))
        .routes(routes!(runs::create, runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::report))
        .routes(routes!(runs::confirm))
        .routes(routes!(runs::stop))
        .routes(routes!(suppressions::list, suppressions::add))
        .routes(routes!(suppressions::lift))
        .routes(routes!(suppressions::search))
        .routes(routes!(subjects::look_up))
        .routes(routes!(destinations::create, destinations::list))
        .routes(routes!(destinations::catalog))
        .routes(routes!(destinations::show, destinations::change, destinations::disable))
        .routes(routes!(destinations::check))
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(trail::list))
        .routes(routes!(sources::create, sources::list))
        .routes(routes!(sources::show, sources::change, sources::delete))
        .routes(routes!(sources::add_key))
        .routes(routes!(sources::remove_key))
}

/// What is for everyone: the key that certificates are checked with, and the API's description.
fn open() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new().routes(routes!(jwks)).routes(routes!(openapi::show))
}

/// The description of all of it.
pub fn description() -> OpenApi {
    let mut document =
        OpenApiRouter::with_openapi(openapi::empty()).merge(guarded()).merge(open()).into_openapi();
    openapi::complete(&mut document);
    document
}

/// RFC 7517's key set.
#[derive(Serialize, ToSchema)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// The key that certificates are checked with, bare: JOSE libraries read it as it is.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "getKeys", tag = "About", security(),
    responses((status = 200, description = "A JSON Web Key Set (RFC 7517)", body = KeySet)))]
async fn jwks(State(context): Shared) -> Result<axum::Json<KeySet>, ApiError> {
    Ok(axum::Json(KeySet { keys: vec![context.signer.public_key().await?] }))
}
