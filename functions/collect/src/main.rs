//! Segment's tracking API. Events of suppressed people are dropped here.

mod handler;
mod ingest;
mod request;

use std::sync::Arc;

use aws::event_queue::EventQueue;
use lambda::{environment, telemetry};
use lambda_http::Error;
use store::Store;

use ingest::Ingest;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let queue = EventQueue::new(&config, environment::required("EVENTS_QUEUE")?);
    let upstream = EventQueue::new(&config, environment::required("UPSTREAM_QUEUE")?);
    let ingest = Ingest::new(Store::from_env(&config), queue, upstream);
    lambda_http::run(handler::router(Arc::new(ingest))).await
}
