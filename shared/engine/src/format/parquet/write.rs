//! Writes a copy of a Parquet file without some of its rows.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::bloom_filter::Sbbf;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, ColumnWriterImpl, get_column_writer};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};

use super::dictionary::Dictionary;
use super::ranges::Ranges;
use super::resume::{Kept, Sink, footer, join, skip};
use super::{CORRUPT, judge_parquet, pages};
use crate::format::FormatError;
use crate::format::source::judge;

/// Records rewritten at a time.
const BATCH: usize = 4096;

/// The new file.
pub(super) struct Writer<'w, 'm> {
    file: SerializedFileWriter<Sink<'w>>,
    metadata: &'m ParquetMetaData,
    /// Metadata of what earlier invocations wrote.
    before: Option<ParquetMetaData>,
}

impl<'w, 'm> Writer<'w, 'm> {
    /// Starts a file, or resumes one where an earlier invocation paused.
    pub(super) fn new(
        out: &'w mut (dyn Write + Send),
        metadata: &'m ParquetMetaData,
        kept: Option<Kept>,
    ) -> std::result::Result<Self, FormatError> {
        let of_file = metadata.file_metadata();
        // The library can only write one sort order for the whole file.
        let mut orders = metadata.row_groups().iter().map(RowGroupMetaData::sorting_columns);
        let order = orders.next().flatten().filter(|order| orders.all(|other| other == Some(order)));
        let properties = builder(of_file.version() >= 2)
            .set_created_by(of_file.created_by().unwrap_or_default().to_owned())
            .set_key_value_metadata(of_file.key_value_metadata().cloned())
            .set_sorting_columns(order.cloned())
            .build();
        let schema = of_file.schema_descr().root_schema_ptr();
        let before = kept.as_ref().map(Kept::metadata).transpose()?;
        let written = kept.map_or(0, |kept| kept.written);
        let mut file = SerializedFileWriter::new(Sink::new(out, written), schema, Arc::new(properties))
            .map_err(judge_parquet)?;
        let begun = file.bytes_written() as u64;
        skip(written.saturating_sub(begun), |zeros| file.write_all(zeros)).map_err(FormatError::Io)?;
        Ok(Self { file, metadata, before })
    }

    /// Writes the next row group without these rows, which are in order.
    pub(super) fn row_group(
        &mut self,
        ranges: &Ranges<'_>,
        at: usize,
        gone: &[u64],
    ) -> std::result::Result<(), FormatError> {
        let group = self.metadata.row_group(at);
        if gone.len() as u64 == group.num_rows() as u64 && !gone.is_empty() {
            return Ok(());
        }
        let index = self.metadata.page_index_for_row_group(at);
        let mut writer = self.file.next_row_group().map_err(judge_parquet)?;
        for (column, chunk) in group.columns().iter().enumerate() {
            let (pages_index, offsets) = (index.column_index(column), index.offset_index(column));
            if gone.is_empty() && !has_stale_dictionary(ranges, group, chunk)? {
                let close = ColumnCloseResult {
                    bytes_written: chunk.compressed_size() as u64,
                    rows_written: group.num_rows() as u64,
                    metadata: chunk.clone(),
                    bloom_filter: Sbbf::read_from_column_chunk(chunk, ranges).map_err(judge_parquet)?,
                    column_index: pages_index.cloned(),
                    offset_index: offsets.cloned(),
                };
                writer.append_column(ranges, close).map_err(judge_parquet)?;
            } else {
                let properties = as_before(chunk, group, pages_index.is_some(), offsets.is_some());
                let (bytes, close) = without(ranges, group, chunk, gone, properties)?;
                writer.append_column(&bytes, close).map_err(judge_parquet)?;
            }
        }
        writer.close().map_err(judge_parquet)?;
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> std::result::Result<(), FormatError> {
        let Some(before) = self.before.take() else {
            return self.file.close().map(drop).map_err(judge_parquet);
        };
        let (written, metadata) = self.end().map_err(judge_parquet)?;
        let footer = join(&before, &metadata).and_then(|all| footer(&all, written)).map_err(judge_parquet)?;
        let sink = self.file.inner_mut();
        sink.closed = false;
        sink.write_all(&footer).and_then(|()| sink.flush()).map_err(|error| judge(error, CORRUPT))
    }

    /// Leaves the file to another invocation.
    pub(super) fn pause(mut self) -> std::result::Result<Kept, FormatError> {
        let (written, metadata) = self.end().map_err(judge_parquet)?;
        let all = match &self.before {
            Some(before) => join(before, &metadata).map_err(judge_parquet)?,
            None => metadata,
        };
        Kept::new(written, &all).map_err(judge_parquet)
    }

    /// Ends this invocation's output: the bytes written, and the metadata of its row groups. Its footer is not written.
    fn end(&mut self) -> Result<(u64, ParquetMetaData)> {
        self.file.flush()?;
        let written = self.file.bytes_written() as u64;
        self.file.inner_mut().closed = true;
        Ok((written, self.file.finish()?))
    }
}

fn has_stale_dictionary(
    ranges: &Ranges<'_>,
    group: &RowGroupMetaData,
    chunk: &ColumnChunkMetaData,
) -> std::result::Result<bool, FormatError> {
    Dictionary::of(ranges, chunk)?.map_or(Ok(false), |dictionary| dictionary.is_stale(ranges, group, chunk))
}

fn builder(version_2: bool) -> WriterPropertiesBuilder {
    let version = if version_2 { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    WriterProperties::builder().set_writer_version(version)
}

/// The properties to write a column chunk as it was.
fn as_before(
    chunk: &ColumnChunkMetaData,
    group: &RowGroupMetaData,
    has_column_index: bool,
    has_offset_index: bool,
) -> WriterProperties {
    use parquet::basic::PageType;
    let pages = chunk.page_encoding_stats().map(Vec::as_slice).unwrap_or_default();
    let by_dictionary = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    let other = chunk.encodings().find(|&encoding| {
        !by_dictionary(encoding)
            && !matches!(encoding, Encoding::RLE | Encoding::PLAIN)
            && !is_deprecated(encoding)
    });
    let statistics = match chunk.statistics() {
        _ if has_column_index => EnabledStatistics::Page,
        Some(_) => EnabledStatistics::Chunk,
        None => EnabledStatistics::None,
    };
    let mut properties = builder(pages.iter().any(|page| page.page_type == PageType::DATA_PAGE_V2))
        .set_compression(chunk.compression())
        .set_dictionary_enabled(chunk.encodings().any(by_dictionary))
        .set_encoding(other.unwrap_or(Encoding::PLAIN))
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(!has_offset_index);
    if chunk.bloom_filter_offset().is_some() {
        properties =
            properties.set_bloom_filter_enabled(true).set_bloom_filter_max_ndv(group.num_rows() as u64);
    }
    properties.build()
}

/// Whether an encoding is only for levels, or no longer written.
#[expect(deprecated, reason = "old files name it")]
fn is_deprecated(encoding: Encoding) -> bool {
    encoding == Encoding::BIT_PACKED
}

/// A column chunk without these rows: its bytes, and its metadata for the footer.
fn without(
    ranges: &Ranges<'_>,
    group: &RowGroupMetaData,
    chunk: &ColumnChunkMetaData,
    gone: &[u64],
    properties: WriterProperties,
) -> std::result::Result<(Bytes, ColumnCloseResult), FormatError> {
    let descriptor = chunk.column_descr_ptr();
    let reader = get_column_reader(descriptor.clone(), Box::new(pages(ranges, group, chunk)?));
    let mut bytes = TrackedWrite::new(Vec::new());
    let pages = SerializedPageWriter::new(&mut bytes);
    let writer = get_column_writer(descriptor, Arc::new(properties), Box::new(pages));
    let close = copy_column(reader, writer, gone).map_err(judge_parquet)?;
    if close.rows_written + gone.len() as u64 != group.num_rows() as u64 {
        return Err(FormatError::Corrupt(CORRUPT));
    }
    Ok((bytes.into_inner().map_err(judge_parquet)?.into(), close))
}

fn copy_column(
    reader: ColumnReader,
    mut writer: ColumnWriter<'_>,
    gone: &[u64],
) -> Result<ColumnCloseResult> {
    use {ColumnReader as R, ColumnWriter as W};
    match (reader, &mut writer) {
        (R::BoolColumnReader(from), W::BoolColumnWriter(to)) => copy(from, to, gone),
        (R::Int32ColumnReader(from), W::Int32ColumnWriter(to)) => copy(from, to, gone),
        (R::Int64ColumnReader(from), W::Int64ColumnWriter(to)) => copy(from, to, gone),
        (R::Int96ColumnReader(from), W::Int96ColumnWriter(to)) => copy(from, to, gone),
        (R::FloatColumnReader(from), W::FloatColumnWriter(to)) => copy(from, to, gone),
        (R::DoubleColumnReader(from), W::DoubleColumnWriter(to)) => copy(from, to, gone),
        (R::ByteArrayColumnReader(from), W::ByteArrayColumnWriter(to)) => copy(from, to, gone),
        (R::FixedLenByteArrayColumnReader(from), W::FixedLenByteArrayColumnWriter(to)) => {
            copy(from, to, gone)
        }
        _ => Err(ParquetError::General("one column of two types".into())),
    }?;
    writer.close()
}

/// Copies values and levels, except those of the rows to be removed.
fn copy<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    to: &mut ColumnWriterImpl<'_, T>,
    gone: &[u64],
) -> Result<()> {
    let (max_definition, max_repetition) =
        (to.get_descriptor().max_def_level(), to.get_descriptor().max_rep_level());
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut gone = gone.iter().copied().peekable();
    let mut rows = 0u64;
    loop {
        definitions.clear();
        repetitions.clear();
        values.clear();
        let (_, _, levels) =
            from.read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
        if levels == 0 {
            return Ok(());
        }
        // Moves kept levels and values to the front.
        let (mut kept_levels, mut kept_values, mut value, mut goes) = (0, 0, 0, false);
        for level in 0..levels {
            if max_repetition == 0 || repetitions[level] == 0 {
                goes = gone.next_if_eq(&rows).is_some();
                rows += 1;
            }
            let has_value = max_definition == 0 || definitions[level] == max_definition;
            if !goes {
                if max_definition > 0 {
                    definitions[kept_levels] = definitions[level];
                }
                if max_repetition > 0 {
                    repetitions[kept_levels] = repetitions[level];
                }
                kept_levels += 1;
                if has_value {
                    values.swap(kept_values, value);
                    kept_values += 1;
                }
            }
            value += usize::from(has_value);
        }
        to.write_batch(
            &values[..kept_values],
            (max_definition > 0).then(|| &definitions[..kept_levels]),
            (max_repetition > 0).then(|| &repetitions[..kept_levels]),
        )?;
    }
}
