//! What is answered: a success wrapped as Segment wraps it, `{"data": …}`, or an error in Segment's form.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::failure::{Failure, Kind};
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
        let Self { status, kind, message, field } = self;
        let errors = vec![ErrorEntry { kind, message, field, status: status.as_u16() }];
        let mut response = (status, Json(Errors { errors })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, 5.into());
        }
        response
    }
}
