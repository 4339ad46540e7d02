//! Writes a file across several invocations: what each hands to the next, and the footer for the whole file.
//!
//! 1. An invocation that pauses keeps the metadata of the row groups so far in a footer of its own.
//! 2. The next starts where the output ended: the library is made to write that many bytes, which are discarded.
//! 3. The last joins both footers. Bloom filters follow their row group and are written already.

use std::io::{self, Write};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::page_index::PageIndexBuilder;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataWriter};
use parquet::file::writer::TrackedWrite;
use serde::{Deserialize, Serialize};

use super::{judge_parquet, read_metadata};
use crate::format::FormatError;
use crate::format::source::Outside;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// What an invocation hands to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::format) struct Kept {
    /// Bytes of the file written so far.
    pub(super) written: u64,
    /// Their footer, in base64.
    footer: String,
}

impl Kept {
    pub(super) fn new(written: u64, so_far: &ParquetMetaData) -> Result<Self> {
        Ok(Self { written, footer: BASE64_STANDARD.encode(footer(so_far, 0)?) })
    }

    pub(super) fn metadata(&self) -> std::result::Result<ParquetMetaData, FormatError> {
        let bytes = BASE64_STANDARD.decode(&self.footer);
        let bytes =
            bytes.map_err(|_| judge_parquet(ParquetError::General("a footer that was kept".into())))?;
        read_metadata(&Bytes::from(bytes))
    }
}

/// The metadata of the row groups of earlier invocations and of this one.
pub(super) fn join(before: &ParquetMetaData, after: &ParquetMetaData) -> Result<ParquetMetaData> {
    let columns = after.file_metadata().schema_descr().num_columns();
    let count = before.num_row_groups() + after.num_row_groups();
    let mut index = PageIndexBuilder::new(count, columns);
    let mut groups = Vec::with_capacity(count);
    for metadata in [before, after] {
        for (at, group) in metadata.row_groups().iter().enumerate() {
            let of_group = metadata.page_index_for_row_group(at);
            let place = groups.len();
            for column in 0..columns {
                if let Some(pages) = of_group.column_index(column) {
                    index.put_column_index(pages.clone(), place, column);
                }
                if let Some(offsets) = of_group.offset_index(column) {
                    index.put_offset_index(offsets.clone(), place, column);
                }
            }
            let ordinal =
                i32::try_from(place).map_err(|_| ParquetError::General("too many row groups".into()))?;
            groups.push(group.clone().into_builder().set_ordinal(ordinal).build()?);
        }
    }
    let file = ParquetMetaDataBuilder::new(after.file_metadata().clone());
    Ok(file.set_row_groups(groups).set_page_index(Some(Arc::new(index.build()))).build())
}

/// The page indexes and the footer, for position `at` of a file.
pub(super) fn footer(metadata: &ParquetMetaData, at: u64) -> Result<Vec<u8>> {
    let mut footer = Vec::new();
    let mut sink = TrackedWrite::new(Sink::new(&mut footer, at));
    skip(at, |zeros| sink.write_all(zeros))?;
    // The library drops its writer and, with it, errors of buffered writes: writing into memory has none.
    ParquetMetaDataWriter::new_with_tracked(sink, metadata)
        .with_preserve_page_index_locations(false)
        .finish()?;
    Ok(footer)
}

/// Writes this many zero bytes.
pub(super) fn skip(mut bytes: u64, mut write: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    while bytes > 0 {
        let zeros = usize::try_from(bytes).map_or(ZEROS.len(), |bytes| bytes.min(ZEROS.len()));
        write(&ZEROS[..zeros])?;
        bytes -= zeros as u64;
    }
    Ok(())
}

/// The output. Marks errors of the caller's writer, so that they are not mistaken for bad data.
pub(super) struct Sink<'w> {
    out: &'w mut (dyn Write + Send),
    /// Bytes to discard, because they are written already.
    skip: u64,
    /// Whether all further bytes are discarded.
    pub(super) closed: bool,
}

impl<'w> Sink<'w> {
    pub(super) fn new(out: &'w mut (dyn Write + Send), skip: u64) -> Self {
        Self { out, skip, closed: false }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        if self.skip > 0 {
            let skipped = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
            self.skip -= skipped as u64;
            return Ok(skipped);
        }
        self.out.write(bytes).map_err(|error| Outside(error).into())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|error| Outside(error).into())
    }
}
