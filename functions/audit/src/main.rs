//! Seals a regulation: its evidence into a signed certificate; then its identifiers are dropped.

mod handler;

use lambda_runtime::Error;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::secrets::SecretStore;
use shared::signing::Signer;
use shared::store::Store;
use shared::{aws, settings, telemetry};

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context {
        store: Store::from_env(&config),
        secrets: SecretStore::from_env(&config),
        signer: Signer::new(&config),
        certificates: Workspace::new(client(&config), settings::required("AUDIT_BUCKET")?),
    };
    telemetry::run(|request, _| handler::seal(&context, request)).await
}
