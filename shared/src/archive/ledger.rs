//! Remembers uploads in parts while they are under way, so that the next invocation can go on with one that
//! paused, and take back one that was left by a crash.
//!
//! S3 keeps the parts of an upload that nobody completes, and charges for them. Only the one who began an upload
//! may know whether it is still wanted: uploads of other writers are never touched.

use aws_sdk_s3::Client;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bucket::Archive;
use super::manifest::Version;
use super::workspace::{Key, Workspace};
use crate::failure::Result;
use crate::format::Pause;
use crate::id::RunId;
use crate::subject::hex;

/// The uploads of one run.
#[derive(Debug, Clone)]
pub struct Ledger {
    workspace: Workspace,
    run: RunId,
}

/// An upload that is under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    /// The object's bucket.
    pub(super) bucket: String,
    /// The object's key.
    pub(super) key: String,
    /// Its id.
    pub(super) upload: String,
    /// Where it paused, if it did; otherwise it is going on right now, or was left by a crash.
    pub(super) paused: Option<Paused>,
}

/// An upload that can be gone on with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Paused {
    /// The version that is being replaced.
    pub(super) replaced: Version,
    /// Where its rewrite paused.
    pub(super) at: Pause,
    /// What S3 said about each part so far.
    pub(super) parts: Vec<Part>,
}

/// A part that was sent: what S3 wants to hear again in the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) etag: Option<String>,
    pub(super) crc32: Option<String>,
    pub(super) crc64_nvme: Option<String>,
}

impl Ledger {
    /// The uploads of this run, kept in Lethe's bucket.
    pub fn new(workspace: Workspace, run: RunId) -> Self {
        Self { workspace, run }
    }

    /// Notes that an upload has begun, or paused.
    pub(super) async fn note(&self, begun: &Begun) -> Result<()> {
        self.workspace.write(Key::Upload(&self.run, &hash(&begun.key)), begun).await
    }

    /// Takes back every upload that the run has not completed. For a run that is over: nobody goes on with them.
    ///
    /// # Errors
    /// As S3 says. An upload that cannot be taken back is left to the bucket's lifecycle rule.
    pub async fn take_back_all(&self, s3: &Client) -> Result<()> {
        for hash in self.workspace.names(Key::Upload(&self.run, "")).await? {
            let key = Key::Upload(&self.run, &hash);
            if let Some(begun) = self.workspace.read::<Begun>(key).await? {
                Archive::new(s3.clone(), begun.bucket).abort(&begun.key, &begun.upload).await;
                self.workspace.delete(key).await?;
            }
        }
        Ok(())
    }

    /// Notes that an upload was completed or taken back.
    pub(super) async fn ended(&self, key: &str) -> Result<()> {
        self.workspace.delete(Key::Upload(&self.run, &hash(key))).await
    }

    /// The upload that paused while it replaced this version. Any other that this run left is taken back.
    pub(super) async fn resume(
        &self,
        archive: &Archive,
        key: &str,
        replaced: &Version,
    ) -> Result<Option<(String, Paused)>> {
        let Some(mut begun) = self.workspace.read::<Begun>(Key::Upload(&self.run, &hash(key))).await? else {
            return Ok(None);
        };
        if let Some(paused) = begun.paused.take_if(|paused| paused.replaced.is(replaced)) {
            // Until it pauses again, a crash makes the parts of this go unknown: all of it is then taken back.
            self.note(&begun).await?;
            return Ok(Some((begun.upload, paused)));
        }
        archive.abort(key, &begun.upload).await;
        self.ended(key).await?;
        Ok(None)
    }
}

fn hash(key: &str) -> String {
    hex(&Sha256::digest(key))
}
