//! Who may come in.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;

use crate::context::Context;
use crate::error::ApiError;

/// Lets a request on only with the token.
pub async fn require_token(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(ApiError::unauthorized)?;
    if !context.token.admits(given).await? {
        return Err(ApiError::unauthorized());
    }
    Ok(next.run(request).await)
}
