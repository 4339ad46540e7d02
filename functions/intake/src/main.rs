//! Serves the HTTP API behind API Gateway.

use std::sync::Arc;

use intake::{Context, router};
use lambda_http::Error;
use shared::{aws, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let context = Context::from_env(&aws::config().await)?;
    lambda_http::run(router(Arc::new(context))).await
}
