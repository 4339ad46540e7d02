//! KMS: signs certificates with a key that never leaves it.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use lambda::environment;
use model::certificate::{Jwk, seal, signing_input};
use model::failure::{Failure, Result};

/// The signing key of an installation (`SIGNING_KEY`).
#[derive(Debug, Clone)]
pub struct Signer {
    client: Client,
    /// Cached, since the public key never changes and reading it should cost no call to KMS.
    key: Arc<OnceCell<Jwk>>,
}

impl Signer {
    /// A client for the key.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), key: Arc::default() }
    }

    /// The public key, read from KMS when it is first needed.
    ///
    /// # Errors
    /// `Transient`, if KMS throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn public_key(&self) -> Result<&Jwk> {
        self.key.get_or_try_init(|| self.read_key()).await
    }

    async fn read_key(&self) -> Result<Jwk> {
        let request = self.client.get_public_key().key_id(environment::required("SIGNING_KEY")?);
        let reply = request.send().await.map_err(|e| crate::failure("KMS", &e))?;
        let der = reply.public_key.ok_or_else(|| Failure::permanent("KMS gave no public key"))?;
        Jwk::from_der(der.as_ref())
    }

    /// Signs claims of this `typ` into a JWS: a certificate or a head of their log.
    ///
    /// # Errors
    /// As [`Signer::public_key`].
    pub async fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String> {
        let input = signing_input(typ, claims, self.public_key().await?)?;
        let request = self
            .client
            .sign()
            .key_id(environment::required("SIGNING_KEY")?)
            .message_type(MessageType::Digest)
            .message(Blob::new(Sha256::digest(&input).to_vec()))
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
        let reply = request.send().await.map_err(|e| crate::failure("KMS", &e))?;
        let der = reply.signature.ok_or_else(|| Failure::permanent("KMS gave no signature"))?;
        seal(&input, der.as_ref())
    }
}
