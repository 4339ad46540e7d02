//! The first step of every regulation: changes the suppression list, notes whom it is about, and says what is to be erased where.

mod handler;

use aws::secrets::SecretStore;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use store::Store;

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context {
        store: Store::from_env(&config),
        secrets: SecretStore::from_env(&config),
        purge_delay: environment::seconds("PURGE_DELAY")?,
    };
    telemetry::run(|request, _| handler::suppress(&context, request)).await
}
