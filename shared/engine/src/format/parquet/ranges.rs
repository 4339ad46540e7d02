//! Gives the library the bytes it requests, by ranges of the object.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::format::Object;
use crate::format::source::Outside;

/// Bytes fetched at a time when a column is copied.
const CHUNK_OF_COPY: u64 = 8 << 20;

/// The object itself, for the footer and for copying.
pub(super) struct Ranges<'o>(pub(super) &'o dyn Object);

impl Ranges<'_> {
    /// Fetches a part of the object into memory, addressed as in the object.
    pub(super) fn fetch(&self, start: u64, length: u64) -> Result<Chunk> {
        Ok(Chunk { start, bytes: self.bytes(start, length)? })
    }

    fn bytes(&self, start: u64, length: u64) -> Result<Bytes> {
        let end = start.checked_add(length).filter(|&end| end <= self.0.len());
        let end = end.ok_or_else(|| ParquetError::EOF("a range beyond the object".into()))?;
        let bytes =
            self.0.range(start..end).map_err(|error| ParquetError::External(Box::new(Outside(error))))?;
        if bytes.len() as u64 != length {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, "a range came shorter than asked for");
            return Err(ParquetError::External(Box::new(Outside(short))));
        }
        Ok(bytes)
    }
}

impl Length for Ranges<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<'o> ChunkReader for Ranges<'o> {
    type T = RangeReader<'o>;

    fn get_read(&self, start: u64) -> Result<RangeReader<'o>> {
        Ok(RangeReader { object: self.0, at: start, held: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.bytes(start, length as u64)
    }
}

/// Reads from a position onwards, a limited number of bytes at a time.
pub(super) struct RangeReader<'o> {
    object: &'o dyn Object,
    at: u64,
    held: Bytes,
}

impl Read for RangeReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            let end = self.object.len().min(self.at.saturating_add(CHUNK_OF_COPY));
            if self.at >= end {
                return Ok(0);
            }
            self.held = self.object.range(self.at..end).map_err(Outside)?;
            self.at = end;
        }
        let read = out.len().min(self.held.len());
        self.held.copy_to_slice(&mut out[..read]);
        Ok(read)
    }
}

/// A part of the object in memory, addressed as in the object.
pub(super) struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    fn from(&self, start: u64) -> Result<Bytes> {
        let from = start.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        let from = from.filter(|&from| from <= self.bytes.len());
        from.map(|from| self.bytes.slice(from..))
            .ok_or_else(|| ParquetError::EOF("a page beyond its chunk".into()))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("a page beyond its chunk".into()));
        }
        Ok(bytes.slice(..length))
    }
}
