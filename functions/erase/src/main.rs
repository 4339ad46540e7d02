//! Deletes the subjects' rows in one warehouse and counts them to zero; or only looks at it.

mod crew;
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
        aws: config,
        retry_window: settings::seconds("RETRY_WINDOW")?,
    };
    telemetry::run(|event, until| handler::handle(&context, event, until)).await
}
