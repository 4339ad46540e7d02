//! The S3 calls that archives need.

use std::env;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ObjectLockLegalHoldStatus;
use jiff::Timestamp;

use super::manifest::{Entry, Reason, Residual, Version};
use crate::aws;
use crate::failure::{Failure, Result};

/// An S3 client. A custom endpoint is addressed by path, since bucket names do not resolve there.
pub fn client(config: &SdkConfig) -> Client {
    let by_path = env::var_os("AWS_ENDPOINT_URL").is_some();
    Client::from_conf(Builder::from(config).force_path_style(by_path).build())
}

/// One archive's bucket.
#[derive(Debug, Clone)]
pub struct Archive {
    pub(super) client: Client,
    pub(super) bucket: String,
}

/// Why a call about one version did not do what it should.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is not there any more, or not in this state.
    Changed,
    /// It cannot be dealt with; everything else can.
    Left(Residual),
    /// Time is up: the next invocation goes on with it.
    Unfinished,
}

/// A call that failed for want of an answer, after all retries.
pub(super) fn unreachable(failure: Failure) -> Trouble {
    Trouble::Left(Residual { reason: Reason::Unreachable, detail: failure.public, until: None })
}

impl Archive {
    /// The bucket of this name.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// All objects below a prefix with all their versions, in the order of their keys. A key whose versions
    /// are all gone, or that is a bare delete marker, is not listed.
    ///
    /// # Errors
    /// As S3 says; `Permanent`, if the bucket may not be listed.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut from: (Option<String>, Option<String>) = (None, None);
        loop {
            let page = self
                .client
                .list_object_versions()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_key_marker(from.0)
                .set_version_id_marker(from.1)
                .send()
                .await
                .map_err(|e| self.failure(&e))?;
            for version in page.versions.unwrap_or_default() {
                let (Some(key), Some(id), Some(etag)) = (version.key, version.version_id, version.e_tag)
                else {
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
            if !page.is_truncated.unwrap_or_default() {
                return Ok(entries);
            }
            from = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// The versions of one key, the newest first.
    ///
    /// # Errors
    /// As S3 says.
    pub async fn versions(&self, key: &str) -> Result<Vec<Version>> {
        let entries = self.list(key).await?;
        Ok(entries.into_iter().find(|entry| entry.key == key).map(|e| e.versions).unwrap_or_default())
    }

    /// Everything that S3 tells about a version beside its bytes.
    pub(super) async fn head(&self, key: &str, version: &Version) -> Result<HeadObjectOutput, Trouble> {
        let request = self.client.head_object().bucket(&self.bucket).key(key);
        request
            .version_id(&version.id)
            .if_match(&version.etag)
            .send()
            .await
            .map_err(|e| trouble(&e, e.raw_response().map(|r| r.status().as_u16())))
    }

    /// The tags of a version, as `PutObject` takes them.
    pub(super) async fn tags(&self, key: &str, version: &Version) -> Result<Option<String>, Trouble> {
        let request = self.client.get_object_tagging().bucket(&self.bucket).key(key);
        let reply = request
            .version_id(&version.id)
            .send()
            .await
            .map_err(|e| trouble(&e, e.raw_response().map(|r| r.status().as_u16())))?;
        let mut tags = form_urlencoded::Serializer::new(String::new());
        for tag in &reply.tag_set {
            tags.append_pair(&tag.key, &tag.value);
        }
        Ok(Some(tags.finish()).filter(|tags| !tags.is_empty()))
    }

    /// Deletes the current version, if it is still `version`: a delete marker in a versioned bucket.
    pub(super) async fn delete_current(&self, key: &str, version: &Version) -> Result<(), Trouble> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key).if_match(&version.etag);
        let reply = request.send().await;
        reply.map(drop).map_err(|e| trouble(&e, e.raw_response().map(|r| r.status().as_u16())))
    }

    /// Deletes a version for good. The id `null` names whatever was written last while the bucket was not
    /// versioned, so that one is deleted only in the state that was read.
    pub(super) async fn delete_version(&self, key: &str, version: &Version) -> Result<(), Trouble> {
        let unchanged = Some(version.etag.clone()).filter(|_| version.id == "null");
        let request = self.client.delete_object().bucket(&self.bucket).key(key).version_id(&version.id);
        let Err(error) = request.set_if_match(unchanged).send().await else { return Ok(()) };
        let trouble = trouble(&error, error.raw_response().map(|r| r.status().as_u16()));
        match &trouble {
            Trouble::Left(residual) if residual.reason == Reason::Denied => {
                Err(self.lock(key, version).await.map_or(trouble, Trouble::Left))
            }
            _ => Err(trouble),
        }
    }

    /// The Object Lock that keeps a version, if there is one.
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

    /// Takes an upload back. Harmless when it was completed or taken back before; what cannot be taken back now
    /// is left to the bucket's lifecycle rule.
    pub(super) async fn abort(&self, key: &str, upload: &str) {
        let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match request.send().await {
            Err(error) if error.code() != Some("NoSuchUpload") => {
                tracing::warn!(failure = %self.failure(&error), "an unfinished upload could not be taken back");
            }
            _ => {}
        }
    }

    pub(super) fn failure<E>(&self, error: &E) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error,
    {
        match error.code() {
            Some(code @ ("AccessDenied" | "NoSuchBucket" | "AllAccessDisabled")) => {
                Failure::permanent(format!(
                    "the bucket {} cannot be read ({code}): correct the destination or the bucket's policy",
                    self.bucket
                ))
            }
            _ => aws::failure("S3", error),
        }
    }
}

/// What an error about one version means for it. `HEAD` answers carry no error code, so the status counts too.
pub(super) fn trouble<E>(error: &E, status: Option<u16>) -> Trouble
where
    E: ProvideErrorMetadata + std::error::Error,
{
    let left = |reason, detail: String| Trouble::Left(Residual { reason, detail, until: None });
    match (error.code(), status) {
        (
            Some(
                "NoSuchKey"
                | "NoSuchVersion"
                | "NotFound"
                | "PreconditionFailed"
                | "ConditionalRequestConflict",
            ),
            _,
        )
        | (_, Some(404 | 405 | 409 | 412)) => Trouble::Changed,
        (Some("InvalidObjectState"), _) => {
            left(Reason::Cold, "it is in cold storage: restore it, then retry".to_owned())
        }
        (code, Some(403)) => {
            let code = code.unwrap_or("AccessDenied");
            left(
                Reason::Denied,
                format!("access is denied ({code}): correct the bucket's policy, then retry"),
            )
        }
        (code, _) => left(Reason::Unreachable, format!("S3 failed ({})", code.unwrap_or("no answer"))),
    }
}
