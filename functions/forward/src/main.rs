//! Moves one cloud destination one step further: asks the vendor to delete, or how far it is.

mod handler;

use lambda_runtime::Error;
use shared::destination::engine::Engine;
use shared::secrets::SecretStore;
use shared::store::Store;
use shared::{aws, settings, telemetry};

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let store = Store::from_env(&config);
    let context = Context {
        engine: Engine::new(Some(store.clone()))?,
        store,
        secrets: SecretStore::from_env(&config),
        retry_window: settings::seconds("RETRY_WINDOW")?,
    };
    telemetry::run(|event, until| handler::handle(&context, event, until)).await
}
