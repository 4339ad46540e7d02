//! What every Lambda function needs, and all that `console` needs.
//!
//! 1. [`environment`] reads the variables that the template sets.
//! 2. [`telemetry`] writes logs, and turns a failure into the error name that the state machines know.

pub mod environment;
pub mod telemetry;
