//! Reads an object from the front and separates two kinds of failure: reading or writing failed (retry), or the data is
//! bad (do not retry).

use std::error::Error;
use std::fmt;
use std::io::{self, Read};

use super::{FormatError, Object};

/// Bytes requested from the source at a time.
const CHUNK: usize = 128 << 10;

/// The object's bytes through one buffer. An end before the object's length is an error of the source: otherwise the
/// missing bytes would be lost from the rewritten object.
pub(super) struct ByteSource<'o> {
    reader: Box<dyn Read + Send + 'o>,
    len: u64,
    left: u64,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// Marks an error of the object or of the writer while it passes through a library's decoder or encoder.
#[derive(Debug)]
pub(super) struct Outside(pub(super) io::Error);

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Outside {}

impl From<Outside> for io::Error {
    fn from(error: Outside) -> Self {
        Self::other(error)
    }
}

impl<'o> ByteSource<'o> {
    /// Starts at byte `from`.
    pub(super) fn open(object: &'o dyn Object, from: u64) -> Result<Self, FormatError> {
        let reader = object.reader(from).map_err(FormatError::Io)?;
        let (len, left) = (object.len(), object.len().saturating_sub(from));
        Ok(Self { reader, len, left, buffer: vec![0; CHUNK].into(), start: 0, end: 0 })
    }

    /// Position of the next byte in the object.
    pub(super) fn position(&self) -> u64 {
        self.len - self.left - (self.end - self.start) as u64
    }

    /// The first bytes of the object: all of it, or a full buffer. Call this before anything is consumed.
    pub(super) fn head(&mut self) -> Result<&[u8], FormatError> {
        while self.end < self.buffer.len() && self.more().map_err(FormatError::Io)? {}
        Ok(&self.buffer[..self.end])
    }

    /// The next bytes; empty at the end of the object.
    pub(super) fn chunk(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.more().map_err(Outside)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The next bytes, at least `least` unless the object ends first, and whether the end of the object was reached.
    pub(super) fn window(&mut self, least: usize) -> io::Result<(&[u8], bool)> {
        let mut ends = false;
        while self.end - self.start < least && !ends {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            ends = !self.more().map_err(Outside)?;
        }
        Ok((&self.buffer[self.start..self.end], ends))
    }

    /// Marks bytes of the last chunk as read.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Reads more bytes after `end`; `false` at the end of the object.
    fn more(&mut self) -> io::Result<bool> {
        let read = loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the object ended before its length");
        let long = || io::Error::new(io::ErrorKind::InvalidData, "the object went on after its length");
        if read == 0 && self.left > 0 {
            return Err(short());
        }
        self.left = self.left.checked_sub(read as u64).ok_or_else(long)?;
        self.end += read;
        Ok(read > 0)
    }
}

impl Read for ByteSource<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let chunk = self.chunk()?;
        let read = chunk.len().min(out.len());
        out[..read].copy_from_slice(&chunk[..read]);
        self.consume(read);
        Ok(read)
    }
}

/// Classifies an error from a decoder: `Io`, if it came from outside the decoder; otherwise `Corrupt` with this
/// message.
pub(super) fn judge(error: io::Error, corrupt: &'static str) -> FormatError {
    match error.downcast::<Outside>() {
        Ok(Outside(error)) => FormatError::Io(error),
        Err(_) => FormatError::Corrupt(corrupt),
    }
}
