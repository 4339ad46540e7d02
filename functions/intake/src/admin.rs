//! The admin token, which is made at deployment and stored in Secrets Manager.

use std::time::{Duration, Instant};

use aws::secrets::SecretStore;
use model::failure::Result;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Mutex;

/// How long a token is used before the secret is read again, so that a rotation takes effect.
const FRESH: Duration = Duration::from_secs(60);

/// The admin token, kept in memory for a short while.
pub struct AdminToken {
    secrets: SecretStore,
    name: String,
    kept: Mutex<Option<(Instant, [u8; 32])>>,
}

impl AdminToken {
    /// The token in the secret of this name.
    pub fn new(secrets: SecretStore, name: String) -> Self {
        Self { secrets, name, kept: Mutex::new(None) }
    }

    /// Whether this is the token. Hashes are compared, in constant time: the time reveals neither content nor length.
    pub async fn admits(&self, given: &str) -> Result<bool> {
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
