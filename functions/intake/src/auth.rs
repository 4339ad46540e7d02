//! The bearer token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use shared::failure::Result;
use shared::secrets::SecretStore;
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

use crate::error::ApiError;
use crate::handler::Context;

/// How long a token is used before the secret is read again, so that a rotation takes effect.
const FRESH: Duration = Duration::from_secs(60);

/// The admin token, kept for a short while.
pub struct Token {
    secrets: SecretStore,
    name: String,
    kept: Mutex<Option<(Instant, [u8; 32])>>,
}

impl Token {
    /// The token in the secret of this name.
    pub fn new(secrets: SecretStore, name: String) -> Self {
        Self { secrets, name, kept: Mutex::new(None) }
    }

    /// Hashes are compared, in constant time: neither content nor length of the token shows in the time.
    async fn admits(&self, given: &str) -> Result<bool> {
        let mut kept = self.kept.lock().await;
        let expected = match *kept {
            Some((since, hash)) if since.elapsed() < FRESH => hash,
            _ => {
                let hash = Sha256::digest(self.secrets.text(&self.name).await?).into();
                *kept = Some((Instant::now(), hash));
                hash
            }
        };
        Ok(Sha256::digest(given).as_slice().ct_eq(&expected).into())
    }
}

/// Lets a request on only with the token.
pub async fn require_token(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(ApiError::unauthorized)?;
    if !context.token.admits(given).await? {
        return Err(ApiError::unauthorized());
    }
    Ok(next.run(request).await)
}
