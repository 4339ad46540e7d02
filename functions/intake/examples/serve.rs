//! Serves the same API without Lambda, on a port of this machine and with the environment of a deployed stack:
//! `. .local/stack.env; . .local/intake.env; cargo run -p intake --example serve -- 127.0.0.1:8080`.

use std::sync::Arc;

use intake::{Context, router};
use lambda::telemetry;
use lambda_http::Error;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("intake");
    let context = Context::from_env(&aws::config().await)?;
    let address = std::env::args().nth(1).ok_or("say where to listen: serve 127.0.0.1:8080")?;
    axum::serve(TcpListener::bind(address).await?, router(Arc::new(context))).await?;
    Ok(())
}
