//! `/destinations`: what is connected.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::destination::{Destination, NewDestination};
use utoipa::ToSchema;

use crate::context::Shared;
use crate::error::{Data, Reply, data};
use crate::request::Body;

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
pub async fn create(State(context): Shared, Body(request): Body<NewDestination>) -> Reply<OneDestination> {
    let (destination, secrets) = request.accept(context.any_endpoint, Timestamp::now())?;
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
