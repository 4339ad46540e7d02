//! A file that is written in several goes: what one leaves to the next, and the footer that speaks for all.
//!
//! 1. A go that pauses keeps what a footer would say of the row groups so far, in a footer of its own.
//! 2. The next begins where the object ended: the library is told of so many bytes, which go nowhere.
//! 3. The last joins both footers. Bloom filters stand behind their row group and are there already.

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

/// What a go leaves to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::format) struct Kept {
    /// How many bytes of the file are written.
    pub(super) written: u64,
    /// What a footer says of them, as base64.
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

/// The metadata of the row groups of earlier goes and of this one.
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

/// Page indexes and footer, as they stand at this place of a file.
pub(super) fn footer(metadata: &ParquetMetaData, at: u64) -> Result<Vec<u8>> {
    let mut footer = Vec::new();
    let mut sink = TrackedWrite::new(Sink::new(&mut footer, at));
    skip(at, |zeros| sink.write_all(zeros))?;
    // The library drops its writer and, with it, errors of what it holds back: into memory there are none.
    ParquetMetaDataWriter::new_with_tracked(sink, metadata)
        .with_preserve_page_index_locations(false)
        .finish()?;
    Ok(footer)
}

/// Has so many bytes written.
pub(super) fn skip(mut bytes: u64, mut write: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    while bytes > 0 {
        let zeros = usize::try_from(bytes).map_or(ZEROS.len(), |bytes| bytes.min(ZEROS.len()));
        write(&ZEROS[..zeros])?;
        bytes -= zeros as u64;
    }
    Ok(())
}

/// Where the file goes. Marks errors of the caller's writer, so that they are not taken for bad data.
pub(super) struct Sink<'w> {
    out: &'w mut (dyn Write + Send),
    /// How many bytes are there already.
    skip: u64,
    /// Whether what comes is not wanted.
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
