//! What every step may use, made once at cold start.

use aws_sdk_s3::Client;
use jiff::SignedDuration;
use shared::archive::workspace::Workspace;
use shared::store::Store;
use shared::subject::PseudonymKey;
use shared::workflow::Workflow;

pub struct Context {
    pub store: Store,
    pub workflow: Workflow,
    pub workspace: Workspace,
    pub s3: Client,
    pub pseudonyms: PseudonymKey,
    pub purge_delay: SignedDuration,
    /// How many objects a batch has at most.
    pub batch_objects: usize,
}
