//! Remembers uploads in parts while they are under way, so that the next invocation can resume one that paused, and
//! abort one that a crash left.
//!
//! S3 keeps the parts of an upload that nobody completes, and charges for them. Only the writer that began an upload
//! knows whether it is still wanted: uploads of other writers are never touched.

use aws_sdk_s3::Client;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bucket::Archive;
use crate::run_plan::Version;
use aws::bucket::{Bucket, Key};
use destinations::archive::RequestPayer;
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
    /// Who pays for calls to it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) request_payer: Option<RequestPayer>,
    /// The object's key.
    pub(crate) key: String,
    /// The upload's id.
    pub(crate) upload: String,
    /// Where it paused; none, if it is under way right now or was left by a crash.
    pub(crate) paused: Option<Paused>,
}

/// An upload that can be resumed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Paused {
    /// The version that is being replaced.
    pub(crate) replaced: Version,
    /// Where its rewrite paused.
    pub(crate) at: Pause,
    /// The parts sent so far, as S3 acknowledged them.
    pub(crate) parts: Vec<UploadPart>,
}

/// A part that was sent, with what S3 asks for when the upload is completed.
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

    /// Aborts every upload that a run has not completed. For a run that has ended: nothing resumes them.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call. An upload that cannot be
    /// aborted is left to the bucket's lifecycle rule.
    pub async fn take_back_all(&self, s3: &Client) -> Result<()> {
        for hash in self.files.names(Key::Upload(&self.run, "")).await? {
            let key = Key::Upload(&self.run, &hash);
            if let Some(begun) = self.files.read::<Begun>(key).await? {
                let archive = Archive::new(s3.clone(), begun.bucket, begun.request_payer);
                archive.abort(&begun.key, &begun.upload).await;
                self.files.delete(key).await?;
            }
        }
        Ok(())
    }

    /// Notes that an upload was completed or aborted.
    pub(crate) async fn ended(&self, key: &str) -> Result<()> {
        self.files.delete(Key::Upload(&self.run, &hash(key))).await
    }

    /// The upload that paused while it replaced this version. Any other that this run left of the key is aborted.
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
            // Until it pauses again, its new parts are not noted: after a crash, all of it is aborted.
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
