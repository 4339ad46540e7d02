//! Dictionaries of column chunks. Some writers (pandas' categories, Arrow's dictionaries) put a whole dictionary into every
//! row group, whatever rows it has: so a value may stand in a file of which no row has it.

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use parquet::basic::{Encoding, PageType, Type as Physical};
use parquet::column::page::{Page, PageReader};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::columns::Column;
use super::ranges::Ranges;
use super::{CORRUPT, judge_parquet, pages};
use crate::format::FormatError;
use crate::matching::Matcher;

/// Records read at a time.
const BATCH: usize = 4096;

/// A column chunk's dictionary.
pub(super) struct Dictionary {
    page: Bytes,
    count: u32,
    /// Whether every value of the chunk is in it.
    holds_all: bool,
}

/// Which subjects a dictionary names.
#[derive(Default)]
pub(super) struct Listed {
    /// Subjects that a value names, whatever a rule's condition says.
    pub(super) subjects: BTreeSet<u32>,
    /// Whether all values of the chunk are in the dictionary, and none of them has to be looked at.
    pub(super) rules_out: bool,
}

impl Dictionary {
    /// Reads the dictionary page of a chunk, and as little else as possible. `None`, if it has none.
    ///
    /// # Errors
    /// `Io`, if the object cannot be read; `Corrupt`, if the page cannot be.
    pub(super) fn of(
        ranges: &Ranges<'_>,
        chunk: &ColumnChunkMetaData,
    ) -> std::result::Result<Option<Self>, FormatError> {
        if chunk.dictionary_page_offset().is_none() && !chunk.encodings().any(is_by_dictionary) {
            return Ok(None);
        }
        let (first, end) = (chunk.byte_range().0, chunk.data_page_offset().unsigned_abs());
        // Some writers do not say where the dictionary is: it is the first page.
        let length = if first < end { end - first } else { chunk.byte_range().1 };
        let bytes = ranges.fetch(first, length).map_err(judge_parquet)?;
        let mut pages = SerializedPageReader::new(bytes.into(), chunk, 0, None).map_err(judge_parquet)?;
        let Some(Page::DictionaryPage { buf, num_values, encoding, .. }) =
            pages.get_next_page().map_err(judge_parquet)?
        else {
            return Ok(None);
        };
        if !matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY) {
            return Err(FormatError::Corrupt(CORRUPT));
        }
        let is_data = |page: PageType| matches!(page, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
        let holds_all = chunk.page_encoding_stats().is_some_and(|pages| {
            pages
                .iter()
                .all(|page| !is_data(page.page_type) || page.count == 0 || is_by_dictionary(page.encoding))
        });
        Ok(Some(Self { page: buf, count: num_values, holds_all }))
    }

    /// What its values say of the subjects.
    pub(super) fn listed(&self, column: &Column<'_>, matcher: &Matcher) -> Listed {
        let (mut subjects, mut concerns) = (BTreeSet::new(), false);
        let is_read = column.plain_values(&self.page, self.count, |value| {
            if matcher.concerns(column.node, value) {
                concerns = true;
                let mut found = matcher.record();
                found.typed(value, column.node);
                subjects.extend(found.named());
            }
        });
        Listed { subjects, rules_out: self.holds_all && is_read && !concerns }
    }

    /// Whether it has a value that stands in no row of its chunk.
    ///
    /// # Errors
    /// `Io`, if the object cannot be read; `Corrupt`, if the chunk cannot be.
    pub(super) fn is_stale(
        &self,
        ranges: &Ranges<'_>,
        group: &RowGroupMetaData,
        chunk: &ColumnChunkMetaData,
    ) -> std::result::Result<bool, FormatError> {
        if i64::from(self.count) > chunk.num_values() {
            return Ok(true);
        }
        let Some(mut unused) = self.values(chunk) else { return Err(FormatError::Corrupt(CORRUPT)) };
        let descriptor = chunk.column_descr_ptr();
        let reader = get_column_reader(descriptor, Box::new(pages(ranges, group, chunk)?));
        use ColumnReader as R;
        match reader {
            R::BoolColumnReader(_) => Ok(()),
            R::Int32ColumnReader(reader) => strike(reader, &mut unused),
            R::Int64ColumnReader(reader) => strike(reader, &mut unused),
            R::Int96ColumnReader(reader) => strike(reader, &mut unused),
            R::FloatColumnReader(reader) => strike(reader, &mut unused),
            R::DoubleColumnReader(reader) => strike(reader, &mut unused),
            R::ByteArrayColumnReader(reader) => strike(reader, &mut unused),
            R::FixedLenByteArrayColumnReader(reader) => strike(reader, &mut unused),
        }
        .map_err(judge_parquet)?;
        Ok(!unused.is_empty())
    }

    /// Its values, each once. `None`, if they cannot be read.
    fn values(&self, chunk: &ColumnChunkMetaData) -> Option<HashSet<&[u8]>> {
        let width = match chunk.column_type() {
            Physical::BYTE_ARRAY => 0,
            Physical::INT32 | Physical::FLOAT => 4,
            Physical::INT64 | Physical::DOUBLE => 8,
            Physical::INT96 => 12,
            Physical::FIXED_LEN_BYTE_ARRAY => usize::try_from(chunk.column_descr().type_length()).ok()?,
            Physical::BOOLEAN => return None,
        };
        let mut page = &self.page[..];
        let mut next = || match width {
            0 => {
                let length = page.split_off(..4)?.try_into().ok()?;
                page.split_off(..u32::from_le_bytes(length) as usize)
            }
            width => page.split_off(..width),
        };
        (0..self.count).map(|_| next()).collect()
    }
}

fn is_by_dictionary(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
}

/// Takes what a column has away from `unused`, until nothing is left.
fn strike<T: DataType>(mut reader: ColumnReaderImpl<T>, unused: &mut HashSet<&[u8]>) -> Result<()> {
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    while !unused.is_empty() {
        definitions.clear();
        repetitions.clear();
        values.clear();
        let (_, _, levels) =
            reader.read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
        if levels == 0 {
            break;
        }
        for value in &values {
            unused.remove(value.as_bytes());
        }
    }
    Ok(())
}
