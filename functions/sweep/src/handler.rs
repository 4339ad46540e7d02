use aws_sdk_s3::Client;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::archive::workspace::Workspace;
use shared::failure::Result;
use shared::id::{RegulationId, RunId};
use shared::store::Store;
use shared::subject::PseudonymKey;
use shared::workflow::Workflow;

use crate::{abort, close, guard, nudge, open};

pub struct Context {
    pub store: Store,
    pub workflow: Workflow,
    pub workspace: Workspace,
    pub s3: Client,
    pub pseudonyms: PseudonymKey,
    pub purge_delay: SignedDuration,
}

/// What to do, as the state machines and the schedule say it.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Request {
    /// On a schedule: start what was left lying.
    Tick,
    /// A regulation has waited long enough: start a run, unless one is on.
    Nudge { regulation_id: RegulationId },
    /// Begin a run.
    Open { run_id: RunId },
    /// Between finding and forgetting.
    Guard { run_id: RunId },
    /// End a run.
    Close { run_id: RunId },
    /// Give a run up.
    Abort { run_id: RunId, error: String },
}

#[derive(Serialize)]
pub struct Reply {
    /// How many batches the next phase has.
    batches: usize,
    /// Whether somebody has to confirm it first.
    ask: bool,
}

pub async fn sweep(context: &Context, request: Request) -> Result<Reply> {
    let mut reply = Reply { batches: 0, ask: false };
    match request {
        Request::Tick => nudge::tick(context).await?,
        Request::Nudge { regulation_id } => nudge::nudge(context, &regulation_id).await?,
        Request::Open { run_id } => reply.batches = open::open(context, &run_id).await?,
        Request::Guard { run_id } => (reply.batches, reply.ask) = guard::guard(context, &run_id).await?,
        Request::Close { run_id } => close::close(context, &run_id).await?,
        Request::Abort { run_id, error } => abort::abort(context, &run_id, &error).await?,
    }
    Ok(reply)
}
