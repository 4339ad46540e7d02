//! Takes one step at a cloud destination: asks the vendor to delete, or for the progress of the deletion.

mod handler;

use aws::secrets::SecretStore;
use forward::engine::Engine;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use store::Store;

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let store = Store::from_env(&config);
    let any_endpoint = environment::any_endpoint()?;
    let context = Context {
        engine: Engine::new(Some(store.clone()), any_endpoint)?,
        any_endpoint,
        store,
        secrets: SecretStore::from_env(&config),
        retry_window: environment::seconds("RETRY_WINDOW")?,
    };
    telemetry::run(|event, until| handler::handle(&context, event, until)).await
}
