//! Sends events on to the tracking APIs that stand behind Lethe.

mod delivery;
mod handler;
mod upstream;

use aws::retry_queue::RetryQueue;
use aws::secrets::SecretStore;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use store::Store;

use handler::Context;
use upstream::Sender;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context {
        store: Store::from_env(&config),
        sender: Sender::new(SecretStore::from_env(&config), environment::any_endpoint()?)?,
        queue: RetryQueue::from_env(&config, "UPSTREAM_QUEUE", "UPSTREAM_DEAD_LETTERS")?,
    };
    telemetry::run(|event, until| handler::relay(&context, event, until)).await
}
