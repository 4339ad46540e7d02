//! The first step of every regulation: changes the suppression list and says what is to be erased where.

mod handler;

use lambda_runtime::Error;
use shared::store::Store;
use shared::{aws, settings, telemetry};

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let context = Context {
        store: Store::from_env(&aws::config().await),
        purge_delay: settings::seconds("PURGE_DELAY")?,
    };
    telemetry::run(|request, _| handler::suppress(&context, request)).await
}
