//! What every batch may use, made once at cold start.

use std::thread::available_parallelism;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::failure::Result;
use shared::index::IndexKey;
use shared::secrets::SecretStore;
use shared::settings;
use shared::store::Store;

pub struct Context {
    pub store: Store,
    pub workspace: Workspace,
    pub index_key: IndexKey,
    pub s3: Client,
    pub cores: usize,
    /// How long an invocation works before it leaves the rest to the next.
    pub slice: Duration,
}

impl Context {
    /// What the environment names.
    pub async fn from_env(config: &SdkConfig) -> Result<Self> {
        let s3 = client(config);
        let secret = SecretStore::from_env(config).text(&settings::required("PSEUDONYM_KEY_SECRET")?).await?;
        Ok(Self {
            store: Store::from_env(config),
            workspace: Workspace::new(s3.clone(), settings::required("LETHE_BUCKET")?),
            index_key: IndexKey::new(secret.as_bytes()),
            s3,
            cores: available_parallelism().map_or(1, usize::from),
            slice: settings::seconds("SLICE_SECONDS")?.unsigned_abs(),
        })
    }
}
