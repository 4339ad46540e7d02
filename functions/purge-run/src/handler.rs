//! Leads purge runs, step by step, as `infra/purge-run.asl.json` calls it.
//!
//! 1. **tick**, **nudge**: start a run for those who wait, and take up what a crash left.
//! 2. **open**: take the lock and write down whom the run serves. The state machine then waits for recorders to end.
//! 3. **list**: pack the archives' objects into batches, which the function `purge` searches.
//! 4. **guard**: keep what was found as evidence; ask somebody before much is removed (**listen** hears the answer).
//! 5. **close**: evidence, status and answers for everybody whom the run served.
//! 6. **abort**: give the run up; those whom it served wait for the next.
//!
//! Each step may run twice or die half-way.

use model::failure::Result;
use model::id::{RegulationId, RunId};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::{abort, close, guard, list, nudge, open};

/// What to do, as the state machines and the schedule say it.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Request {
    /// On a schedule: start what was left lying.
    Tick,
    /// A regulation has waited long enough: start a run, unless one is on.
    Nudge { regulation_id: RegulationId },
    /// Begin a run: whom it serves.
    Open { run_id: RunId },
    /// Pack the archives' objects into batches, or more of them.
    List { run_id: RunId },
    /// Between finding and forgetting.
    Guard { run_id: RunId },
    /// The run has asked: hear what was answered before.
    Listen { run_id: RunId },
    /// End a run.
    Close { run_id: RunId },
    /// Give a run up.
    Abort { run_id: RunId, error: String },
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// How many seconds to wait before the next step.
    wait_seconds: u64,
    /// Whether there is more to list.
    more: bool,
    /// How many batches the next phase has.
    batches: usize,
    /// Whether somebody has to confirm it first.
    ask: bool,
}

pub async fn handle(context: &Context, request: Request) -> Result<Reply> {
    let mut reply = Reply::default();
    match request {
        Request::Tick => nudge::tick(context).await?,
        Request::Nudge { regulation_id } => nudge::nudge(context, &regulation_id).await?,
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
