//! Makes regulations from the messages of the queue: a message lists subjects, or names a file of them.

mod context;
mod delivery;
mod file_end;
mod handler;
mod reading;
mod work;

use lambda::telemetry;
use lambda_runtime::Error;

use context::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let context = Context::from_env(&aws::config().await).await?;
    telemetry::run(|event, until| handler::handle(&context, event, until)).await
}
