//! One version of an S3 object, read by blocking code on a thread of its own.

use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf, Bytes};
use tokio::runtime::Handle;

use crate::bucket::Archive;
use crate::run_plan::Version;
use crate::trouble::{Trouble, trouble};
use engine::format::Object;

/// A version of an object. Every read requires its entity tag.
pub(crate) struct S3Object {
    pub(crate) archive: Archive,
    pub(crate) key: String,
    pub(crate) version: Version,
    /// Counts the bytes that S3 sends.
    pub(crate) read: Arc<AtomicU64>,
    /// The runtime on which the calls run while the reader's thread waits.
    pub(crate) runtime: Handle,
}

/// S3's refusal to send bytes, on its way through the engine.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Trouble);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3 refused to give the object")
    }
}

impl Error for Refused {}

impl Archive {
    /// A version's bytes.
    pub(crate) fn object(&self, key: &str, version: &Version) -> S3Object {
        S3Object {
            archive: self.clone(),
            key: key.to_owned(),
            version: version.clone(),
            read: Arc::default(),
            runtime: Handle::current(),
        }
    }
}

impl S3Object {
    /// The bytes from `from` on, up to but not including `until`, if given.
    fn get(&self, from: u64, until: Option<u64>) -> io::Result<Body> {
        let last = until.map(|until| (until - 1).to_string()).unwrap_or_default();
        let range = (from > 0 || until.is_some()).then(|| format!("bytes={from}-{last}"));
        let request = self.archive.client.get_object().bucket(&self.archive.bucket).key(&self.key);
        let request = request.version_id(&self.version.id).if_match(&self.version.etag).set_range(range);
        let reply = self
            .runtime
            .block_on(request.send())
            .map_err(|error| io::Error::other(Refused(trouble(&error))))?;
        let begins = begins(reply.content_range.as_deref());
        let ahead = begins.and_then(|begins| from.checked_sub(begins)).ok_or(io::ErrorKind::InvalidData)?;
        let (read, runtime) = (self.read.clone(), self.runtime.clone());
        Ok(Body { body: reply.body, ahead, chunk: Bytes::new(), read, runtime })
    }
}

/// The first byte that a response holds. A response without `Content-Range` holds the whole, whatever was asked for
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-14.2>: a server may ignore a range). The local S3 does so where a
/// version is named.
fn begins(content_range: Option<&str>) -> Option<u64> {
    let Some(range) = content_range else { return Some(0) };
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

impl Object for S3Object {
    fn len(&self) -> u64 {
        self.version.size
    }

    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        // S3 refuses a range that begins at the end.
        if from > 0 && from == self.len() {
            return Ok(Box::new(io::empty()));
        }
        Ok(Box::new(self.get(from, None)?))
    }

    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let len = range.end - range.start;
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
        self.get(range.start, Some(range.end))?.take(len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == len { Ok(bytes.into()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

struct Body {
    body: ByteStream,
    /// Number of bytes before those that were asked for.
    ahead: u64,
    chunk: Bytes,
    read: Arc<AtomicU64>,
    runtime: Handle,
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let Some(chunk) = self.runtime.block_on(self.body.next()) else { return Ok(0) };
            self.chunk = chunk.map_err(io::Error::other)?;
            self.read.fetch_add(self.chunk.len() as u64, Ordering::Relaxed);
            let ahead = self.chunk.len().min(usize::try_from(self.ahead).unwrap_or(usize::MAX));
            self.chunk.advance(ahead);
            self.ahead -= ahead as u64;
        }
        let read = self.chunk.len().min(out.len());
        self.chunk.copy_to_slice(&mut out[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

    use super::*;

    const CONTENT: &[u8] = b"0123456789";

    /// An S3 that returns one object for every call, and either keeps to ranges or always sends the whole.
    fn s3(keeps_to_ranges: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
                let range = head
                    .iter()
                    .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
                let (status, more, body) = match range.filter(|_| keeps_to_ranges) {
                    None => ("200 OK", String::new(), CONTENT),
                    Some(range) => {
                        let (from, last) = range.split_once('-').unwrap();
                        let (from, last) = (from.parse::<usize>().unwrap(), last.parse().unwrap_or(9).min(9));
                        assert!(from < CONTENT.len(), "S3 refuses it");
                        let more = format!("Content-Range: bytes {from}-{last}/10\r\n");
                        ("206 Partial Content", more, &CONTENT[from..=last])
                    }
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n"
                );
                stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn a_part_is_the_part_that_was_asked_for_even_if_the_whole_comes() {
        for keeps_to_ranges in [true, false] {
            let config = aws_sdk_s3::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new("a", "b", None, None, "test"))
                .endpoint_url(s3(keeps_to_ranges))
                .force_path_style(true);
            let client = aws_sdk_s3::Client::from_conf(config.build());
            let version = Version { id: "v".into(), etag: "e".into(), size: 10, current: true };
            let archive = Archive::new(client, "bucket".into(), None);
            let (key, read, runtime) = ("key".to_owned(), Arc::default(), Handle::current());
            let object = S3Object { archive, key, version, read, runtime };
            let read = tokio::task::spawn_blocking(move || {
                for from in [0, 1, 7, 10] {
                    let mut rest = Vec::new();
                    object.reader(from).unwrap().read_to_end(&mut rest).unwrap();
                    assert_eq!(rest, &CONTENT[from as usize..], "from {from}");
                }
                for range in [0..10, 0..3, 4..6, 9..10, 5..5] {
                    let part = object.range(range.clone()).unwrap();
                    assert_eq!(part, CONTENT[range.start as usize..range.end as usize], "{range:?}");
                }
                assert!(object.range(8..11).is_err(), "more than there is");
            });
            read.await.unwrap();
        }
    }

    #[test]
    fn an_answer_says_where_it_begins() {
        assert_eq!(begins(None), Some(0));
        assert_eq!(begins(Some("bytes 5-9/10")), Some(5));
        assert_eq!(begins(Some("bytes */10")), None);
        assert_eq!(begins(Some("rubbish")), None);
    }
}
