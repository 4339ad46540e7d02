//! Takes one step of a task: the frame of `erase` and `forward`.
//!
//! 1. The task and its destination are read. A task that has ended stays as it is, so that a step
//!    may run twice.
//! 2. The adapter does what it can in the time there is.
//! 3. The task is stored with its new state, and the state machine is told whether and when to come back. A transient
//!    failure is a reason to come back; any other ends this task alone.

use std::ops::AsyncFnOnce;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use lambda::clock;
use lambda::metrics::{Metric, report};
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::{DestinationId, RegulationId};
use model::task::Task;
use store::Store;

/// The state machine's request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The regulation.
    pub regulation_id: RegulationId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The destination of the task.
    pub destination_id: DestinationId,
}

/// What the state machine does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// Whether the task has ended, in success or failure.
    pub done: bool,
    /// Seconds to wait before the next step, unless it is done.
    pub wait_seconds: u32,
}

/// Takes one step of a task. `adapter` returns the seconds to wait before the next step, or none once the task has
/// ended. Transient failures are retried for as long as `window` lasts.
///
/// # Errors
/// `Transient` or `Permanent`, if the task cannot be read or stored. The adapter's failures are stored with the task.
pub async fn step(
    store: &Store,
    request: &Request,
    window: SignedDuration,
    adapter: impl AsyncFnOnce(&mut Task, &Destination) -> Result<Option<u32>>,
) -> Result<Next> {
    let mut task = store.task(&request.regulation_id, &request.destination_id).await?;
    if task.status.is_final() {
        return Ok(Next { done: true, wait_seconds: 0 });
    }
    let worked = work(store, request, &mut task, adapter).await;
    let wait = worked.unwrap_or_else(|failure| {
        tracing::warn!(regulation = %request.regulation_id, destination = %request.destination_id,
            kind = %failure.kind, detail = failure.detail, "{}", failure.public);
        let now = clock::now();
        let wait = task.failed(&failure, window, now);
        if let (Some(_), Some(since)) = (wait, task.troubled_since) {
            report(&[(Metric::DestinationAwayHours, now.duration_since(since).as_secs_f64() / 3600.0)]);
        }
        wait
    });
    match store.save_step(&request.regulation_id, &task).await? {
        true => Ok(Next { done: wait.is_none(), wait_seconds: wait.unwrap_or_default() }),
        false => Ok(Next { done: true, wait_seconds: 0 }),
    }
}

/// Stores a task in the middle of a step.
///
/// # Errors
/// `Transient`, if the task has ended meanwhile, so that this step has nothing more to do, or if DynamoDB throttles or
/// cannot be reached; `Permanent`, if it refuses the call.
pub async fn keep(store: &Store, id: &RegulationId, task: &Task) -> Result<()> {
    match store.save_step(id, task).await? {
        true => Ok(()),
        false => Err(Failure::transient("its task has ended meanwhile")),
    }
}

async fn work(
    store: &Store,
    request: &Request,
    task: &mut Task,
    adapter: impl AsyncFnOnce(&mut Task, &Destination) -> Result<Option<u32>>,
) -> Result<Option<u32>> {
    let destination = store.destination(&request.destination_id).await?;
    adapter(task, &destination).await
}

/// The identifiers to work on, unless they are dropped.
///
/// # Errors
/// `Permanent`, if there are none.
pub fn kept<T>(identifiers: Vec<T>) -> Result<Vec<T>> {
    match identifiers.is_empty() {
        true => Err(Failure::permanent("the identifiers of this regulation are no longer kept")),
        false => Ok(identifiers),
    }
}
