//! One version of an S3 object, read by blocking code on a thread of its own.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf, Bytes};
use tokio::runtime::Handle;

use super::bucket::{Archive, Trouble, trouble};
use super::manifest::Version;
use crate::format::Object;

/// A version of an object. Every read insists on its entity tag.
pub(super) struct S3Object {
    pub(super) archive: Archive,
    pub(super) key: String,
    pub(super) version: Version,
    /// The runtime on which the calls run while the reader's thread waits.
    pub(super) runtime: Handle,
}

/// What S3 said instead of giving bytes, on its way through the engine.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Trouble);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3 refused to give the object")
    }
}

impl Error for Refused {}

impl S3Object {
    fn get(&self, range: Option<String>) -> io::Result<ByteStream> {
        let request = self.archive.client.get_object().bucket(&self.archive.bucket).key(&self.key);
        let request = request.version_id(&self.version.id).if_match(&self.version.etag).set_range(range);
        let reply = self.runtime.block_on(request.send());
        reply.map(|reply| reply.body).map_err(|error| {
            let status = error.raw_response().map(|response| response.status().as_u16());
            io::Error::other(Refused(trouble(&error, status)))
        })
    }
}

impl Object for S3Object {
    fn len(&self) -> u64 {
        self.version.size
    }

    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let body = self.get((from > 0).then(|| format!("bytes={from}-")))?;
        Ok(Box::new(Body { body, chunk: Bytes::new(), runtime: self.runtime.clone() }))
    }

    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let body = self.get(Some(format!("bytes={}-{}", range.start, range.end - 1)))?;
        let bytes = self.runtime.block_on(body.collect()).map_err(io::Error::other)?.into_bytes();
        match bytes.len() as u64 == range.end - range.start {
            true => Ok(bytes),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

struct Body {
    body: ByteStream,
    chunk: Bytes,
    runtime: Handle,
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.body.next()) {
                Some(chunk) => self.chunk = chunk.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let read = self.chunk.len().min(out.len());
        self.chunk.copy_to_slice(&mut out[..read]);
        Ok(read)
    }
}
