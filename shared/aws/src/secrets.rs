//! Secrets Manager: the secrets of destinations, the pseudonym key, the admin token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

use serde_json::{Map, Value};

use destinations::secrets_go_to;
use lambda::environment;
use model::destination::{Destination, Secrets};
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::subject::PseudonymKey;

/// How long a destination's secrets are used before they are read again, so that new ones take effect.
const FRESH: Duration = Duration::from_secs(60);

/// The field, beside a destination's secrets, that says where they were meant to go. Two concurrent changes may store
/// the secrets of one with the settings of the other; such secrets are not used.
const GIVEN_FOR: &str = "$givenFor";

/// Secrets Manager's code for a secret that is not there.
const MISSING: &str = "ResourceNotFoundException";

/// Reads and writes secrets.
#[derive(Debug, Clone)]
pub struct SecretStore {
    client: Client,
    prefix: String,
    kept: Arc<Mutex<HashMap<DestinationId, Kept>>>,
}

/// Secrets as read, and the settings they were read for: they are not used with others.
#[derive(Debug)]
struct Kept {
    since: Instant,
    settings: Map<String, Value>,
    secrets: Secrets,
}

impl SecretStore {
    /// Secrets under the prefix that the environment gives (`SECRET_PREFIX`).
    pub fn from_env(config: &SdkConfig) -> Self {
        let prefix = environment::required("SECRET_PREFIX").unwrap_or_default();
        Self { client: Client::new(config), prefix, kept: Arc::default() }
    }

    /// The text of a secret.
    ///
    /// # Errors
    /// `Transient`, if Secrets Manager throttles or cannot be reached; `Permanent`, if it refuses the call or has no
    /// such secret.
    pub async fn text(&self, name: &str) -> Result<String> {
        let reply = self.client.get_secret_value().secret_id(name).send().await.map_err(|e| failure(&e))?;
        reply.secret_string.ok_or_else(|| Failure::permanent("a secret is binary where text is expected"))
    }

    /// The key of all pseudonyms, from the secret that the environment names (`PSEUDONYM_KEY_SECRET`).
    ///
    /// # Errors
    /// Those of [`SecretStore::text`].
    pub async fn pseudonym_key(&self) -> Result<PseudonymKey> {
        let key = self.text(&environment::required("PSEUDONYM_KEY_SECRET")?).await?;
        Ok(PseudonymKey::new(key.as_bytes()))
    }

    /// The secrets of a destination, at most a minute old and read for the same settings.
    ///
    /// # Errors
    /// Those of [`SecretStore::text`].
    pub async fn of(&self, destination: &Destination) -> Result<Secrets> {
        match self.kept(destination) {
            Some(secrets) => Ok(secrets),
            None => self.fresh(destination).await,
        }
    }

    fn kept(&self, destination: &Destination) -> Option<Secrets> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&destination.id)?;
        let usable = found.since.elapsed() < FRESH && found.settings == destination.settings;
        usable.then(|| found.secrets.clone())
    }

    /// The current secrets of a destination.
    ///
    /// # Errors
    /// Those of [`SecretStore::text`].
    pub async fn fresh(&self, destination: &Destination) -> Result<Secrets> {
        let json = self.text(&self.name(destination)).await?;
        let mut secrets: Secrets = serde_json::from_str(&json).map_err(|_| {
            Failure::permanent(format!("the secrets of {} are damaged: set them again", destination.name))
        })?;
        let given_for = secrets.0.remove(GIVEN_FOR);
        if given_for.is_some_and(|given_for| given_for != secrets_go_to(destination)) {
            return Err(Failure::permanent(format!(
                "the secrets of {} were given for other settings: set them again",
                destination.name
            )));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, settings) = (Instant::now(), destination.settings.clone());
        kept.insert(destination.id.clone(), Kept { since, settings, secrets: secrets.clone() });
        Ok(secrets)
    }

    /// Stores the secrets of a new destination.
    ///
    /// # Errors
    /// `Transient`, if Secrets Manager throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save(&self, destination: &Destination, secrets: &Secrets) -> Result<()> {
        let request = self.client.create_secret().name(self.name(destination));
        request.secret_string(json(destination, secrets)?).send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    /// Replaces the secrets of a destination, or stores them anew if they were forgotten.
    ///
    /// # Errors
    /// `Transient`, if Secrets Manager throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn replace(&self, destination: &Destination, secrets: &Secrets) -> Result<()> {
        let request = self.client.put_secret_value().secret_id(self.name(destination));
        match request.secret_string(json(destination, secrets)?).send().await {
            Err(error) if error.code() == Some(MISSING) => self.save(destination, secrets).await,
            Err(error) => Err(failure(&error)),
            Ok(_) => Ok(()),
        }
    }

    /// Deletes the secrets of a destination for good. No effect, if there are none.
    ///
    /// # Errors
    /// `Transient`, if Secrets Manager throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn forget(&self, destination: &Destination) -> Result<()> {
        let request = self.client.delete_secret().secret_id(self.name(destination));
        match request.force_delete_without_recovery(true).send().await {
            Err(error) if error.code() == Some(MISSING) => Ok(()),
            Err(error) => Err(failure(&error)),
            Ok(_) => Ok(()),
        }
    }

    /// Stores the secret of a tracking API that stands behind Lethe, which is never changed.
    ///
    /// # Errors
    /// `Transient`, if Secrets Manager throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_upstream(&self, id: &str, secret: &str) -> Result<()> {
        let request = self.client.create_secret().name(self.upstream_name(id)).secret_string(secret);
        request.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    /// The secret of a tracking API that stands behind Lethe.
    ///
    /// # Errors
    /// Those of [`SecretStore::text`].
    pub async fn upstream(&self, id: &str) -> Result<String> {
        self.text(&self.upstream_name(id)).await
    }

    /// Deletes a secret that is used no longer. Secrets Manager keeps it for 30 days.
    ///
    /// # Errors
    /// `Transient`, if Secrets Manager throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn drop_upstream(&self, id: &str) -> Result<()> {
        let request = self.client.delete_secret().secret_id(self.upstream_name(id));
        request.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    fn upstream_name(&self, id: &str) -> String {
        format!("{}/upstreams/{id}", self.prefix)
    }

    fn name(&self, destination: &Destination) -> String {
        format!("{}/destinations/{}", self.prefix, destination.id)
    }
}

fn json(destination: &Destination, secrets: &Secrets) -> Result<String> {
    let mut secrets = secrets.clone();
    secrets.0.insert(GIVEN_FOR.to_owned(), secrets_go_to(destination));
    serde_json::to_string(&secrets).map_err(|_| Failure::permanent("the secrets cannot be stored"))
}

fn failure<E: ProvideErrorMetadata + std::error::Error>(error: &E) -> Failure {
    if error.code() == Some(MISSING) {
        return Failure::permanent("a secret is missing: set the destination's secrets again");
    }
    crate::failure("Secrets Manager", error)
}
