//! Works through one batch of a purge run: looks for the subjects in archive objects, removes them, looks again. Or
//! only looks at an archive.

use lambda::telemetry;
use lambda_runtime::Error;

use purge::{Context, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let context = Context::from_env(&aws::config().await).await?;
    telemetry::run(|event, until| handle(&context, event, until)).await
}
