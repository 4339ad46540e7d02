//! `/regulations/sources/{id}` and `/regulations/cloudsources/{id}`: regulations about what one source brought.

use axum::extract::State;
use jiff::Timestamp;
use model::regulation::{NewCloudSourceRegulation, NewSourceRegulation};
use model::source::SourceId;
use store::RegulationFilter;

use crate::auth::{Caller, Reserved};
use crate::context::Shared;
use crate::error::{Data, Reply};
use crate::page::Pagination;
use crate::regulation_list::{self, Regulations};
use crate::regulations::{self, RegulationAnswer};
use crate::request::{Body, Filter, Id, Rehearsal};
use crate::sources;

/// Accepts a regulation about the events of one source. It reaches the source's folder of archives, its schema of
/// warehouses, and the vendors that it is or was connected to; a destination that cannot be narrowed is refused. It
/// suppresses and lifts at this source only; a suppression in the whole workspace cannot be lifted here.
#[utoipa::path(post, path = "/regulations/sources/{id}", operation_id = "createSourceRegulation",
    tag = "Regulations", params(("id" = SourceId, Path), Rehearsal), request_body = NewSourceRegulation,
    responses((status = 200, description = "It is accepted, or rehearsed", body = Data<RegulationAnswer>)))]
pub async fn create(
    State(context): Shared,
    caller: Caller,
    Id(source): Id<SourceId>,
    rehearsal: Rehearsal,
    Reserved(id): Reserved,
    Body(request): Body<NewSourceRegulation>,
) -> Reply<RegulationAnswer> {
    sources::find(&context, &source).await?;
    let accepted = request.accept(source, id, Timestamp::now(), context.default_law)?;
    regulations::answer(&context, &caller, rehearsal, accepted).await
}

/// Accepts a regulation about objects that a cloud source brought: rows of one collection, in warehouses.
#[utoipa::path(post, path = "/regulations/cloudsources/{id}", operation_id = "createCloudSourceRegulation",
    tag = "Regulations", params(("id" = SourceId, Path), Rehearsal), request_body = NewCloudSourceRegulation,
    responses((status = 200, description = "It is accepted, or rehearsed", body = Data<RegulationAnswer>)))]
pub async fn create_of_cloud(
    State(context): Shared,
    caller: Caller,
    Id(source): Id<SourceId>,
    rehearsal: Rehearsal,
    Reserved(id): Reserved,
    Body(request): Body<NewCloudSourceRegulation>,
) -> Reply<RegulationAnswer> {
    sources::find(&context, &source).await?;
    let accepted = request.accept(source, id, Timestamp::now(), context.default_law)?;
    regulations::answer(&context, &caller, rehearsal, accepted).await
}

/// Regulations about one source, the newest first, or those whose clock runs, the most urgent first.
#[utoipa::path(get, path = "/regulations/sources/{id}", operation_id = "listSourceRegulations",
    tag = "Regulations", params(("id" = SourceId, Path), Filter, Pagination),
    responses((status = 200, description = "A page of them", body = Data<Regulations>)))]
pub async fn list(
    State(context): Shared,
    Id(source): Id<SourceId>,
    filter: Filter,
    page: Pagination,
) -> Reply<Regulations> {
    sources::find(&context, &source).await?;
    let filter = RegulationFilter { source: Some(source), ..filter.into() };
    regulation_list::list_by(&context, &filter, page).await
}
