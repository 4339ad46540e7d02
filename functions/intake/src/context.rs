//! What all requests share, made once at cold start.

use std::sync::Arc;

use aws::bucket::Bucket;
use aws::bucket::client;
use aws::invoke::Workers;
use aws::secrets::SecretStore;
use aws::signing::Signer;
use aws::workflow::Workflow;
use aws_config::SdkConfig;
use axum::extract::State;
use lambda::environment;
use model::failure::Result;
use model::regulation::Law;
use model::subject::PseudonymKey;
use store::Store;
use tokio::sync::OnceCell;

use crate::admin::AdminToken;
use crate::cursor::Cursors;

/// What all requests share.
pub struct Context {
    pub(crate) store: Store,
    pub(crate) secrets: SecretStore,
    pub(crate) admin_token: AdminToken,
    pseudonyms: OnceCell<PseudonymKey>,
    pub(crate) workflow: Workflow,
    pub(crate) workers: Workers,
    pub(crate) signer: Signer,
    pub(crate) certificates: Bucket,
    pub(crate) files: Bucket,
    pub(crate) workspace_id: String,
    pub(crate) any_endpoint: bool,
    /// The law of requests that name none.
    pub(crate) default_law: Law,
    /// How many hours a regulation that erases may be withdrawn before it begins.
    pub(crate) grace_hours: u32,
}

pub(crate) type Shared = State<Arc<Context>>;

impl Context {
    /// Makes the context from the environment.
    ///
    /// # Errors
    /// `Permanent`, naming a variable that is missing.
    pub fn from_env(config: &SdkConfig) -> Result<Self> {
        let (secrets, s3) = (SecretStore::from_env(config), client(config));
        Ok(Self {
            store: Store::from_env(config),
            admin_token: AdminToken::new(secrets.clone(), environment::required("ADMIN_TOKEN_SECRET")?),
            pseudonyms: OnceCell::new(),
            secrets,
            workflow: Workflow::new(config),
            workers: Workers::from_env(config)?,
            signer: Signer::new(config),
            certificates: Bucket::new(s3.clone(), environment::required("AUDIT_BUCKET")?),
            files: Bucket::new(s3, environment::required("LETHE_BUCKET")?),
            workspace_id: environment::required("WORKSPACE_ID")?,
            any_endpoint: environment::any_endpoint()?,
            default_law: Law::by_default(&environment::required("DEFAULT_LAW")?)?,
            grace_hours: environment::hours("GRACE_HOURS")?,
        })
    }

    /// The cursors of the list at a path.
    pub(crate) async fn cursors(&self, list: &str) -> Result<Cursors> {
        Cursors::of(self.pseudonyms().await?, list)
    }

    /// The key of all pseudonyms, read when it is first needed.
    pub(crate) async fn pseudonyms(&self) -> Result<&PseudonymKey> {
        self.pseudonyms.get_or_try_init(|| self.secrets.pseudonym_key()).await
    }
}
