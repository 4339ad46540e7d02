//! `/destinations/{id}/exceptions`: objects of an archive that nobody can read and that fail no regulation for now.

use axum::extract::{Path, State};
use jiff::Timestamp;
use model::destination::DestinationKind;
use model::exception::{Exception, NewException};
use model::failure::Failure;
use model::id::{DestinationId, ExceptionId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::context::Shared;
use crate::destinations::find;
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id};

/// The most exceptions of an archive that are in force.
const MAX_IN_FORCE: usize = 100;

/// One exception.
#[derive(Serialize, ToSchema)]
pub struct OneException {
    exception: Exception,
}

/// All exceptions of an archive.
#[derive(Serialize, ToSchema)]
pub struct AllExceptions {
    exceptions: Vec<Exception>,
}

/// Excepts objects of an archive that cannot be read: evidence and certificates count them as `excepted`, and later
/// regulations do not fail because of them. What is known to hold a subject is never excepted.
#[utoipa::path(post, path = "/destinations/{id}/exceptions", operation_id = "createException", tag = "Destinations",
    params(("id" = DestinationId, Path)), request_body = NewException,
    responses((status = 200, description = "It is in force", body = Data<OneException>)))]
pub async fn create(
    State(context): Shared,
    caller: Caller,
    Id(id): Id<DestinationId>,
    Body(request): Body<NewException>,
) -> Reply<OneException> {
    if find(&context, &id).await?.kind != DestinationKind::Archive {
        return Err(Failure::invalid("only archives have exceptions").into());
    }
    let now = Timestamp::now();
    let exception = request.accept(caller.id(), now)?;
    let others = context.store.exceptions(&id).await?;
    if others.iter().filter(|other| now < other.until).count() >= MAX_IN_FORCE {
        return Err(Failure::invalid("100 exceptions are in force, which is the most: end one first").into());
    }
    context.store.save_exception(&id, &exception).await?;
    Ok(data(OneException { exception }))
}

/// All exceptions of an archive, ended ones too.
#[utoipa::path(get, path = "/destinations/{id}/exceptions", operation_id = "listExceptions", tag = "Destinations",
    params(("id" = DestinationId, Path)),
    responses((status = 200, description = "In the order in which they were made", body = Data<AllExceptions>)))]
pub async fn list(State(context): Shared, Id(id): Id<DestinationId>) -> Reply<AllExceptions> {
    find(&context, &id).await?;
    Ok(data(AllExceptions { exceptions: context.store.exceptions(&id).await? }))
}

/// Ends an exception now; it is kept. Harmless when it has ended.
#[utoipa::path(delete, path = "/destinations/{id}/exceptions/{exceptionId}", operation_id = "endException",
    tag = "Destinations", params(("id" = DestinationId, Path), ("exceptionId" = ExceptionId, Path)),
    responses((status = 200, description = "It has ended", body = Data<OneException>)))]
pub async fn end(
    State(context): Shared,
    Path((id, exception)): Path<(String, String)>,
) -> Reply<OneException> {
    let unknown = || ApiError::not_found("there is no such exception");
    let (Ok(id), Ok(exception)) = (id.parse(), exception.parse::<ExceptionId>()) else {
        return Err(unknown());
    };
    let kept = context.store.exceptions(&id).await?;
    let mut exception = kept.into_iter().find(|kept| kept.id == exception).ok_or_else(unknown)?;
    exception.until = exception.until.min(Timestamp::now());
    context.store.save_exception(&id, &exception).await?;
    Ok(data(OneException { exception }))
}
