//! What every step may use, made once at cold start.

use aws::bucket::Bucket;
use aws::workflow::Workflow;
use aws_sdk_s3::Client;
use jiff::SignedDuration;
use model::subject::PseudonymKey;
use store::Store;

pub struct Context {
    pub store: Store,
    pub workflow: Workflow,
    pub files: Bucket,
    pub s3: Client,
    pub pseudonyms: PseudonymKey,
    pub purge_delay: SignedDuration,
    /// How many objects a batch has at most.
    pub batch_objects: usize,
}
