//! Works through one batch of a purge run: looks for the subjects in archive objects, removes them, looks again.

mod handler;

use std::thread::available_parallelism;

use lambda_runtime::Error;
use shared::archive::client;
use shared::archive::workspace::Workspace;
use shared::{aws, settings, telemetry};

use handler::Context;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let s3 = client(&aws::config().await);
    let context = Context {
        workspace: Workspace::new(s3.clone(), settings::required("LETHE_BUCKET")?),
        s3,
        cores: available_parallelism().map_or(1, usize::from),
    };
    telemetry::run(|request, until| handler::purge(&context, request, until)).await
}
