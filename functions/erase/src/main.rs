//! Deletes the subjects' rows in one warehouse and counts them to zero; or only looks at it.

#![recursion_limit = "256"]

use aws::secrets::SecretStore;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use store::Store;
use warehouses::Surroundings;

use erase::{Context, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context {
        store: Store::from_env(&config),
        secrets: SecretStore::from_env(&config),
        surroundings: Surroundings { aws: config, any_endpoint: environment::any_endpoint()? },
        retry_window: environment::seconds("RETRY_WINDOW")?,
    };
    telemetry::run(|event, until| handle(&context, event, until)).await
}
