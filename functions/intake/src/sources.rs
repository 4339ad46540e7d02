//! `/sources`: where events come from, their write keys, and where they go.

use axum::extract::{Path, State};
use jiff::Timestamp;
use model::id::{DestinationId, WriteKeyId};
use model::source::{NewSource, Source, SourceChange, SourceId, SourceView, WriteKey};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id};

/// One source.
#[derive(Serialize, ToSchema)]
pub struct OneSource {
    source: SourceView,
}

/// All sources.
#[derive(Serialize, ToSchema)]
pub struct AllSources {
    sources: Vec<SourceView>,
}

/// A source, and a write key that it got.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceWithKey {
    source: SourceView,
    write_key_id: WriteKeyId,
    /// The write key, shown this once.
    write_key: WriteKey,
}

/// Makes a source. Its first write key is shown this once.
#[utoipa::path(post, path = "/sources", operation_id = "createSource", tag = "Sources", request_body = NewSource,
    responses((status = 200, description = "It is there", body = Data<SourceWithKey>)))]
pub async fn create(State(context): Shared, Body(request): Body<NewSource>) -> Reply<SourceWithKey> {
    let (source, write_key_id, write_key) =
        request.accept(&connectable(&context).await?, Timestamp::now())?;
    context.store.create_source(&source).await?;
    Ok(data(SourceWithKey { source: source.into(), write_key_id, write_key }))
}

/// All sources, deleted ones too: they say where old events went.
#[utoipa::path(get, path = "/sources", operation_id = "listSources", tag = "Sources",
    responses((status = 200, description = "By their ids", body = Data<AllSources>)))]
pub async fn list(State(context): Shared) -> Reply<AllSources> {
    let sources = context.store.sources().await?.into_iter().map(SourceView::from).collect();
    Ok(data(AllSources { sources }))
}

/// A source.
#[utoipa::path(get, path = "/sources/{id}", operation_id = "getSource", tag = "Sources",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "The source", body = Data<OneSource>)))]
pub async fn show(State(context): Shared, Id(id): Id<SourceId>) -> Reply<OneSource> {
    Ok(one(find(&context, &id).await?))
}

/// Renames a source, or says anew where its events go and went.
#[utoipa::path(patch, path = "/sources/{id}", operation_id = "changeSource", tag = "Sources",
    params(("id" = SourceId, Path)), request_body = SourceChange,
    responses((status = 200, description = "The source as it is now", body = Data<OneSource>)))]
pub async fn change(
    State(context): Shared,
    Id(id): Id<SourceId>,
    Body(request): Body<SourceChange>,
) -> Reply<OneSource> {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    request.apply(&mut after, &known(&context, &before).await?, Timestamp::now())?;
    Ok(one(context.store.change_source(&before, after).await?))
}

/// Deletes a source: its keys are refused from now on, its past is kept.
#[utoipa::path(delete, path = "/sources/{id}", operation_id = "deleteSource", tag = "Sources",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "It collects nothing any more", body = Data<OneSource>)))]
pub async fn delete(State(context): Shared, Id(id): Id<SourceId>) -> Reply<OneSource> {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    after.delete(Timestamp::now());
    Ok(one(context.store.change_source(&before, after).await?))
}

/// Adds a write key, which is shown this once. The others stay, so that keys can be rotated.
#[utoipa::path(post, path = "/sources/{id}/write-keys", operation_id = "createWriteKey", tag = "Sources",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "It may be used", body = Data<SourceWithKey>)))]
pub async fn add_key(State(context): Shared, Id(id): Id<SourceId>) -> Reply<SourceWithKey> {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    let (write_key_id, write_key) = after.add_key(Timestamp::now())?;
    let source = context.store.change_source(&before, after).await?;
    Ok(data(SourceWithKey { source: source.into(), write_key_id, write_key }))
}

/// Removes a write key: events that come with it are refused.
#[utoipa::path(delete, path = "/sources/{id}/write-keys/{writeKeyId}", operation_id = "deleteWriteKey",
    tag = "Sources", params(("id" = SourceId, Path), ("writeKeyId" = WriteKeyId, Path)),
    responses((status = 200, description = "It is refused", body = Data<OneSource>)))]
pub async fn remove_key(State(context): Shared, Path((id, key)): Path<(String, String)>) -> Reply<OneSource> {
    let id = id.parse().map_err(|_| unknown())?;
    let before = find(&context, &id).await?;
    let key: Option<WriteKeyId> = key.parse().ok();
    let mut after = before.clone();
    after.write_keys.retain(|kept| Some(&kept.id) != key.as_ref());
    if after.write_keys.len() == before.write_keys.len() {
        return Err(ApiError::not_found("the source has no such write key"));
    }
    Ok(one(context.store.change_source(&before, after).await?))
}

pub fn one(source: Source) -> axum::Json<Data<OneSource>> {
    data(OneSource { source: source.into() })
}

pub async fn find(context: &Context, id: &SourceId) -> Result<Source, ApiError> {
    context.store.source(id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such source")
}

/// The destinations that a new source may be connected to: those that are enabled.
async fn connectable(context: &Context) -> Result<Vec<DestinationId>, ApiError> {
    let destinations = context.store.destinations().await?;
    Ok(destinations.into_iter().filter(|d| d.enabled_until.is_none()).map(|d| d.id).collect())
}

/// All destinations, disabled ones included, and those that the source knew.
async fn known(context: &Context, source: &Source) -> Result<Vec<DestinationId>, ApiError> {
    let destinations = context.store.destinations().await?.into_iter().map(|d| d.id);
    Ok(destinations.chain(source.connections.iter().map(|c| c.destination_id.clone())).collect())
}
