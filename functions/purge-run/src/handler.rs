//! Leads purge runs, step by step, as `infra/purge-run.asl.json` calls it.
//!
//! 1. **tick**, **nudge**: start a run for waiting regulations, and resume what a crash left. **handover**: let another
//!    execution go on with a regulation, before the history of its first is full.
//! 2. **open**: take the lock and choose the regulations that the run serves. The state machine then waits for
//!    recorders to end.
//! 3. **list**: pack the archives' objects into batches, which the function `purge` searches.
//! 4. **guard**: store what was found as evidence; ask before much is removed (**listen** passes on an earlier answer).
//! 5. **close**: store evidence and status of every regulation that the run served, and resume them.
//! 6. **abort**: end the run early; its regulations wait for the next.
//!
//! Each step may run twice or die half-way.

use model::failure::Result;
use model::id::{RegulationId, RunId};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::{abort, close, guard, list, nudge, open};

/// The action, as the state machines and the schedule name it.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Request {
    /// On a schedule: resume what a crash left.
    Tick,
    /// A regulation has waited long enough: start a run, unless one is under way.
    Nudge {
        /// The regulation.
        regulation_id: RegulationId,
    },
    /// The history of an execution is nearly full: another goes on with its attempt.
    HandOver {
        /// The regulation.
        regulation_id: RegulationId,
        /// The attempt.
        attempt: u32,
        /// The execution's ARN.
        execution: String,
    },
    /// Begin a run: choose the regulations that it serves.
    Open {
        /// The run.
        run_id: RunId,
    },
    /// Pack the archives' objects into batches, or more of them.
    List {
        /// The run.
        run_id: RunId,
    },
    /// Decide, between find and forget, whether the run may go on.
    Guard {
        /// The run.
        run_id: RunId,
    },
    /// The run has asked: pass on an answer given before.
    Listen {
        /// The run.
        run_id: RunId,
    },
    /// End a run.
    Close {
        /// The run.
        run_id: RunId,
    },
    /// Abort a run.
    Abort {
        /// The run.
        run_id: RunId,
        /// The error of the state before.
        error: String,
    },
}

/// The answer to the state machine.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Seconds to wait before the next step.
    wait_seconds: u64,
    /// Whether there is more to list.
    more: bool,
    /// Number of batches of the next phase.
    batches: usize,
    /// Whether the run has to be confirmed first.
    ask: bool,
}

/// Takes a step of a run.
///
/// # Errors
/// `Transient`, if AWS throttles or cannot be reached; `Permanent`, if it refuses a call, or the run has ended or was
/// stopped.
pub async fn handle(context: &Context, request: Request) -> Result<Reply> {
    let mut reply = Reply::default();
    match request {
        Request::Tick => nudge::tick(context).await?,
        Request::Nudge { regulation_id } => nudge::nudge(context, &regulation_id).await?,
        Request::HandOver { regulation_id, attempt, execution } => {
            context.workflow.hand_over(&regulation_id, attempt, &execution).await?;
        }
        Request::Open { run_id } => reply.wait_seconds = open::open(context, &run_id).await?,
        Request::List { run_id } => (reply.batches, reply.more) = list::list(context, &run_id).await?,
        Request::Guard { run_id } => (reply.batches, reply.ask) = guard::guard(context, &run_id).await?,
        Request::Listen { run_id } => guard::listen(context, &run_id).await?,
        Request::Close { run_id } => {
            close::close(context, &run_id).await?;
            nudge::start_if_due(context).await?;
        }
        Request::Abort { run_id, error } => abort::abort(context, &run_id, &error).await?,
    }
    Ok(reply)
}
