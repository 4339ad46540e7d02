//! `/tokens`: makes, lists and revokes API tokens.

use axum::extract::State;
use jiff::Timestamp;
use model::failure::Failure;
use model::id::{RegulationId, TokenId};
use model::token::{NewToken, Scope, Token};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Shared;
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id};

/// A token as it is shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TokenShown {
    id: TokenId,
    name: String,
    scopes: Vec<Scope>,
    request_only: bool,
    /// The regulation that a request-only token made.
    #[serde(skip_serializing_if = "Option::is_none")]
    regulation_id: Option<RegulationId>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// To within a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

impl From<Token> for TokenShown {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            request_only: token.request_only,
            regulation_id: token.regulation_id,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub struct TokenCreated {
    token: TokenShown,
    /// What its holder sends as `Authorization: Bearer`. It is shown this once; a repeated request with the same
    /// `Idempotency-Key` is answered without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// All tokens.
#[derive(Serialize, ToSchema)]
pub struct AllTokens {
    tokens: Vec<TokenShown>,
}

/// One token.
#[derive(Serialize, ToSchema)]
pub struct OneToken {
    token: TokenShown,
}

/// Makes a token. Its secret is shown once.
#[utoipa::path(post, path = "/tokens", operation_id = "createToken", tag = "Tokens", request_body = NewToken,
    responses((status = 200, description = "The token, with its secret", body = Data<TokenCreated>)))]
pub async fn create(State(context): Shared, Body(request): Body<NewToken>) -> Reply<TokenCreated> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| Failure::transient("there is no randomness"))?;
    let (token, secret) = request.accept(random, Timestamp::now())?;
    context.store.save_token(&token).await?;
    Ok(data(TokenCreated { token: token.into(), secret: Some(secret) }))
}

/// All tokens, the newest first, revoked and expired ones too.
#[utoipa::path(get, path = "/tokens", operation_id = "listTokens", tag = "Tokens",
    responses((status = 200, description = "All of them", body = Data<AllTokens>)))]
pub async fn list(State(context): Shared) -> Reply<AllTokens> {
    let tokens = context.store.tokens().await?.into_iter().map(TokenShown::from).collect();
    Ok(data(AllTokens { tokens }))
}

/// Revokes a token: it is refused from the next request on. Harmless when it is revoked already.
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revokeToken", tag = "Tokens",
    params(("id" = TokenId, Path)),
    responses((status = 200, description = "It has ended", body = Data<OneToken>)))]
pub async fn revoke(State(context): Shared, Id(id): Id<TokenId>) -> Reply<OneToken> {
    context.store.revoke_token(&id, Timestamp::now()).await?;
    let token = context.store.token(&id).await?;
    let token = token.ok_or_else(|| ApiError::not_found("there is no such token"))?;
    Ok(data(OneToken { token: token.into() }))
}
