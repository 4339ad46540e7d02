//! `/destinations`: what is connected.

use axum::extract::State;
use jiff::Timestamp;
use serde_json::json;
use shared::destination::NewDestination;

use crate::context::Shared;
use crate::error::{Reply, data};
use crate::request::Body;

/// Connects a destination. Its secrets go to Secrets Manager and are never shown again.
pub async fn create(State(context): Shared, Body(request): Body<NewDestination>) -> Reply {
    let (destination, secrets) = request.accept(context.any_endpoint, Timestamp::now())?;
    context.secrets.save(&destination, &secrets).await?;
    context.store.save_destination(&destination).await?;
    Ok(data(json!({ "destination": destination })))
}

/// Everything that is or was connected.
pub async fn list(State(context): Shared) -> Reply {
    Ok(data(json!({ "destinations": context.store.destinations().await? })))
}
