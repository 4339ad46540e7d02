//! Opens, guards and closes purge runs: their objects and batches, and the outcome for each regulation.

use aws::bucket::Bucket;
use aws::bucket::client;
use aws::secrets::SecretStore;
use aws::workflow::Workflow;
use lambda::{environment, telemetry};
use lambda_runtime::Error;
use store::Store;

use purge_run::{Context, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let s3 = client(&config);
    let context = Context {
        store: Store::from_env(&config),
        workflow: Workflow::new(&config),
        pseudonyms: SecretStore::from_env(&config).pseudonym_key().await?,
        files: Bucket::new(s3.clone(), environment::required("LETHE_BUCKET")?),
        s3,
        purge_delay: environment::seconds("PURGE_DELAY")?,
        record_ends: environment::seconds("RECORD_TIMEOUT")? + environment::seconds("RECORD_MARGIN")?,
        list_slice: environment::seconds("LIST_SECONDS")?.unsigned_abs(),
        batch_objects: environment::count("BATCH_OBJECTS")?,
    };
    telemetry::run(|request, _| handle(&context, request)).await
}
