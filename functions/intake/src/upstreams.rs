//! `/sources/{id}/upstream`: another tracking API that receives what a source lets in.

use axum::extract::State;
use destinations::is_public_url;
use jiff::SignedDuration;
use lambda::clock;
use model::failure::Failure;
use model::source::{NewUpstream, SourceId};

use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply};
use crate::request::{Body, Id};
use crate::sources::{OneSource, find, one};

/// The longest that a call to the API takes.
const CALL: SignedDuration = SignedDuration::from_secs(30);

/// Sends what a source lets in from now on to another tracking API, too; events of suppressed people are never sent. Its
/// secret is given anew with each change.
#[utoipa::path(put, path = "/sources/{id}/upstream", operation_id = "setUpstream", tag = "Sources",
    params(("id" = SourceId, Path)), request_body = NewUpstream,
    responses((status = 200, description = "The source as it is now", body = Data<OneSource>)))]
pub async fn set(
    State(context): Shared,
    Id(id): Id<SourceId>,
    Body(request): Body<NewUpstream>,
) -> Reply<OneSource> {
    let before = find(&context, &id).await?;
    if before.deleted_at.is_some() {
        return Err(Failure::invalid("this source is deleted").into());
    }
    let is_local = context.any_endpoint && request.url.starts_with("http://");
    if !is_local && !is_public_url(&request.url) {
        let message = "url must be an https URL with a public host name, without user or password";
        return Err(Failure::invalid(message).field("url").into());
    }
    let (upstream, secret) = request.accept()?;
    let new = upstream.secret_id.clone();
    // The secret first: events wait for the one that their source names.
    context.secrets.save_upstream(&upstream.secret_id, &secret).await?;
    let mut after = before.clone();
    let former = after.upstream.replace(upstream);
    let changed = context.store.change_source(&before, after).await;
    let unused = if changed.is_ok() { former.map(|former| former.secret_id) } else { Some(new) };
    drop_secret(&context, unused).await;
    Ok(one(changed?))
}

/// Sends nothing more to the other tracking API. What is on its way there is dropped.
#[utoipa::path(delete, path = "/sources/{id}/upstream", operation_id = "removeUpstream", tag = "Sources",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "The source as it is now", body = Data<OneSource>)))]
pub async fn remove(State(context): Shared, Id(id): Id<SourceId>) -> Reply<OneSource> {
    let before = find(&context, &id).await?;
    let mut after = before.clone();
    let Some(former) = after.upstream.take() else {
        return Err(ApiError::not_found("the source has no upstream"));
    };
    // Not before it is written, which may take as long as a call may.
    after.upstream_until = Some(clock::now() + CALL);
    let source = context.store.change_source(&before, after).await?;
    drop_secret(&context, Some(former.secret_id)).await;
    Ok(one(source))
}

/// Deletes a secret that nothing names any more. If this fails, it stays, and harms nobody.
async fn drop_secret(context: &Context, id: Option<String>) {
    let Some(id) = id else { return };
    if let Err(failure) = context.secrets.drop_upstream(&id).await {
        tracing::warn!(%failure, "an upstream's former secret is left");
    }
}
