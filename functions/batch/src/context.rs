//! What all messages share, made once at cold start.

use aws::bucket::client;
use aws::retry_queue::RetryQueue;
use aws::secrets::SecretStore;
use aws::workflow::Workflow;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use lambda::environment;
use model::failure::Result;
use model::regulation::Law;
use model::subject::PseudonymKey;
use store::Store;

pub struct Context {
    pub store: Store,
    pub workflow: Workflow,
    pub queue: RetryQueue,
    pub s3: Client,
    /// The name of Lethe's own bucket.
    pub bucket: String,
    pub pseudonyms: PseudonymKey,
    /// The law of messages that name none.
    pub default_law: Law,
    /// How many hours a regulation that erases may be withdrawn before it begins.
    pub grace_hours: u32,
}

impl Context {
    /// Makes the context from the environment.
    pub async fn from_env(config: &SdkConfig) -> Result<Self> {
        Ok(Self {
            store: Store::from_env(config),
            workflow: Workflow::new(config),
            queue: RetryQueue::from_env(config, "BATCH_QUEUE", "BATCH_DEAD_LETTERS")?,
            s3: client(config),
            bucket: environment::required("LETHE_BUCKET")?,
            pseudonyms: SecretStore::from_env(config).pseudonym_key().await?,
            default_law: Law::by_default(&environment::required("DEFAULT_LAW")?)?,
            grace_hours: environment::hours("GRACE_HOURS")?,
        })
    }
}
