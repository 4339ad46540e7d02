//! Responses: a success wrapped as Segment wraps it, `{"data": …}`, or an error in Segment's form.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::failure::{Failure, FailureKind};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A successful body, or an error.
pub type Reply<T> = Result<Json<Data<T>>, ApiError>;

/// A success.
#[derive(Serialize, ToSchema)]
pub struct Data<T> {
    data: T,
}

/// A success, wrapped as Segment wraps it.
pub fn data<T>(data: T) -> Json<Data<T>> {
    Json(Data { data })
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct Errors {
    #[schema(min_items = 1)]
    errors: Vec<ErrorEntry>,
}

/// One thing that went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorEntry {
    /// What kind of error, for programs.
    #[serde(rename = "type")]
    #[schema(example = "validation-error")]
    kind: &'static str,
    /// What happened and what to do about it, for people. Never repeats what was sent.
    #[schema(example = "subjectIds must name at least one subject")]
    message: String,
    /// The field at fault, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "subjectIds")]
    field: Option<String>,
    /// More about it, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
}

/// An error as the client sees it.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    field: Option<String>,
    data: Option<Value>,
    headers: Box<HeaderMap>,
}

impl ApiError {
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), field: None, data: None, headers: Box::default() }
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

    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.headers.insert(RETRY_AFTER, seconds.into());
        self
    }

    pub fn headers(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let (status, kind) = match failure.kind {
            FailureKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "validation-error"),
            FailureKind::Transient => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            FailureKind::Permanent => (StatusCode::INTERNAL_SERVER_ERROR, "internal-error"),
        };
        if failure.kind != FailureKind::Invalid {
            tracing::error!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
        }
        let error = Self::new(status, kind, failure.public);
        let error = if status == StatusCode::SERVICE_UNAVAILABLE { error.retry_after(5) } else { error };
        match (failure.field, failure.part) {
            (Some(field), Some(part)) => error.field(format!("{field}.{part}")),
            (Some(field), None) => error.field(field),
            (None, _) => error,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, kind, message, field, data, headers } = self;
        let errors = vec![ErrorEntry { kind, message, field, data, status: status.as_u16() }];
        (status, *headers, Json(Errors { errors })).into_response()
    }
}
