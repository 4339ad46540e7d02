//! The web page. It speaks the public API only; this function serves its files.

mod handler;
mod page;

use lambda_http::Error;
use shared::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    lambda_http::run(handler::router()).await
}
