//! Events of a function that works at destinations: steps of the state machine, and probes of a destination by the API.

use std::ops::AsyncFnOnce;
use std::time::Instant;

use model::failure::Result;
use model::probe::{Finding, Probe, TIME_TO_ANSWER};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A probe or a step.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event<Step> {
    /// A probe by the API.
    Probe(Probe),
    /// A step by the state machine.
    Step(Step),
}

/// The reply to a probe or a step.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply<Next> {
    /// What the probe found.
    Finding(Finding),
    /// What the state machine does next.
    Next(Next),
}

/// Takes the step, or answers the probe. An obstacle to a probe is a finding, not an error.
///
/// # Errors
/// The failure of the step.
pub async fn handle<Step, Next>(
    event: Event<Step>,
    until: Instant,
    step: impl AsyncFnOnce(Step, Instant) -> Result<Next>,
    look: impl AsyncFnOnce(Probe, Instant) -> Result<Finding>,
) -> Result<Reply<Next>> {
    match event {
        Event::Step(request) => step(request, until).await.map(Reply::Next),
        Event::Probe(probe) => {
            let looked = look(probe, until.min(Instant::now() + TIME_TO_ANSWER)).await;
            Ok(Reply::Finding(looked.unwrap_or_else(|failure| {
                tracing::warn!(kind = %failure.kind, detail = failure.detail, "{}", failure.public);
                Finding { ok: false, message: failure.public, details: json!({}) }
            })))
        }
    }
}
