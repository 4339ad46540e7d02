//! What all batches share, made once at cold start.

use std::thread::available_parallelism;
use std::time::Duration;

use aws::bucket::Bucket;
use aws::bucket::client;
use aws::secrets::SecretStore;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use engine::filter::IndexKey;
use lambda::environment;
use model::failure::Result;
use store::Store;

/// What an invocation uses, made once at cold start.
pub struct Context {
    /// The tables.
    pub store: Store,
    /// Lethe's own bucket.
    pub files: Bucket,
    /// The key of the filters.
    pub index_key: IndexKey,
    /// The archives.
    pub s3: Client,
    /// How many objects are worked on at once.
    pub cores: usize,
    /// How long an invocation works before it leaves the rest to the next.
    pub slice: Duration,
}

impl Context {
    /// Makes the context from the environment.
    ///
    /// # Errors
    /// `Permanent`, if a variable is missing; `Transient`, if the secret cannot be read.
    pub async fn from_env(config: &SdkConfig) -> Result<Self> {
        let s3 = client(config);
        let secret =
            SecretStore::from_env(config).text(&environment::required("PSEUDONYM_KEY_SECRET")?).await?;
        Ok(Self {
            store: Store::from_env(config),
            files: Bucket::new(s3.clone(), environment::required("LETHE_BUCKET")?),
            index_key: IndexKey::new(secret.as_bytes()),
            s3,
            cores: available_parallelism().map_or(1, usize::from),
            slice: environment::seconds("SLICE_SECONDS")?.unsigned_abs(),
        })
    }
}
