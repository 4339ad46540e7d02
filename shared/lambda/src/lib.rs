//! How a Lambda function runs: its [`environment`] and its logs and errors ([`telemetry`]).

pub mod environment;
pub mod telemetry;
