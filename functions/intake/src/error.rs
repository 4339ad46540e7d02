//! Errors in Segment's form: `{"errors": [{"type", "message", "field"?}]}`.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use shared::failure::{Failure, Kind};

/// A successful body, or an error.
pub type Reply<T = Value> = Result<Json<T>, ApiError>;

/// An error as the client sees it.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    field: Option<String>,
}

impl ApiError {
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), field: None }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "the path does not take this method")
    }

    pub fn unauthorized() -> Self {
        let message = "send the header Authorization: Bearer <token> with a valid token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let (status, kind) = match failure.kind {
            Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "validation-error"),
            Kind::Transient => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Kind::Permanent => (StatusCode::INTERNAL_SERVER_ERROR, "internal-error"),
        };
        if failure.kind != Kind::Invalid {
            tracing::error!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
        }
        Self { status, kind, message: failure.public, field: failure.field.map(str::to_owned) }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut error = json!({ "type": self.kind, "message": self.message, "status": self.status.as_u16() });
        if let Some(field) = self.field {
            error["field"] = field.into();
        }
        let mut response = (self.status, Json(json!({ "errors": [error] }))).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, 5.into());
        }
        response
    }
}

/// A success, wrapped as Segment wraps it.
pub fn data(value: Value) -> Json<Value> {
    Json(json!({ "data": value }))
}
