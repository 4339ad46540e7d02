//! `/destinations`: what is connected.

use axum::extract::State;
use destinations::archive::{Settings, Share};
use destinations::{Description, DestinationChange, NewDestination};
use jiff::Timestamp;
use model::destination::{Destination, DestinationKind, MAX_CONNECTED};
use model::failure::Failure;
use model::id::DestinationId;
use model::probe::{Finding, Probe};
use model::token::Scope;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Caller, forbidden};
use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id};

/// How often a destination is disabled anew when somebody else changes it at that moment.
const DISABLE_TRIES: usize = 20;

/// One destination.
#[derive(Serialize, ToSchema)]
pub struct OneDestination {
    destination: Destination,
}

/// All destinations.
#[derive(Serialize, ToSchema)]
pub struct AllDestinations {
    destinations: Vec<Destination>,
}

/// Connects a destination. Its secrets go to Secrets Manager and are never shown again.
#[utoipa::path(post, path = "/destinations", operation_id = "createDestination", tag = "Destinations",
    request_body = NewDestination,
    responses((status = 200, description = "It is connected", body = Data<OneDestination>)))]
pub async fn create(
    State(context): Shared,
    caller: Caller,
    Body(request): Body<NewDestination>,
) -> Reply<OneDestination> {
    let (destination, secrets) = request.accept(context.any_endpoint, Timestamp::now())?;
    may_set_guard(&caller, None, &destination)?;
    has_room_for(&context, &destination).await?;
    context.secrets.save(&destination, &secrets).await?;
    context.store.save_destination(&destination).await?;
    Ok(data(OneDestination { destination }))
}

/// Everything that is or was connected.
#[utoipa::path(get, path = "/destinations", operation_id = "listDestinations", tag = "Destinations",
    responses((status = 200, description = "In the order in which they were connected", body = Data<AllDestinations>)))]
pub async fn list(State(context): Shared) -> Reply<AllDestinations> {
    Ok(data(AllDestinations { destinations: context.store.destinations().await? }))
}

/// Everything that can be connected.
#[derive(Serialize, ToSchema)]
pub struct Catalog {
    catalog: Vec<&'static Description>,
}

/// What can be connected: the fields that each vendor takes, its regions, and the best that a task there can end as.
#[utoipa::path(get, path = "/destinations/catalog", operation_id = "listCatalog", tag = "Destinations",
    responses((status = 200, description = "All vendors", body = Data<Catalog>)))]
pub async fn catalog() -> Reply<Catalog> {
    Ok(data(Catalog { catalog: destinations::catalog().collect() }))
}

/// One destination, without its secrets.
#[utoipa::path(get, path = "/destinations/{id}", operation_id = "getDestination", tag = "Destinations",
    params(("id" = DestinationId, Path)),
    responses((status = 200, description = "The destination", body = Data<OneDestination>)))]
pub async fn show(State(context): Shared, Id(id): Id<DestinationId>) -> Reply<OneDestination> {
    Ok(data(OneDestination { destination: find(&context, &id).await? }))
}

/// Changes what is given and nothing else. A change of a setting that the catalogue marks as `directsSecrets` needs the
/// secrets again. New secrets take effect within a minute.
#[utoipa::path(patch, path = "/destinations/{id}", operation_id = "changeDestination", tag = "Destinations",
    params(("id" = DestinationId, Path)), request_body = DestinationChange,
    responses((status = 200, description = "As it is now", body = Data<OneDestination>)))]
pub async fn change(
    State(context): Shared,
    caller: Caller,
    Id(id): Id<DestinationId>,
    Body(request): Body<DestinationChange>,
) -> Reply<OneDestination> {
    let before = find(&context, &id).await?;
    let mut destination = before.clone();
    let secrets = request.apply(&mut destination, context.any_endpoint, Timestamp::now())?;
    may_set_guard(&caller, Some(&before), &destination)?;
    has_room_for(&context, &destination).await?;
    // The secrets first: if the change stops in between, new ones go to the old place, never old ones to the new.
    if let Some(secrets) = secrets {
        context.secrets.replace(&destination, &secrets).await?;
    }
    if !context.store.change_destination(&before, &destination).await? {
        let message = "somebody else changed this destination meanwhile: read it and try again";
        return Err(Failure::invalid(message).into());
    }
    Ok(data(OneDestination { destination }))
}

/// Disables a destination: regulations no longer reach it. It is kept, with the times at which they did, since it
/// must be possible to say who received somebody's data.
#[utoipa::path(delete, path = "/destinations/{id}", operation_id = "disableDestination", tag = "Destinations",
    params(("id" = DestinationId, Path)),
    responses((status = 200, description = "As it is now", body = Data<OneDestination>)))]
pub async fn disable(State(context): Shared, Id(id): Id<DestinationId>) -> Reply<OneDestination> {
    // Nobody's change of something else keeps a destination enabled that is to be disabled.
    for _ in 0..DISABLE_TRIES {
        let before = find(&context, &id).await?;
        let mut destination = before.clone();
        destination.disable(Timestamp::now());
        if context.store.change_destination(&before, &destination).await? {
            return Ok(data(OneDestination { destination }));
        }
    }
    Err(Failure::transient("this destination is being changed all the time: try again").into())
}

/// Proves that a destination can be reached and takes the credentials, by a call that changes nothing. It is made by
/// the function that does the work.
#[utoipa::path(post, path = "/destinations/{id}/check", operation_id = "checkDestination", tag = "Destinations",
    params(("id" = DestinationId, Path)),
    responses((status = 200, description = "What was found, good or bad", body = Data<Finding>)))]
pub async fn check(State(context): Shared, Id(id): Id<DestinationId>) -> Reply<Finding> {
    let kind = find(&context, &id).await?.kind;
    Ok(data(context.workers.ask(kind, &Probe::Check { destination_id: id }).await?))
}

/// Proves the same of a destination that is not connected, and connects nothing: neither it nor its secrets are kept. The
/// call alone is recorded.
#[utoipa::path(post, path = "/destinations/check", operation_id = "checkDraft", tag = "Destinations",
    request_body = NewDestination,
    responses((status = 200, description = "What was found, good or bad", body = Data<Finding>)))]
pub async fn check_draft(
    State(context): Shared,
    caller: Caller,
    Body(request): Body<NewDestination>,
) -> Reply<Finding> {
    let (destination, secrets) = request.accept(context.any_endpoint, Timestamp::now())?;
    may_set_guard(&caller, None, &destination)?;
    let kind = destination.kind;
    Ok(data(context.workers.ask(kind, &Probe::Draft { destination, secrets }).await?))
}

/// Checks that a run over an archive is not let remove more unconfirmed than it could, but by an administrator, who could
/// confirm it.
fn may_set_guard(caller: &Caller, before: Option<&Destination>, after: &Destination) -> Result<(), ApiError> {
    if after.kind != DestinationKind::Archive || caller.has(Scope::Admin) {
        return Ok(());
    }
    let share = |archive: &Destination| Ok::<_, Failure>(archive.settings::<Settings>()?.max_share.0);
    let most = before.map(share).transpose()?.unwrap_or_default().max(Share::default().0);
    if share(after)? > most {
        return Err(forbidden("only a token with the scope admin may raise maxShare above this")
            .field("settings.maxShare"));
    }
    Ok(())
}

/// Checks that one more destination may be enabled, since each regulation must be able to reach all of them.
async fn has_room_for(context: &Context, destination: &Destination) -> Result<(), ApiError> {
    let enabled = |one: &&Destination| one.enabled_until.is_none();
    let all = context.store.destinations().await?;
    let others = all.iter().filter(|one| one.id != destination.id).filter(enabled).count();
    if enabled(&destination) && others >= MAX_CONNECTED {
        let message =
            format!("{MAX_CONNECTED} destinations are enabled, which is the most: disable one first");
        return Err(Failure::invalid(message).into());
    }
    Ok(())
}

pub async fn find(context: &Context, id: &DestinationId) -> Result<Destination, ApiError> {
    let found = context.store.find_destination(id).await?;
    found.ok_or_else(|| ApiError::not_found("there is no such destination"))
}
