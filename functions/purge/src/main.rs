//! Works through one batch of a purge run: looks for the subjects in archive objects, removes them, looks again. Or
//! only looks at an archive.

mod context;
mod handler;
mod probe;
mod record;

use lambda::telemetry;
use lambda_runtime::Error;

use context::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let context = Context::from_env(&aws::config().await).await?;
    telemetry::run(|event, until| handler::handle(&context, event, until)).await
}
