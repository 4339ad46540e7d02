use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};
use axum::response::{Redirect, Response};
use axum::routing::get;

use crate::page;

pub fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/console") }))
        .route("/console", get(serve))
        .route("/console/{*path}", get(serve))
        .layer(axum::middleware::map_response(page::protect))
}

async fn serve(request: Request) -> Response {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = request.uri().path().trim_start_matches("/console").trim_start_matches('/');
    let gzip = header(ACCEPT_ENCODING).split(',').any(|coding| coding.trim().starts_with("gzip"));
    page::file(path, gzip, header(IF_NONE_MATCH))
}
