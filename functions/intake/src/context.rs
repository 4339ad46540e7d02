//! What every request may use, made once at cold start.

use std::sync::Arc;

use axum::extract::State;
use shared::archive::workspace::Workspace;
use shared::secrets::SecretStore;
use shared::signing::Signer;
use shared::store::Store;
use shared::workflow::Workflow;

use crate::token::Token;

pub struct Context {
    pub store: Store,
    pub secrets: SecretStore,
    pub token: Token,
    pub workflow: Workflow,
    pub signer: Signer,
    pub certificates: Workspace,
    pub workspace: Workspace,
    pub workspace_id: String,
    pub any_endpoint: bool,
}

pub type Shared = State<Arc<Context>>;
