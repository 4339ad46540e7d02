//! How a function runs: logs as JSON lines, and a failure's kind as the error name that the state machine sees.

use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing_subscriber::EnvFilter;

use model::failure::{Failure, Result};

/// The crates that all functions share and that log.
const ROOMS: &[&str] = &["app", "archive", "aws", "store", "warehouses"];

/// Sends the logs of the function's own crate and of the shared ones to standard output as JSON lines; `LOG_LEVEL`
/// sets how many (default `info`). Libraries only warn, whatever the level: they may quote requests.
pub fn init(function: &str) {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let ours: String = ROOMS.iter().map(|room| format!(",{room}={level}")).collect();
    let filter = EnvFilter::try_new(format!("warn,{function}={level}{ours}")).unwrap_or_default();
    tracing_subscriber::fmt().json().with_env_filter(filter).with_current_span(false).init();
}

/// How long before a function's timeout its step should stop and save what it did.
const MARGIN: Duration = Duration::from_secs(20);

/// Runs a state machine's step: each event is handed to `step` with the time by which it should be done; a
/// failure is logged and reported by its kind.
///
/// # Errors
/// The runtime's own, if it cannot reach Lambda.
pub async fn run<I, O, F>(step: impl Fn(I, Instant) -> F) -> std::result::Result<(), Error>
where
    I: DeserializeOwned,
    O: Serialize,
    F: Future<Output = Result<O>>,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<I>| {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let reply = step(event.payload, Instant::now() + left.saturating_sub(MARGIN).max(left / 2));
        async { reply.await.map_err(report) }
    }))
    .await
}

fn report(failure: Failure) -> Diagnostic {
    tracing::error!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
    Diagnostic { error_type: failure.kind.to_string(), error_message: failure.public }
}
