//! The case behind a regulation, as answers show it, and `/regulations/{id}/extension`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lambda::clock;
use model::failure::Failure;
use model::id::RegulationId;
use model::regulation::{CaseFile, Extension, Law, NewExtension, Regulation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::context::Shared;
use crate::error::{ApiError, Data, data};
use crate::middleware::Stated;
use crate::regulations::find;
use crate::request::{Body, Id};

/// When the person asked, by when the law wants an answer, what is on file about it, and who withdrew it. What was made before
/// there were deadlines has none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// When the person's request came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<Timestamp>,
    /// The law by whose clock it is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    law: Option<Law>,
    /// How many days there are, if the law is `OTHER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_in_days: Option<u16>,
    /// By when it must be answered, as it was extended.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    /// Whole days until then, negative once it is overdue; none, once it is honoured, withdrawn or beyond a retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<i64>,
    /// What is on file about the request.
    #[serde(skip_serializing_if = "CaseFile::is_empty")]
    #[schema(required = false)]
    file: CaseFile,
    /// That the time to answer was extended.
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<Extension>,
    /// Who withdrew it: a token's id, or `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_by: Option<String>,
    /// When it was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<Timestamp>,
}

impl Case {
    /// The case of a regulation, as of now.
    pub fn new(regulation: &Regulation) -> Self {
        let (clock, cancelled) = (regulation.clock.as_ref(), regulation.cancelled.as_ref());
        Self {
            received_at: clock.map(|clock| clock.received_at),
            law: clock.map(|clock| clock.law),
            due_in_days: clock.and_then(|clock| clock.due_in_days),
            due_at: clock.map(|clock| clock.due_at),
            days_left: regulation.days_left(clock::now()),
            file: regulation.file.clone(),
            extension: clock.and_then(|clock| clock.extension.clone()),
            cancelled_by: cancelled.map(|cancelled| cancelled.cancelled_by.clone()),
            cancelled_at: cancelled.map(|cancelled| cancelled.cancelled_at),
        }
    }
}

/// An extension that is in force.
#[derive(Serialize, ToSchema)]
pub struct OneExtension {
    extension: Extension,
}

/// Extends the time to answer, as the law allows it: once, before it is over, and while its clock runs. Tell the person why. Sent
/// again with the same reason, it is answered as before.
#[utoipa::path(post, path = "/regulations/{id}/extension", operation_id = "extendRegulation", tag = "Regulations",
    params(("id" = RegulationId, Path)), request_body = NewExtension,
    responses((status = 200, description = "It is extended", body = Data<OneExtension>),
        (status = 409, description = "It cannot be extended, or a request with this Idempotency-Key is under way",
            body = crate::error::Errors)))]
pub async fn extend(
    State(context): Shared,
    caller: Caller,
    Id(id): Id<RegulationId>,
    Body(request): Body<NewExtension>,
) -> Result<Extended, ApiError> {
    let regulation = find(&context, &id).await?;
    caller.may_regulate(&regulation)?;
    let reason = request.reason(&context.store.named(&id).await?)?;
    if let Some(extension) = before(&regulation, &reason) {
        return Ok(extended(extension));
    }
    let extension = regulation.extend(caller.id(), reason, clock::now()).map_err(conflict)?;
    if context.store.extend(&id, &extension).await? {
        return Ok(extended(extension));
    }
    // Another call was faster, or the work has just ended.
    let regulation = find(&context, &id).await?;
    if let Some(extension) = before(&regulation, &extension.reason) {
        return Ok(extended(extension));
    }
    let refused = regulation.extend(caller.id(), extension.reason, extension.at).err();
    Err(conflict(refused.unwrap_or_else(|| Failure::invalid("it changed just now: look at it again"))))
}

/// The answer, and the reason for the audit trail.
type Extended = (axum::Extension<Stated>, Json<Data<OneExtension>>);

fn extended(extension: Extension) -> Extended {
    (axum::Extension(Stated(Some(extension.reason.clone()))), data(OneExtension { extension }))
}

/// The extension that a regulation was given for this reason.
fn before(regulation: &Regulation, reason: &str) -> Option<Extension> {
    let extension = regulation.clock.as_ref()?.extension.as_ref()?;
    (extension.reason == reason).then(|| extension.clone())
}

fn conflict(failure: Failure) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, "conflict", failure.public)
}

#[cfg(test)]
mod tests {
    use axum::extract::{FromRequest, Request};
    use axum::response::IntoResponse;
    use futures::executor::block_on;
    use http_body_util::BodyExt;
    use model::regulation::NewRegulation;
    use serde_json::{Value, json};

    use super::*;

    /// The answer to a request that is refused.
    fn refusal(more: &Value) -> Value {
        let mut body =
            json!({ "regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": ["planted"] });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let request = Request::new(axum::body::Body::from(body.to_string()));
        let read = block_on(Body::<NewRegulation>::from_request(request, &()));
        let error = read.and_then(|Body(new)| {
            let made = new.accept(RegulationId::new(), Timestamp::now(), Law::Gdpr);
            made.map(drop).map_err(ApiError::from)
        });
        let answer = error.expect_err("it is refused").into_response();
        let bytes = block_on(answer.into_body().collect()).expect("a body").to_bytes();
        let answer: Value = serde_json::from_slice(&bytes).expect("it is JSON");
        assert!(!answer.to_string().to_lowercase().contains("planted"), "{answer}");
        answer["errors"][0].clone()
    }

    #[test]
    fn what_is_wrong_with_a_case_is_named_by_its_field() {
        for (field, more) in [
            ("receivedAt", json!({ "receivedAt": "planted" })),
            ("receivedAt", json!({ "receivedAt": "2999-01-01T00:00:00Z" })),
            ("law", json!({ "law": "planted" })),
            ("dueInDays", json!({ "law": "OTHER" })),
            ("dueInDays", json!({ "law": "OTHER", "dueInDays": 400 })),
            ("dueInDays", json!({ "dueInDays": "planted" })),
            ("file", json!({ "file": "planted" })),
            ("file", json!({ "file": { "planted": "x" } })),
            ("file.channel", json!({ "file": { "channel": 7 } })),
            ("file.reference", json!({ "file": { "reference": "by PLANTED" } })),
            ("file.requester", json!({ "file": { "requester": "planted@example.com" } })),
            ("file.verification", json!({ "file": { "verification": "call +44 20 7946 0000" } })),
        ] {
            let error = refusal(&more);
            assert_eq!((&error["status"], &error["field"]), (&json!(422), &json!(field)), "{error}");
        }
    }
}
