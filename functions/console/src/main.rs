//! Serves the files of the web page, which speaks the public API only.

mod handler;
mod page;

use lambda::telemetry;
use lambda_http::Error;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    lambda_http::run(handler::router()).await
}
