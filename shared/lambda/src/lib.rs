//! What every Lambda function needs, and all that `console` needs.
//!
//! 1. [`environment`] reads the variables that the template sets.
//! 2. [`telemetry`] writes logs, and turns a failure into the error name that the state machines know.
//! 3. [`metrics`] reports the figures that the alarms watch.
//! 4. [`clock`] tells the time.

pub mod clock;
pub mod environment;
pub mod metrics;
pub mod telemetry;
