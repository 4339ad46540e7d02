//! What every message may use, made once at cold start.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use shared::archive::client;
use shared::batch_queue::BatchQueue;
use shared::failure::Result;
use shared::secrets::SecretStore;
use shared::store::Store;
use shared::subject::PseudonymKey;
use shared::workflow::Workflow;

pub struct Context {
    pub store: Store,
    pub workflow: Workflow,
    pub queue: BatchQueue,
    pub s3: Client,
    pub pseudonyms: PseudonymKey,
}

impl Context {
    /// What the environment names.
    pub async fn from_env(config: &SdkConfig) -> Result<Self> {
        Ok(Self {
            store: Store::from_env(config),
            workflow: Workflow::new(config),
            queue: BatchQueue::from_env(config)?,
            s3: client(config),
            pseudonyms: SecretStore::from_env(config).pseudonym_key().await?,
        })
    }
}
