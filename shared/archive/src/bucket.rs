//! The S3 calls that archives need.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ObjectLockLegalHoldStatus, StorageClass};
use jiff::Timestamp;

use crate::payer;
use crate::run_plan::{Entry, Reason, Residual, Version};
use crate::trouble::{Trouble, trouble};
use destinations::archive::RequestPayer;
use model::failure::{Failure, Result};

/// One archive's bucket.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(crate) client: Client,
    pub(crate) bucket: String,
    pub(crate) request_payer: Option<RequestPayer>,
}

/// Why a version is in cold storage and cannot be read, if so.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html> names the storage classes, the archive tiers
/// of Intelligent-Tiering, and the forms of `x-amz-restore` and `x-amz-expiration`.
fn cold(head: &HeadObjectOutput) -> Option<Residual> {
    let class = match (&head.storage_class, &head.archive_status) {
        (_, Some(tier)) => tier.as_str(),
        (Some(class @ (StorageClass::Glacier | StorageClass::DeepArchive)), None) => class.as_str(),
        _ => return None,
    };
    let restore = head.restore.as_deref().unwrap_or_default();
    let mut detail = match restore {
        // A restored copy can be read until it expires.
        _ if restore.contains("ongoing-request=\"false\"") => return None,
        _ if restore.contains("ongoing-request=\"true\"") => {
            format!("it is in cold storage ({class}) and being restored: retry when it is")
        }
        _ => format!("it is in cold storage ({class}): restore it, then retry"),
    };
    let until = expiry(head.expiration.as_deref().unwrap_or_default());
    if let Some(until) = until {
        detail.push_str(&format!("; a lifecycle rule removes it on {until}"));
    }
    Some(Residual { reason: Reason::Cold, detail, until })
}

/// The date in `expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="…"`.
fn expiry(header: &str) -> Option<Timestamp> {
    let date = header.split_once("expiry-date=\"")?.1.split('"').next()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

/// A listing under way.
pub struct Listing {
    archive: Archive,
    prefix: String,
    from: (Option<String>, Option<String>),
    /// The last key of the previous page: more of its versions may be on the next.
    held: Option<Entry>,
    ended: bool,
}

impl Listing {
    /// Continues after a key.
    #[must_use]
    pub fn after(mut self, key: Option<String>) -> Self {
        self.from = (key, None);
        self
    }

    /// The next keys, each with all its versions; none, when there are no more.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if the bucket may not be listed.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>> {
        let mut entries: Vec<Entry> = self.held.take().into_iter().collect();
        // A page may hold nothing but versions of one key, or delete markers.
        while entries.len() < 2 && !self.ended {
            self.page(&mut entries).await?;
        }
        if !self.ended {
            self.held = entries.pop();
        }
        Ok(Some(entries).filter(|entries| !entries.is_empty()))
    }

    async fn page(&mut self, entries: &mut Vec<Entry>) -> Result<()> {
        let Archive { client, bucket, .. } = &self.archive;
        let request = client.list_object_versions().bucket(bucket).prefix(&self.prefix);
        let request = request.set_key_marker(self.from.0.take()).set_version_id_marker(self.from.1.take());
        let page = request.send().await.map_err(|e| self.archive.failure(&e))?;
        for version in page.versions.unwrap_or_default() {
            let (Some(key), Some(id), Some(etag)) = (version.key, version.version_id, version.e_tag) else {
                return Err(Failure::transient("S3 listed a version without key, id or tag"));
            };
            let version = Version {
                id,
                etag,
                size: version.size.unwrap_or_default().unsigned_abs(),
                current: version.is_latest.unwrap_or_default(),
            };
            match entries.last_mut() {
                Some(entry) if entry.key == key => entry.versions.push(version),
                _ => entries.push(Entry { key, versions: vec![version] }),
            }
        }
        self.ended = !page.is_truncated.unwrap_or_default();
        self.from = (page.next_key_marker, page.next_version_id_marker);
        Ok(())
    }
}

impl Archive {
    /// The bucket of this name.
    pub fn new(client: Client, bucket: String, request_payer: Option<RequestPayer>) -> Self {
        let client = match request_payer {
            Some(RequestPayer::Requester) => payer::requester(&client),
            None => client,
        };
        Self { client, bucket, request_payer }
    }

    /// All objects below a prefix with all their versions, page by page, in the order of their keys. A key whose
    /// versions are all gone, or that is a bare delete marker, is not listed.
    pub fn list(&self, prefix: &str) -> Listing {
        let (archive, prefix) = (self.clone(), prefix.to_owned());
        Listing { archive, prefix, from: (None, None), held: None, ended: false }
    }

    /// The versions of one key, the newest first.
    ///
    /// # Errors
    /// `Transient`, if S3 throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn versions(&self, key: &str) -> Result<Vec<Version>> {
        // Of all keys with this prefix, the key itself comes first.
        let first = self.list(key).next().await?.and_then(|page| page.into_iter().next());
        Ok(first.filter(|entry| entry.key == key).map(|entry| entry.versions).unwrap_or_default())
    }

    /// A version's metadata.
    pub(crate) async fn head(&self, key: &str, version: &Version) -> Result<HeadObjectOutput, Trouble> {
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        request.version_id(&version.id).if_match(&version.etag).send().await.map_err(|e| trouble(&e))
    }

    /// The metadata of a version whose bytes can be read.
    pub(crate) async fn readable(&self, key: &str, version: &Version) -> Result<HeadObjectOutput, Trouble> {
        let head = self.head(key, version).await?;
        cold(&head).map_or(Ok(head), |residual| Err(Trouble::Left(residual)))
    }

    /// The bucket's region, if S3 tells it.
    pub(crate) async fn region(&self) -> Result<Option<String>, Trouble> {
        let reply = self.client.head_bucket().bucket(&self.bucket).send().await;
        Ok(reply.map_err(|e| trouble(&e))?.bucket_region)
    }

    /// The tags of a version, as `PutObject` takes them.
    pub(crate) async fn tags(&self, key: &str, version: &Version) -> Result<Option<String>, Trouble> {
        let request = self.client.get_object_tagging().bucket(&self.bucket).key(key);
        let reply = request.version_id(&version.id).send().await.map_err(|e| trouble(&e))?;
        let mut tags = form_urlencoded::Serializer::new(String::new());
        for tag in &reply.tag_set {
            tags.append_pair(&tag.key, &tag.value);
        }
        Ok(Some(tags.finish()).filter(|tags| !tags.is_empty()))
    }

    /// Deletes the current version, if it is still `version`: adds a delete marker in a versioned bucket.
    pub(crate) async fn delete_current(&self, key: &str, version: &Version) -> Result<(), Trouble> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key).if_match(&version.etag);
        let reply = request.send().await;
        reply.map(drop).map_err(|e| trouble(&e))
    }

    /// Deletes an older version for good; `all` are the key's versions. The id `null` names the version last written
    /// while the bucket was not versioned: it is deleted only if nothing was written since `all` were listed. S3 checks
    /// conditions against the current version, whichever is to be deleted
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>), and it is the current one
    /// that a write to `null` changes. Under a delete marker there is none: a look just before has to do.
    pub(crate) async fn delete_version(
        &self,
        key: &str,
        version: &Version,
        all: &[Version],
    ) -> Result<(), Trouble> {
        let mut request = self.client.delete_object().bucket(&self.bucket).key(key).version_id(&version.id);
        if version.id == "null" {
            match all.iter().find(|version| version.current) {
                Some(current) => request = request.if_match(&current.etag),
                None => drop(self.head(key, version).await?),
            }
        }
        let Err(error) = request.send().await else { return Ok(()) };
        let trouble = trouble(&error);
        match &trouble {
            Trouble::Left(residual) if residual.reason == Reason::Denied => {
                Err(self.lock(key, version).await.map_or(trouble, Trouble::Left))
            }
            _ => Err(trouble),
        }
    }

    /// The Object Lock on a version, if there is one.
    async fn lock(&self, key: &str, version: &Version) -> Option<Residual> {
        let head = self.head(key, version).await.ok()?;
        if head.object_lock_legal_hold_status == Some(ObjectLockLegalHoldStatus::On) {
            let detail = "a legal hold keeps it: lift the hold, then retry".to_owned();
            return Some(Residual { reason: Reason::Locked, detail, until: None });
        }
        let until = head.object_lock_retain_until_date?;
        let until = Timestamp::new(until.secs(), 0).ok()?;
        let detail = format!("Object Lock keeps it until {until}: retry after that");
        Some(Residual { reason: Reason::Locked, detail, until: Some(until) })
    }

    /// Aborts an upload. Harmless when it was completed or aborted before; one that cannot be aborted now is left to
    /// the bucket's lifecycle rule.
    pub(crate) async fn abort(&self, key: &str, upload: &str) {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match request.send().await {
            Err(error) if error.code() != Some("NoSuchUpload") => {
                tracing::warn!(failure = %self.failure(&error), "an unfinished upload could not be taken back");
            }
            _ => {}
        }
    }

    pub(crate) fn failure<E>(&self, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error.code() {
            Some(code @ ("AccessDenied" | "NoSuchBucket" | "AllAccessDisabled")) => {
                Failure::permanent(format!(
                    "the bucket {} cannot be read ({code}): correct the destination or the bucket's policy, and see that the stack's ArchiveBuckets names it; a requester-pays bucket needs the setting requestPayer",
                    self.bucket
                ))
            }
            // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; where the bucket lies is in a header:
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
            Some(
                code @ ("PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException"),
            ) => {
                let header =
                    error.raw_response().and_then(|reply| reply.headers().get("x-amz-bucket-region"));
                Failure::permanent(format!(
                    "the bucket {} lies in another region than Lethe{} ({code}): deploy Lethe beside it",
                    self.bucket,
                    header.map(|region| format!(", in {region}")).unwrap_or_default(),
                ))
            }
            _ => aws::failure("S3", error),
        }
    }
}
