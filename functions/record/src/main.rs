//! Writes accepted events to the archives.

use aws_lambda_events::sqs::SqsEvent;
use lambda::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use store::Store;

use record::{Context, record};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(module_path!());
    let config = aws::config().await;
    let context = Context { store: Store::from_env(&config), s3: aws::bucket::client(&config) };
    let serve = |event: LambdaEvent<SqsEvent>| async { record(&context, event.payload).await };
    lambda_runtime::run(service_fn(serve)).await
}
