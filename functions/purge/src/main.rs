//! Works through one batch of a purge run: looks for the subjects in archive objects, removes them, looks again. Or
//! only looks at an archive.

mod handler;
mod probe;
mod record;

use std::thread::available_parallelism;

use lambda_runtime::Error;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::index::IndexKey;
use shared::secrets::SecretStore;
use shared::store::Store;
use shared::{aws, settings, telemetry};

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let s3 = client(&config);
    let secret = SecretStore::from_env(&config).text(&settings::required("PSEUDONYM_KEY_SECRET")?).await?;
    let context = Context {
        store: Store::from_env(&config),
        workspace: Workspace::new(s3.clone(), settings::required("LETHE_BUCKET")?),
        index_key: IndexKey::new(secret.as_bytes()),
        s3,
        slice: settings::seconds("SLICE_SECONDS")?.unsigned_abs(),
        cores: available_parallelism().map_or(1, usize::from),
    };
    telemetry::run(|event, until| handler::handle(&context, event, until)).await
}
