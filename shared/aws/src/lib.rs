//! The AWS services that are neither a table nor an archive, and what all AWS clients have in common.
//!
//! 1. [`workflow`] starts executions and answers their task tokens, [`invoke`] calls a function, and two modules speak
//!    SQS: [`event_queue`] and [`retry_queue`].
//! 2. [`secrets`] reads and writes secrets and the pseudonyms' key; [`signing`] signs certificates with KMS.
//! 3. [`bucket`] keeps files in Lethe's own bucket and certificates in the audit bucket.

pub mod bucket;
pub mod event_queue;
pub mod invoke;
pub mod retry_queue;
pub mod secrets;
pub mod signing;
pub mod workflow;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use model::failure::Failure;

/// Region, credentials and endpoint from the environment, with retries for throttling and transient faults.
pub async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(5))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .read_timeout(Duration::from_secs(60))
                .build(),
        )
        .load()
        .await
}

/// A failed call, described by its error code alone: an AWS message may quote keys and values.
///
/// The client's retries are used up when this is reached. A refusal by AWS is `Permanent`, all else `Transient`.
pub fn failure<E>(service: &str, error: &E) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error,
{
    match error.code() {
        Some(
            code @ ("AccessDenied" | "AccessDeniedException" | "ValidationException" | "InvalidRequest"),
        ) => Failure::permanent(format!("{service} refused the call ({code})")),
        Some(code) => Failure::transient(format!("{service} failed ({code})")),
        None => Failure::transient(format!("{service} cannot be reached")),
    }
}
