//! The first step of every regulation: changes the suppression list, notes whom it is about, and says what is to be erased where.

mod handler;

use lambda_runtime::Error;
use shared::secrets::SecretStore;
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
        purge_delay: settings::seconds("PURGE_DELAY")?,
    };
    telemetry::run(|request, _| handler::suppress(&context, request)).await
}
