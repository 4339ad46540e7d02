//! Takes one task one step further: the frame of `erase` and `forward`.
//!
//! 1. The task, its destination and its subjects are read. A task that has ended stays as it is, so that a step
//!    may run twice.
//! 2. The adapter does what it can in the time there is.
//! 3. What became of the task is kept, and the state machine is told whether to come back and when. A passing
//!    failure is a reason to come back; a lasting one ends this task alone.

use std::ops::AsyncFnOnce;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use model::destination::{Destination, DestinationKind};
use model::failure::{Failure, Result};
use model::id::{DestinationId, RegulationId};
use model::subject::Subject;
use model::task::Task;
use store::Store;

/// What the state machine asks for.
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
    /// Otherwise: come back after this many seconds.
    pub wait_seconds: u32,
}

/// Does one step of a task. `adapter` answers in how many seconds it wants to go on, or nothing when the task
/// has ended. Passing failures are tried again for as long as `window` lasts.
///
/// # Errors
/// `Transient` or `Permanent`, if the task cannot be read or stored. The adapter's failures are stored with the task.
pub async fn step(
    store: &Store,
    request: &Request,
    window: SignedDuration,
    adapter: impl AsyncFnOnce(&mut Task, &Destination, &[Subject]) -> Result<Option<u32>>,
) -> Result<Next> {
    let mut task = store.task(&request.regulation_id, &request.destination_id).await?;
    if task.status.is_final() {
        return Ok(Next { done: true, wait_seconds: 0 });
    }
    let worked = work(store, request, &mut task, adapter).await;
    let wait = worked.unwrap_or_else(|failure| {
        tracing::warn!(regulation = %request.regulation_id, destination = %request.destination_id,
            kind = %failure.kind, detail = failure.detail, "{}", failure.public);
        task.failed(&failure, window, Timestamp::now())
    });
    store.save_task(&request.regulation_id, &task).await?;
    Ok(Next { done: wait.is_none(), wait_seconds: wait.unwrap_or_default() })
}

async fn work(
    store: &Store,
    request: &Request,
    task: &mut Task,
    adapter: impl AsyncFnOnce(&mut Task, &Destination, &[Subject]) -> Result<Option<u32>>,
) -> Result<Option<u32>> {
    let destination = store.destination(&request.destination_id).await?;
    let subjects = match destination.kind {
        // Vendors are asked for those whom the request names, by the ids that they know.
        DestinationKind::Cloud => store.subjects(&request.regulation_id).await?,
        _ => store.everyone(&request.regulation_id).await?,
    };
    if subjects.is_empty() {
        return Err(Failure::permanent("the identifiers of this regulation are no longer kept"));
    }
    adapter(task, &destination, &subjects).await
}
