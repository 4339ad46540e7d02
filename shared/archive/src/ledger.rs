//! Remembers uploads in parts while they are under way, so that the next invocation can go on with one that
//! paused, and take back one that was left by a crash.
//!
//! S3 keeps the parts of an upload that nobody completes, and charges for them. Only the one who began an upload
//! may know whether it is still wanted: uploads of other writers are never touched.

use aws_sdk_s3::Client;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bucket::Archive;
use crate::run_plan::Version;
use aws::bucket::{Bucket, Key};
use engine::format::Pause;
use model::failure::Result;
use model::id::RunId;
use model::subject::hex;

/// The uploads of one run.
#[derive(Debug, Clone)]
pub struct Ledger {
    files: Bucket,
    run: RunId,
}

/// An upload that is under way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The object's bucket.
    pub(crate) bucket: String,
    /// The object's key.
    pub(crate) key: String,
    /// Its id.
    pub(crate) upload: String,
    /// Where it paused, if it did; otherwise it is going on right now, or was left by a crash.
    pub(crate) paused: Option<Paused>,
}

/// An upload that can be gone on with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Paused {
    /// The version that is being replaced.
    pub(crate) replaced: Version,
    /// Where its rewrite paused.
    pub(crate) at: Pause,
    /// What S3 said about each part so far.
    pub(crate) parts: Vec<UploadPart>,
}

/// A part that was sent: what S3 wants to hear again in the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UploadPart {
    pub(crate) etag: Option<String>,
    pub(crate) crc32: Option<String>,
}

impl Ledger {
    /// The uploads of this run, kept in Lethe's bucket.
    pub fn new(files: Bucket, run: RunId) -> Self {
        Self { files, run }
    }

    /// Notes that an upload has begun, or paused.
    pub(crate) async fn note(&self, begun: &Begun) -> Result<()> {
        self.files.write(Key::Upload(&self.run, &hash(&begun.key)), begun).await
    }

    /// Takes back every upload that the run has not completed. For a run that is over: nobody goes on with them.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call. An upload that cannot be taken back is left to the bucket's lifecycle rule.
    pub async fn take_back_all(&self, s3: &Client) -> Result<()> {
        for hash in self.files.names(Key::Upload(&self.run, "")).await? {
            let key = Key::Upload(&self.run, &hash);
            if let Some(begun) = self.files.read::<Begun>(key).await? {
                Archive::new(s3.clone(), begun.bucket).abort(&begun.key, &begun.upload).await;
                self.files.delete(key).await?;
            }
        }
        Ok(())
    }

    /// Notes that an upload was completed or taken back.
    pub(crate) async fn ended(&self, key: &str) -> Result<()> {
        self.files.delete(Key::Upload(&self.run, &hash(key))).await
    }

    /// The upload that paused while it replaced this version. Any other that this run left is taken back.
    pub(crate) async fn resume(
        &self,
        archive: &Archive,
        key: &str,
        replaced: &Version,
    ) -> Result<Option<(String, Paused)>> {
        let Some(mut begun) = self.files.read::<Begun>(Key::Upload(&self.run, &hash(key))).await? else {
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
