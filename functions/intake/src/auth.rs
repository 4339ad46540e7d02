//! Authenticates callers, and checks what they may do.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use model::id::{RegulationId, TokenId};
use model::regulation::{Regulation, RegulationType, Suppression};
use model::token::{Credential, Scope, Token};

use crate::access::{Effect, Needs};
use crate::context::Context;
use crate::error::ApiError;

/// A token's last use is noted at most this often: each note costs a write.
const LAST_USED: SignedDuration = SignedDuration::from_secs(60);

/// The caller of the API.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The holder of the token made at deployment.
    Admin,
    /// The holder of this token.
    Token(Arc<Token>),
}

/// Authenticates a caller by token. A revoked one is refused from the next request on.
pub async fn authenticate(
    context: &Context,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Caller, ApiError> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(bearer).ok_or_else(ApiError::unauthorized)?;
    let Some(credential) = Credential::parse(given) else {
        let admin = context.admin_token.admits(given).await?;
        return if admin { Ok(Caller::Admin) } else { Err(ApiError::unauthorized()) };
    };
    let token = context.store.token(&credential.id).await?;
    let token =
        token.filter(|token| token.admits(credential.secret, now)).ok_or_else(ApiError::unauthorized)?;
    if token.last_used_at.is_none_or(|last| now.duration_since(last) > LAST_USED) {
        context.store.use_token(&token.id, now).await?;
    }
    Ok(Caller::Token(Arc::new(token)))
}

impl Caller {
    /// The caller's id in the audit trail and in counters.
    pub fn id(&self) -> &str {
        match self {
            Self::Admin => "admin",
            Self::Token(token) => token.id.as_str(),
        }
    }

    /// The name of the caller's token.
    pub fn name(&self) -> &str {
        match self {
            Self::Admin => "admin",
            Self::Token(token) => &token.name,
        }
    }

    /// Checks whether a call to this path may be made at all; its body is checked later.
    pub fn may(&self, needs: Needs, path: &str) -> Result<(), ApiError> {
        match self {
            _ if needs.effect == Effect::TellsItself => Ok(()),
            Self::Token(token) if token.request_only => {
                let is_theirs = |id: &RegulationId| path.split('/').any(|part| part == id.as_str());
                let reads =
                    needs.effect == Effect::ReadsOne && token.regulation_id.as_ref().is_some_and(is_theirs);
                if reads || needs.creates() {
                    return Ok(());
                }
                Err(forbidden("this token may make one regulation and read that one, nothing else"))
            }
            _ if needs.scopes.iter().any(|scope| self.has(*scope)) => Ok(()),
            _ => Err(lacks(needs.scopes)),
        }
    }

    /// The caller's token, if it is request-only.
    pub fn request_only(&self) -> Option<&TokenId> {
        match self {
            Self::Token(token) if token.request_only => Some(&token.id),
            _ => None,
        }
    }

    /// Checks whether the caller may make or change this regulation. One that deletes nothing needs the suppression
    /// list's scope.
    pub fn may_regulate(&self, regulation: &Regulation) -> Result<(), ApiError> {
        let kind = regulation.regulation_type;
        let identifiers = regulation.identifiers.values().sum::<usize>().max(regulation.subject_count);
        if let Self::Token(token) = self
            && token.request_only
        {
            return match kind.suppression() {
                Some(Suppression::Remove) => Err(forbidden("this token may not unsuppress")),
                _ if identifiers != 1 => Err(forbidden("this token may make a regulation about one subject")),
                _ => Ok(()),
            };
        }
        let scope = match kind {
            RegulationType::SuppressOnly | RegulationType::Unsuppress => Scope::SuppressionsWrite,
            _ => Scope::RegulationsCreate,
        };
        if self.has(scope) { Ok(()) } else { Err(lacks(&[scope])) }
    }

    /// Checks whether the caller may be told what this regulation would reach.
    pub fn may_rehearse(&self, regulation: &Regulation) -> Result<(), ApiError> {
        match self {
            Self::Token(token) if token.request_only => Err(forbidden("this token may not count")),
            _ => self.may_regulate(regulation),
        }
    }

    /// Whether the caller holds a scope.
    pub fn has(&self, scope: Scope) -> bool {
        match self {
            Self::Admin => true,
            Self::Token(token) => token.scopes.iter().any(|has| *has == scope || *has == Scope::Admin),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(ApiError::unauthorized)
    }
}

/// The id that an `Idempotency-Key` reserves for the regulation that its request makes.
#[derive(Debug, Clone)]
pub struct Reserved(pub RegulationId);

impl<S: Send + Sync> FromRequestParts<S> for Reserved {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self(RegulationId::new())))
    }
}

/// The token of an `Authorization` header. The case of its scheme does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

pub fn forbidden(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
}

fn lacks(scopes: &[Scope]) -> ApiError {
    let names: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    forbidden(format!("this needs a token with the scope {}", names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_scheme_is_written_in_any_case() {
        for header in ["Bearer t", "bearer t", "BEARER t", "bearer  t"] {
            assert_eq!(bearer(header), Some("t"), "{header}");
        }
        assert_eq!(bearer("Basic t").or(bearer("t")), None);
    }
}
