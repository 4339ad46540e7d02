//! `GET /regulations/{id}/subjects`: whom a regulation names, while that is kept. It tells identifiers, so that each
//! look is recorded in the audit trail.

use axum::extract::State;
use axum::http::StatusCode;
use model::id::RegulationId;
use model::regulation::Regulation;
use model::subject::{Named, SubjectType};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::error::{ApiError, Data, Reply, data};
use crate::page::{Page, Pagination};
use crate::regulations::find;
use crate::request::{Id, invalid};

/// A page of the identifiers that a regulation names.
#[derive(Serialize, ToSchema)]
pub struct SubjectsNamed {
    subjects: Vec<SubjectNamed>,
    pagination: Page,
}

/// An identifier that a regulation names.
#[derive(Serialize, ToSchema)]
struct SubjectNamed {
    #[serde(rename = "type")]
    kind: SubjectType,
    id: String,
    /// The person's number within the regulation, from 0; left out, if each is named by one identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<u32>,
}

impl From<Named> for SubjectNamed {
    fn from(Named { person, subject }: Named) -> Self {
        Self { kind: subject.kind, id: subject.id, person }
    }
}

/// Whom a regulation names: while it is under way, and while a failed one may be retried. Each call is recorded in the
/// audit trail.
#[utoipa::path(get, path = "/regulations/{id}/subjects", operation_id = "listRegulationSubjects", tag = "Regulations",
    params(("id" = RegulationId, Path), Pagination),
    responses((status = 200, description = "A page of them", body = Data<SubjectsNamed>),
        (status = 410, description = "The identifiers are dropped", body = crate::error::Errors)))]
pub async fn list(
    State(context): Shared,
    Id(id): Id<RegulationId>,
    page: Pagination,
) -> Reply<SubjectsNamed> {
    let regulation = find(&context, &id).await?;
    let named = context.store.named(&id).await?;
    if named.is_empty() {
        return Err(gone(&regulation));
    }
    let from = match page.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(place)) => place,
        Some(Err(_)) => {
            return Err(invalid("pagination.cursor", "pagination.cursor is of another list".to_owned()));
        }
    };
    let until = named.len().min(from + usize::try_from(page.count).unwrap_or_default());
    let next = (until < named.len()).then(|| until.to_string());
    let subjects = named.into_iter().take(until).skip(from).map(SubjectNamed::from).collect();
    Ok(data(SubjectsNamed { subjects, pagination: page.followed_by(next)? }))
}

/// That a regulation's identifiers are dropped, and why.
fn gone(regulation: &Regulation) -> ApiError {
    let why = match regulation.identifiers_kept_until() {
        Some(until) => format!("they were kept for a retry until {until}"),
        None => "they are kept until a regulation is sealed without a failure, or withdrawn".to_owned(),
    };
    let message =
        format!("the identifiers of this regulation are dropped: {why}; its certificate names pseudonyms");
    ApiError::new(StatusCode::GONE, "gone", message)
}
