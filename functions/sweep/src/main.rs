//! Opens, guards and closes purge runs: which objects, in which batches, and what came of it for whom.

mod abort;
mod close;
mod context;
mod guard;
mod handler;
mod looks;
mod nudge;
mod open;
mod report;
mod run;
mod tally;

use lambda_runtime::Error;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::secrets::SecretStore;
use shared::store::Store;
use shared::workflow::Workflow;
use shared::{aws, settings, telemetry};

use context::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let s3 = client(&config);
    let context = Context {
        store: Store::from_env(&config),
        workflow: Workflow::new(&config),
        pseudonyms: SecretStore::from_env(&config).pseudonym_key().await?,
        workspace: Workspace::new(s3.clone(), settings::required("LETHE_BUCKET")?),
        s3,
        purge_delay: settings::seconds("PURGE_DELAY")?,
        batch_objects: settings::count("BATCH_OBJECTS")?,
    };
    telemetry::run(|request, _| handler::sweep(&context, request)).await
}
