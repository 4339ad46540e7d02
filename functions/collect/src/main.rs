//! The door: Segment's tracking API. Events of suppressed subjects end here.

mod door;
mod handler;
mod request;

use std::sync::Arc;

use lambda_http::Error;
use shared::event_queue::EventQueue;
use shared::store::Store;
use shared::{aws, settings, telemetry};

use door::Door;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let queue = EventQueue::new(&config, settings::required("EVENTS_QUEUE")?);
    let door = Door::new(Store::from_env(&config), queue);
    lambda_http::run(handler::router(Arc::new(door))).await
}
