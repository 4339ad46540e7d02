//! Remembers uploads in parts while they are under way, so that a run that was killed leaves no parts behind.
//!
//! S3 keeps the parts of an upload that nobody completes, and charges for them. Only the one who began an upload
//! may know whether it is still wanted: uploads of other writers are never touched.

use serde::{Deserialize, Serialize};

use super::bucket::Archive;
use super::workspace::{Key, Workspace};
use crate::failure::Result;
use crate::id::RunId;
use crate::subject::hex;
use sha2::{Digest, Sha256};

/// The uploads of one run.
#[derive(Debug, Clone)]
pub struct Ledger {
    workspace: Workspace,
    run: RunId,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    upload: String,
}

impl Ledger {
    /// The uploads of this run, kept in Lethe's bucket.
    pub fn new(workspace: Workspace, run: RunId) -> Self {
        Self { workspace, run }
    }

    /// Notes that an upload has begun.
    pub(super) async fn begun(&self, key: &str, upload: &str) -> Result<()> {
        let hash = hash(key);
        self.workspace.write(Key::Upload(&self.run, &hash), &Entry { upload: upload.to_owned() }).await
    }

    /// Notes that an upload was completed or taken back.
    pub(super) async fn ended(&self, key: &str) -> Result<()> {
        self.workspace.delete(Key::Upload(&self.run, &hash(key))).await
    }

    /// Takes back the upload that a killed invocation of this run left, if there is one.
    pub(super) async fn take_back(&self, archive: &Archive, key: &str) -> Result<()> {
        let hash = hash(key);
        let Some(left) = self.workspace.read::<Entry>(Key::Upload(&self.run, &hash)).await? else {
            return Ok(());
        };
        archive.abort(key, &left.upload).await;
        self.ended(key).await
    }
}

fn hash(key: &str) -> String {
    hex(&Sha256::digest(key))
}
