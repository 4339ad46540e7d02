//! Serves the HTTP API behind API Gateway.

use std::sync::Arc;

use intake::{Context, router};
use lambda::telemetry;
use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let context = Context::from_env(&aws::config().await)?;
    lambda_http::run(router(Arc::new(context))).await
}
