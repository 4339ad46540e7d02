//! The API's routes.
//!
//! 1. Each route that needs a token is in [`guarded`], with the scopes of which it needs one.
//! 2. [`gate`] refuses a call without one of them.
//! 3. Routes that need no token are in [`open`].

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use model::token::Scope;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Guarded;
use crate::context::Context;
use crate::error::ApiError;
use crate::middleware::gate;
use crate::request::MAX_BODY;
use crate::{
    batches, case, certificates, destinations, exceptions, figures, headers, me, named, openapi,
    regulation_list, regulations, reports, runs, search, source_regulations, sources, subjects,
    suppression_filter, suppressions, tokens, trail, upstreams, v1beta,
};

const READ: &[Scope] = &[Scope::RegulationsRead];
const CREATE: &[Scope] = &[Scope::RegulationsCreate, Scope::SuppressionsWrite];
const READ_LIST: &[Scope] = &[Scope::SuppressionsRead];
const SUPPRESS: &[Scope] = &[Scope::SuppressionsWrite];
const READ_CONNECTED: &[Scope] = &[Scope::RegulationsRead, Scope::DestinationsWrite];
const CONNECT: &[Scope] = &[Scope::DestinationsWrite];
const AUDIT: &[Scope] = &[Scope::AuditRead];
const REPORT: &[Scope] = &[Scope::RegulationsRead, Scope::AuditRead];
const ADMIN: &[Scope] = &[Scope::Admin];

/// The whole API.
pub fn router(context: Arc<Context>) -> Router {
    let Guarded { router, needs } = guarded();
    let gate = from_fn_with_state((context.clone(), Arc::new(needs)), gate);
    Router::from(router.route_layer(gate).merge(open()))
        .fallback(|| async { ApiError::not_found("there is no such path") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(headers::add))
        .with_state(context)
}

/// The routes that need a token. A `POST` with a query in its body, since an identifier must not be in a URL, is a
/// read.
pub fn guarded() -> Guarded {
    Guarded::default()
        .creates(CREATE, routes!(regulations::create))
        .reads(READ, routes!(regulation_list::list))
        .reads_one(READ, routes!(regulations::show))
        .writes(CREATE, routes!(regulations::withdraw))
        .creates(CREATE, routes!(v1beta::create))
        .reads(READ, routes!(v1beta::show))
        .reads(READ_LIST, routes!(v1beta::suppressed))
        .reads(READ, routes!(search::search))
        .creates(CREATE, routes!(source_regulations::create))
        .reads(READ, routes!(source_regulations::list))
        .creates(CREATE, routes!(source_regulations::create_of_cloud))
        .writes(CREATE, routes!(regulations::retry))
        .writes(CREATE, routes!(case::extend))
        .reads_one(READ, routes!(certificates::show))
        .reads(READ, routes!(certificates::prove))
        .reads(READ, routes!(certificates::log))
        .reads(READ, routes!(certificates::log_entries))
        .reads(READ, routes!(certificates::consistency))
        .reveals(READ, routes!(named::list))
        .reads(READ, routes!(figures::show))
        .reads(REPORT, routes!(reports::show))
        .reads(READ, routes!(batches::list))
        .reads(READ, routes!(batches::show))
        .reads(READ, routes!(batches::refusals))
        .writes(ADMIN, routes!(runs::create))
        .reads(READ, routes!(runs::list))
        .reads(READ, routes!(runs::show))
        .reads(READ, routes!(runs::report))
        .writes(ADMIN, routes!(runs::confirm))
        .writes(ADMIN, routes!(runs::stop))
        .reads(READ_LIST, routes!(suppressions::list))
        .writes(SUPPRESS, routes!(suppressions::add))
        .writes(SUPPRESS, routes!(suppressions::lift))
        .reads(READ_LIST, routes!(suppressions::search))
        .reads(READ_LIST, routes!(suppressions::check))
        .reads(READ_LIST, routes!(suppression_filter::show))
        .reads(READ, routes!(subjects::look_up))
        .writes(CONNECT, routes!(destinations::create))
        .reads(READ_CONNECTED, routes!(destinations::list))
        .reads(READ_CONNECTED, routes!(destinations::catalog))
        .reads(READ_CONNECTED, routes!(destinations::show))
        .writes(CONNECT, routes!(destinations::change, destinations::disable))
        .writes(CONNECT, routes!(destinations::check))
        .writes(CONNECT, routes!(destinations::check_draft))
        .writes(ADMIN, routes!(exceptions::create))
        .reads(READ_CONNECTED, routes!(exceptions::list))
        .writes(ADMIN, routes!(exceptions::end))
        .tells_itself(routes!(me::show))
        .writes(ADMIN, routes!(tokens::create))
        .reads(ADMIN, routes!(tokens::list))
        .writes(ADMIN, routes!(tokens::revoke))
        .reads(AUDIT, routes!(trail::list))
        .writes(CONNECT, routes!(sources::create))
        .reads(READ_CONNECTED, routes!(sources::list))
        .reads(READ_CONNECTED, routes!(sources::show))
        .writes(CONNECT, routes!(sources::change, sources::delete))
        .writes(CONNECT, routes!(sources::add_key))
        .writes(CONNECT, routes!(sources::remove_key))
        .writes(ADMIN, routes!(upstreams::set, upstreams::remove))
}

/// The routes that need no token: the keys that certificates are checked with, and the API's description.
fn open() -> OpenApiRouter<Arc<Context>> {
    [routes!(certificates::keys), routes!(openapi::show)].into_iter().fold(
        OpenApiRouter::new(),
        |router, mut route| {
            for item in route.1.paths.values_mut() {
                openapi::operations(item)
                    .for_each(|(method, operation)| openapi::complete(operation, &method, None));
            }
            router.routes(route)
        },
    )
}

/// The description of the whole API.
pub fn description() -> OpenApi {
    OpenApiRouter::with_openapi(openapi::empty()).merge(guarded().router).merge(open()).into_openapi()
}
