//! Segment's Config API `v1beta`, as far as older clients delete and suppress with it (Open edX's retirement of users
//! does). Its bodies are not wrapped, and its names have underscores.

use axum::extract::{Path, State};
use jiff::Timestamp;
use model::failure::Failure;
use model::id::RegulationId;
use model::person::SuppressionScope;
use model::regulation::{NewRegulation, RegulationType};
use model::status::Status;
use model::subject::SubjectType;
use serde::{Deserialize, Serialize};
use store::Suppressed;
use utoipa::ToSchema;

use crate::auth::{Caller, Reserved};
use crate::context::Shared;
use crate::error::ApiError;
use crate::page::OlderPage;
use crate::regulations;
use crate::request::{Body, Rehearsal};

type Reply<T> = Result<axum::Json<T>, ApiError>;

/// The body of `POST /v1beta/workspaces/{slug}/regulations`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "regulation_type": "Suppress_With_Delete", "attributes": { "name": "userId", "values": ["u7"] }
}))]
pub struct OlderRegulation {
    #[schema(pattern = "^(Suppress|Delete|Unsuppress|Suppress_With_Delete)$")]
    regulation_type: String,
    attributes: OlderAttributes,
}

/// Whom an older client means.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OlderAttributes {
    /// Which kind of identifier the values are.
    #[schema(pattern = "^userId$")]
    name: String,
    #[schema(schema_with = model::regulation::subject_ids)]
    values: Vec<String>,
}

/// What a regulation of an older client was accepted as.
#[derive(Serialize, ToSchema)]
pub struct OlderCreated {
    regulate_id: RegulationId,
}

/// How far a regulation is, for an older client.
#[derive(Serialize, ToSchema)]
pub struct OlderStatus {
    id: RegulationId,
    workspace_id: String,
    overall_status: Status,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

/// Accepts a regulation of an older client.
#[utoipa::path(post, path = "/v1beta/workspaces/{slug}/regulations", operation_id = "createOlderRegulation",
    tag = "Config API v1beta", params(("slug" = String, Path)), request_body = OlderRegulation,
    responses((status = 200, description = "It is accepted", body = OlderCreated)))]
pub async fn create(
    State(context): Shared,
    caller: Caller,
    rehearsal: Rehearsal,
    Reserved(id): Reserved,
    Body(request): Body<OlderRegulation>,
) -> Reply<OlderCreated> {
    if rehearsal.dry_run {
        return Err(Failure::invalid("POST /regulations has a dry run, this does not")
            .field("dryRun")
            .into());
    }
    let kind = match request.regulation_type.as_str() {
        "Suppress" => RegulationType::SuppressOnly,
        "Delete" => RegulationType::DeleteOnly,
        "Unsuppress" => RegulationType::Unsuppress,
        "Suppress_With_Delete" => RegulationType::SuppressWithDelete,
        _ => {
            let message = "regulation_type must be one of Suppress, Delete, Unsuppress, Suppress_With_Delete";
            return Err(Failure::invalid(message).field("regulation_type").into());
        }
    };
    if request.attributes.name != "userId" {
        return Err(Failure::invalid("attributes.name must be userId").field("attributes.name").into());
    }
    let request = NewRegulation::of_users(kind, request.attributes.values);
    let (regulation, named) = request.accept(id, Timestamp::now(), context.default_law)?;
    let created = regulations::admit(&context, &caller, regulation, named).await?;
    Ok(axum::Json(OlderCreated { regulate_id: created.regulate_id }))
}

/// How far a regulation is, for an older client.
#[utoipa::path(get, path = "/v1beta/workspaces/{slug}/regulations/{id}", operation_id = "getOlderRegulation",
    tag = "Config API v1beta", params(("slug" = String, Path), ("id" = RegulationId, Path)),
    responses((status = 200, description = "The regulation", body = OlderStatus)))]
pub async fn show(State(context): Shared, Path(path): Path<(String, String)>) -> Reply<OlderStatus> {
    let id = path.1.parse().map_err(|_| ApiError::not_found("there is nothing of this id"))?;
    let regulation = regulations::find(&context, &id).await?;
    Ok(axum::Json(OlderStatus {
        id,
        workspace_id: context.workspace_id.clone(),
        overall_status: regulation.status,
        created_at: regulation.created_at,
        finished_at: regulation.finished_at,
    }))
}

/// Whom a page of the suppression list names, for an older client.
#[derive(Serialize, ToSchema)]
pub struct OlderSuppressed {
    suppressed_users: Vec<OlderSuppressedUser>,
    /// Where the next page begins; empty after the last.
    next_page_token: String,
}

/// One suppressed user, for an older client.
#[derive(Serialize, ToSchema)]
struct OlderSuppressedUser {
    attributes: OlderAttributesShown,
    create_time: Timestamp,
}

/// Whom an older client is told of.
#[derive(Serialize, ToSchema)]
struct OlderAttributesShown {
    /// Which kind of identifier the values are.
    name: &'static str,
    values: Vec<String>,
}

/// Suppressed users, the longest suppressed first, for an older client.
#[utoipa::path(get, path = "/v1beta/workspaces/{slug}/suppressed-users", operation_id = "listOlderSuppressedUsers",
    tag = "Config API v1beta", params(("slug" = String, Path), OlderPage),
    responses((status = 200, description = "A page of them", body = OlderSuppressed)))]
pub async fn suppressed(State(context): Shared, page: OlderPage) -> Reply<OlderSuppressed> {
    let found =
        context.store.suppressed(&SuppressionScope::Workspace, page.size, page.token.as_deref()).await?;
    let users = found.items.into_iter().filter(|entry| entry.subject.kind == SubjectType::UserId);
    let user = |entry: Suppressed| OlderSuppressedUser {
        attributes: OlderAttributesShown { name: "userId", values: vec![entry.subject.id] },
        create_time: entry.suppressed_at,
    };
    Ok(axum::Json(OlderSuppressed {
        suppressed_users: users.map(user).collect(),
        next_page_token: page.next(found.next)?,
    }))
}
