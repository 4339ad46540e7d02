//! Writes the clean version of an object: one request if it is small, parts if it is large.
//!
//! 1. The rewriting thread fills [`Parts`], which hands each full part over and then waits, so that few parts
//!    are in memory at once.
//! 2. [`Upload`] sends them. Nothing is visible before the last step, which requires that the object is still the
//!    version that was read.
//! 3. An upload that is aborted leaves no parts behind.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;

use crate::bucket::Archive;
use crate::ledger::{Begun, Ledger, Paused, UploadPart};
use crate::run_plan::Version;
use crate::trouble::{Trouble, trouble, unreachable};
use engine::format::Pause;

/// S3 takes at most 10,000 parts, each of at least 5 MiB but the last.
const MAX_PARTS: u64 = 10_000;
const PART: u64 = 8 << 20;
const LEAST_PART: usize = 5 << 20;
/// More than a rewrite still writes when it pauses: that must not begin a part, which would be too small.
const PAUSING: usize = 512 << 10;

/// The writing end: cuts what is written into parts.
pub(crate) struct Parts {
    sender: mpsc::Sender<Bytes>,
    part: BytesMut,
    size: usize,
    sent: u64,
    may_pause: Arc<AtomicBool>,
}

/// A writing and a receiving end for an object of about `size` bytes, of which `sent` parts are sent already.
pub(crate) fn parts(size: u64, sent: usize) -> (Parts, mpsc::Receiver<Bytes>) {
    let part = PART.max(size / (MAX_PARTS / 2));
    let (sender, receiver) = mpsc::channel(1);
    let size = usize::try_from(part).unwrap_or(usize::MAX);
    let may_pause = Arc::new(AtomicBool::new(false));
    (Parts { sender, part: BytesMut::new(), size, sent: sent as u64, may_pause }, receiver)
}

impl Parts {
    /// The flag that a pause is allowed: what is not handed over yet makes a part that others may follow, what a pause
    /// writes still fits into it, and the object is too large for one request.
    pub(crate) fn may_pause(&self) -> Arc<AtomicBool> {
        self.may_pause.clone()
    }

    /// Hands over the last part.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        let part = self.part.split().freeze();
        self.sent += 1;
        self.sender.blocking_send(part).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.len() >= self.size {
            self.send()?;
        }
        let taken = bytes.len().min(self.size - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        let fits = (LEAST_PART..self.size - PAUSING).contains(&self.part.len());
        self.may_pause.store(self.sent > 1 && fits, Ordering::Relaxed);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sending end: the object's new content and all that is kept of the old version.
pub(crate) struct Upload<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) ledger: &'a Ledger,
    pub(crate) key: &'a str,
    pub(crate) replaced: &'a Version,
    pub(crate) head: HeadObjectOutput,
    pub(crate) tags: Option<String>,
}

/// What was sent and can still be aborted.
pub(crate) enum Sent {
    /// The whole content, not sent yet.
    Whole(Bytes),
    /// An upload in parts, not completed.
    Parts(String, Vec<UploadPart>),
}

/// Copies the metadata of the old version: both requests take the same fields.
macro_rules! keeping {
    ($request:expr, $upload:expr) => {{
        let head = &$upload.head;
        let kms = head.server_side_encryption == Some(ServerSideEncryption::AwsKms)
            || head.server_side_encryption == Some(ServerSideEncryption::AwsKmsDsse);
        $request
            .bucket(&$upload.archive.bucket)
            .key($upload.key)
            .set_metadata(head.metadata.clone())
            .set_content_type(head.content_type.clone())
            .set_content_encoding(head.content_encoding.clone())
            .set_content_disposition(head.content_disposition.clone())
            .set_content_language(head.content_language.clone())
            .set_cache_control(head.cache_control.clone())
            .set_website_redirect_location(head.website_redirect_location.clone())
            .set_storage_class(head.storage_class.clone())
            .set_server_side_encryption(head.server_side_encryption.clone())
            .set_ssekms_key_id(head.ssekms_key_id.clone().filter(|_| kms))
            .set_bucket_key_enabled(head.bucket_key_enabled.filter(|_| kms))
            .set_tagging($upload.tags.clone())
    }};
}

impl Upload<'_> {
    /// Sends the parts as they come, after those that an earlier invocation `sent`. A single part is kept, to be put in
    /// one request.
    pub(crate) async fn receive(
        &self,
        mut parts: mpsc::Receiver<Bytes>,
        sent: Option<(String, Vec<UploadPart>)>,
    ) -> Result<Sent, Trouble> {
        let mut waiting = Vec::new();
        let (id, mut all) = match sent {
            Some(sent) => sent,
            None => {
                let Some(first) = parts.recv().await else { return Ok(Sent::Whole(Bytes::new())) };
                let Some(second) = parts.recv().await else { return Ok(Sent::Whole(first)) };
                waiting = vec![first, second];
                (self.begin().await?, Vec::new())
            }
        };
        let mut waiting = waiting.into_iter();
        while let Some(part) = match waiting.next() {
            Some(part) => Some(part),
            None => parts.recv().await,
        } {
            match self.send_part(&id, all.len() + 1, part).await {
                Ok(part) => all.push(part),
                Err(trouble) => {
                    self.discard(Sent::Parts(id, all)).await;
                    return Err(trouble);
                }
            }
        }
        Ok(Sent::Parts(id, all))
    }

    async fn begin(&self) -> Result<String, Trouble> {
        // The parts carry this checksum. An upload created without it refuses them on completion (`InvalidPart`).
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
        let request = keeping!(self.archive.client.create_multipart_upload(), self)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .checksum_type(ChecksumType::Composite);
        let created = request.send().await.map_err(|e| trouble(&e))?;
        let id = created.upload_id.unwrap_or_default();
        if let Err(failure) = self.ledger.note(&self.begun(id.clone(), None)).await {
            self.discard(Sent::Parts(id, Vec::new())).await;
            return Err(unreachable(failure));
        }
        Ok(id)
    }

    /// Stores what was sent for the next invocation.
    pub(crate) async fn pause(&self, sent: Sent, at: Pause) -> Result<(), Trouble> {
        let Sent::Parts(upload, parts) = sent else { return Ok(()) };
        let paused = Some(Paused { replaced: self.replaced.clone(), at, parts });
        self.ledger.note(&self.begun(upload, paused)).await.map_err(unreachable)
    }

    fn begun(&self, upload: String, paused: Option<Paused>) -> Begun {
        let Archive { bucket, request_payer, .. } = self.archive.clone();
        Begun { bucket, request_payer, key: self.key.to_owned(), upload, paused }
    }

    async fn send_part(&self, id: &str, number: usize, part: Bytes) -> Result<UploadPart, Trouble> {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let request = self.archive.client.upload_part().bucket(&self.archive.bucket).key(self.key);
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32).upload_id(id).part_number(number);
        let request = request.body(ByteStream::from(part));
        let sent = request.send().await.map_err(|e| trouble(&e))?;
        Ok(UploadPart { etag: sent.e_tag, crc32: sent.checksum_crc32 })
    }

    /// Makes the new version the current one, if the old one still is.
    pub(crate) async fn commit(&self, sent: Sent) -> Result<Version, Trouble> {
        match sent {
            Sent::Whole(content) => {
                let request = keeping!(self.archive.client.put_object(), self).if_match(&self.replaced.etag);
                let reply = request.body(ByteStream::from(content)).send().await;
                let reply = reply.map_err(|e| trouble(&e))?;
                Ok(written(reply.version_id, reply.e_tag))
            }
            Sent::Parts(id, parts) => {
                let request = self.archive.client.complete_multipart_upload().bucket(&self.archive.bucket);
                let parts = parts.into_iter().zip(1..).map(|(part, number)| completed(part, number));
                let upload = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
                let reply = request
                    .key(self.key)
                    .upload_id(&id)
                    .multipart_upload(upload)
                    .if_match(&self.replaced.etag)
                    .send()
                    .await;
                let reply = match reply {
                    Ok(reply) => reply,
                    Err(error) => {
                        self.discard(Sent::Parts(id, Vec::new())).await;
                        return Err(trouble(&error));
                    }
                };
                self.ended().await;
                Ok(written(reply.version_id, reply.e_tag))
            }
        }
    }

    /// Aborts what was sent.
    pub(crate) async fn discard(&self, sent: Sent) {
        if let Sent::Parts(id, _) = sent {
            self.archive.abort(self.key, &id).await;
            self.ended().await;
        }
    }

    async fn ended(&self) {
        if let Err(failure) = self.ledger.ended(self.key).await {
            tracing::warn!(%failure, "an upload that has ended is still noted; that is harmless");
        }
    }
}

/// The version that S3 reports as written. Its size is learned when it is listed.
fn written(id: Option<String>, etag: Option<String>) -> Version {
    let id = id.unwrap_or_else(|| "null".to_owned());
    Version { id, etag: etag.unwrap_or_default(), size: 0, current: true }
}

fn completed(part: UploadPart, number: i32) -> CompletedPart {
    CompletedPart::builder().part_number(number).set_e_tag(part.etag).set_checksum_crc32(part.crc32).build()
}
