//! What every request may use, made once at cold start.

use std::sync::Arc;

use aws_config::SdkConfig;
use axum::extract::State;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::failure::Result;
use shared::secrets::SecretStore;
use shared::settings;
use shared::signing::Signer;
use shared::store::Store;
use shared::workflow::Workflow;

use crate::token::Token;

/// What every request may use.
pub struct Context {
    pub(crate) store: Store,
    pub(crate) secrets: SecretStore,
    pub(crate) token: Token,
    pub(crate) workflow: Workflow,
    pub(crate) signer: Signer,
    pub(crate) certificates: Workspace,
    pub(crate) workspace: Workspace,
    pub(crate) workspace_id: String,
    pub(crate) any_endpoint: bool,
}

pub(crate) type Shared = State<Arc<Context>>;

impl Context {
    /// What the environment names.
    ///
    /// # Errors
    /// `Permanent`, naming a variable that is missing.
    pub fn from_env(config: &SdkConfig) -> Result<Self> {
        let (secrets, s3) = (SecretStore::from_env(config), client(config));
        Ok(Self {
            store: Store::from_env(config),
            token: Token::new(secrets.clone(), settings::required("ADMIN_TOKEN_SECRET")?),
            secrets,
            workflow: Workflow::new(config),
            signer: Signer::new(config),
            certificates: Workspace::new(s3.clone(), settings::required("AUDIT_BUCKET")?),
            workspace: Workspace::new(s3, settings::required("LETHE_BUCKET")?),
            workspace_id: settings::required("WORKSPACE_ID")?,
            any_endpoint: settings::required("DESTINATION_ENDPOINTS")? == "any",
        })
    }
}
