//! `/sources`: where events come from, the keys that they come in with, and where they go.

use axum::extract::{Path, State};
use jiff::Timestamp;
use serde_json::json;
use shared::id::{DestinationId, WriteKeyId};
use shared::source::{NewSource, Source, SourceChange, SourceView};

use crate::context::{Context, Shared};
use crate::error::{ApiError, Reply, data};
use crate::request::Body;

/// Makes a source. Its first write key is shown this once.
pub async fn create(State(context): Shared, Body(request): Body<NewSource>) -> Reply {
    let (source, key) = request.accept(&connectable(&context).await?, Timestamp::now())?;
    context.store.create_source(&source).await?;
    Ok(data(json!({ "source": SourceView::from(&source), "writeKey": key })))
}

/// All sources, deleted ones too: they say where old events went.
pub async fn list(State(context): Shared) -> Reply {
    let sources = context.store.sources().await?;
    let shown: Vec<_> = sources.iter().map(SourceView::from).collect();
    Ok(data(json!({ "sources": shown })))
}

/// A source.
pub async fn show(State(context): Shared, Path(id): Path<String>) -> Reply {
    Ok(shown(&find(&context, &id).await?))
}

/// Renames a source, or says anew where its events go and went.
pub async fn change(
    State(context): Shared,
    Path(id): Path<String>,
    Body(request): Body<SourceChange>,
) -> Reply {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    request.apply(&mut after, &known(&context, &before).await?, Timestamp::now())?;
    Ok(shown(&context.store.change_source(&before, after).await?))
}

/// Deletes a source: its keys are refused from now on, its past is kept.
pub async fn delete(State(context): Shared, Path(id): Path<String>) -> Reply {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    after.delete(Timestamp::now());
    Ok(shown(&context.store.change_source(&before, after).await?))
}

/// Adds a write key, which is shown this once. The others stay, so that keys can be rotated.
pub async fn add_key(State(context): Shared, Path(id): Path<String>) -> Reply {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    let (id, key) = after.add_key(Timestamp::now())?;
    let source = context.store.change_source(&before, after).await?;
    Ok(data(json!({ "source": SourceView::from(&source), "writeKeyId": id, "writeKey": key })))
}

/// Removes a write key: events that come with it are refused.
pub async fn remove_key(State(context): Shared, Path((id, key)): Path<(String, String)>) -> Reply {
    let before = find(&context, &id).await?;
    let key: Option<WriteKeyId> = key.parse().ok();
    let mut after = before.clone();
    after.write_keys.retain(|kept| Some(&kept.id) != key.as_ref());
    if after.write_keys.len() == before.write_keys.len() {
        return Err(ApiError::not_found("the source has no such write key"));
    }
    Ok(shown(&context.store.change_source(&before, after).await?))
}

fn shown(source: &Source) -> axum::Json<serde_json::Value> {
    data(json!({ "source": SourceView::from(source) }))
}

async fn find(context: &Context, id: &str) -> Result<Source, ApiError> {
    let unknown = || ApiError::not_found("there is no such source");
    let id = id.parse().map_err(|_| unknown())?;
    context.store.source(&id).await?.ok_or_else(unknown)
}

/// The destinations that a new source may be connected to: those that are still there.
async fn connectable(context: &Context) -> Result<Vec<DestinationId>, ApiError> {
    let destinations = context.store.destinations().await?;
    Ok(destinations.into_iter().filter(|d| d.enabled_until.is_none()).map(|d| d.id).collect())
}

/// All destinations that are or were there, and those that the source knew.
async fn known(context: &Context, source: &Source) -> Result<Vec<DestinationId>, ApiError> {
    let destinations = context.store.destinations().await?.into_iter().map(|d| d.id);
    Ok(destinations.chain(source.connections.iter().map(|c| c.destination_id.clone())).collect())
}
