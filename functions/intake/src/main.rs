//! The HTTP API: regulations, suppressions, destinations, certificates. Compatible with Segment's Public API.

mod auth;
mod context;
mod destinations;
mod error;
mod handler;
mod regulations;
mod request;
mod runs;
mod sources;
mod suppressions;
mod token;

use std::sync::Arc;

use lambda_http::Error;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::secrets::SecretStore;
use shared::signing::Signer;
use shared::store::Store;
use shared::workflow::Workflow;
use shared::{aws, settings, telemetry};

use context::Context;
use token::Token;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let secrets = SecretStore::from_env(&config);
    let s3 = client(&config);
    let context = Context {
        store: Store::from_env(&config),
        token: Token::new(secrets.clone(), settings::required("ADMIN_TOKEN_SECRET")?),
        secrets,
        workflow: Workflow::new(&config),
        signer: Signer::new(&config),
        certificates: Workspace::new(s3.clone(), settings::required("AUDIT_BUCKET")?),
        workspace: Workspace::new(s3, settings::required("LETHE_BUCKET")?),
        workspace_id: settings::required("WORKSPACE_ID")?,
        any_endpoint: settings::required("DESTINATION_ENDPOINTS")? == "any",
    };
    lambda_http::run(handler::router(Arc::new(context))).await
}
