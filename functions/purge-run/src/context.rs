//! What all steps share, made once at cold start.

use std::time::Duration;

use aws::bucket::Bucket;
use aws::workflow::Workflow;
use aws_sdk_s3::Client;
use jiff::SignedDuration;
use model::subject::PseudonymKey;
use store::Store;

/// What an invocation uses.
pub struct Context {
    /// The tables.
    pub store: Store,
    /// Starts runs and resumes regulations.
    pub workflow: Workflow,
    /// Lethe's own bucket.
    pub files: Bucket,
    /// The archives.
    pub s3: Client,
    /// The pseudonyms' key.
    pub pseudonyms: PseudonymKey,
    /// How long a regulation may wait for others to share its run.
    pub purge_delay: SignedDuration,
    /// How long after a suppression a recorder that began before it may still write.
    pub record_ends: SignedDuration,
    /// How long an invocation lists the archives before it leaves the rest to the next.
    pub list_slice: Duration,
    /// The most objects of a batch.
    pub batch_objects: usize,
}
