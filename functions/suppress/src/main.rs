//! The first step of every regulation: changes the suppression list, records the ids that the regulation covers, and
//! returns the destinations to erase from.

use aws::secrets::SecretStore;
use jiff::SignedDuration;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use model::source::UPSTREAM_SECONDS;
use store::Store;

use suppress::{Context, suppress};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context {
        store: Store::from_env(&config),
        secrets: SecretStore::from_env(&config),
        purge_delay: environment::seconds("PURGE_DELAY")?,
        relay_ends: SignedDuration::from_secs(UPSTREAM_SECONDS.into())
            + environment::seconds("CLOCK_MARGIN")?,
    };
    telemetry::run(|request, _| suppress(&context, request)).await
}
