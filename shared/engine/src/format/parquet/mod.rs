//! Parquet, read by row groups and ranges, never as a whole.
//!
//! 1. The footer gives schema and row groups. `walk` finds the columns at a rule's path.
//! 2. Per row group and identifier column: if every page is dictionary-encoded and the dictionary holds no subject's
//!    identifier, the column is done. Otherwise its values are read and matching rows are collected.
//! 3. A row group without such rows is copied as it is, with its indexes and Bloom filters, but for columns whose
//!    dictionary has a value that no row has: these are written anew. A file with a subject in such a place alone is
//!    [`Report::stale`].
//! 4. A row group with such rows is rewritten without them, column by column: values and levels as they were, same
//!    codec and kind of encoding. One that would be empty is dropped.
//! 5. Schema, key-value metadata, version and author of the file stay.

mod columns;
mod dictionary;
mod ranges;
mod resume;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod types;
mod walk;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use parquet::basic::Compression;
use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    RowGroupMetaData,
};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use serde_json::Value;

use self::columns::Column;
use self::dictionary::Dictionary;
use self::ranges::{Chunk, Ranges};
use super::source::{Outside, judge};
use super::{Codec, Content, Format, FormatError, Object, Pause, Report, Rewritten};
use crate::matching::{Found, Matcher, Typed, Verdict};
pub(super) use resume::Kept;

pub(super) const ENCRYPTED: &str = "encrypted Parquet";
const ENUM: &str =
    "Parquet whose schema names a subject in the categories of a polars Enum: have it written as text";
const LIST: &str =
    "Parquet whose footer names a subject in a list of its key-value metadata: have it written without";
const CORRUPT: &str = "Parquet data that breaks its own format";

/// Scans or rewrites a file. The library panics on some damaged pages (found by fuzzing version 60): such an object
/// must be refused like any other and not stop the work on the objects after it. Nothing that the panic may have left
/// inconsistent is used again.
pub(super) fn purge(
    object: &dyn Object,
    out: Option<&mut (dyn Write + Send)>,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    catch_unwind(AssertUnwindSafe(|| purge_or_panic(object, out, matcher, from, pause)))
        .unwrap_or(Err(FormatError::Corrupt(CORRUPT)))
}

/// Checks by its footer whether the rules can be applied to a file.
pub(super) fn check(object: &dyn Object, matcher: &Matcher) -> Result<(), FormatError> {
    let check = || {
        let metadata = read_metadata(&Ranges(object))?;
        walk::of_rules(metadata.file_metadata().schema_descr(), matcher)?;
        metadata.row_groups().iter().try_for_each(check_group)
    };
    catch_unwind(AssertUnwindSafe(check)).unwrap_or(Err(FormatError::Corrupt(CORRUPT)))
}

fn purge_or_panic(
    object: &dyn Object,
    out: Option<&mut (dyn Write + Send)>,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    let ranges = Ranges(object);
    let metadata = read_metadata(&ranges)?;
    let columns = walk::of_rules(metadata.file_metadata().schema_descr(), matcher)?;
    if names_a_subject_in_an_enum(&metadata, matcher) {
        return Err(FormatError::Unsupported(ENUM.into()));
    }
    if names_a_subject_in_a_list(&metadata, matcher) {
        return Err(FormatError::Unsupported(LIST.into()));
    }
    let format = Format { content: Content::Parquet, codec: Codec::Plain };
    let begun = (0, Report { format, ..Report::default() }, None);
    let (done, mut report, kept) = from.map_or(begun, |from| (from.done, from.report, from.kept));
    let kept = kept.and_then(super::Kept::parquet);
    let mut writer = out.map(|out| write::Writer::new(out, &metadata, kept)).transpose()?;
    for (at, group) in metadata.row_groups().iter().enumerate().skip(done as usize) {
        check_group(group)?;
        let gone = rows_that_go(&ranges, group, &columns, matcher, &mut report)?;
        report.lines += group.num_rows() as u64;
        report.bytes += group.columns().iter().map(|column| column.uncompressed_size() as u64).sum::<u64>();
        if let Some(writer) = &mut writer {
            writer.row_group(&ranges, at, &gone)?;
        }
        if at + 1 < metadata.num_row_groups() && pause() {
            let done = at as u64 + 1;
            let kept = writer.map(write::Writer::pause).transpose()?.map(super::Kept::Parquet);
            return Ok(Rewritten::Paused(Pause { done, report, kept, ..Pause::default() }));
        }
    }
    if let Some(writer) = writer {
        writer.finish()?;
    }
    Ok(Rewritten::Whole(report))
}

/// Whether the Arrow schema in the footer lists the categories of polars' `Enum`, and a subject's identifier is in it. They
/// belong to the schema, which is kept.
fn names_a_subject_in_an_enum(metadata: &ParquetMetaData, matcher: &Matcher) -> bool {
    let known = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let schemas = known.filter(|known| known.key == "ARROW:schema").filter_map(|known| known.value.as_ref());
    schemas.filter_map(|schema| STANDARD.decode(schema).ok()).any(|schema| {
        memmem::find(&schema, b"_PL_ENUM_VALUES").is_some() && matcher.raw_bytes_hold_an_identifier(&schema)
    })
}

/// Whether a list of texts in the footer's key-value metadata names a subject, as the labels of Spark's StringIndexer do.
fn names_a_subject_in_a_list(metadata: &ParquetMetaData, matcher: &Matcher) -> bool {
    fn any(value: &Value, matcher: &Matcher) -> bool {
        match value {
            Value::Array(values) => values
                .iter()
                .any(|value| value.as_str().map_or_else(|| any(value, matcher), |text| matcher.names(text))),
            Value::Object(fields) => fields.values().any(|value| any(value, matcher)),
            _ => false,
        }
    }
    let known = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let values = known.filter_map(|known| serde_json::from_str(known.value.as_ref()?).ok());
    values.into_iter().any(|value: Value| any(&value, matcher))
}

fn read_metadata(file: &impl ChunkReader) -> Result<ParquetMetaData, FormatError> {
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    ParquetMetaDataReader::new()
        .with_metadata_options(Some(options))
        .with_page_index_policy(PageIndexPolicy::Optional)
        .parse_and_finish(file)
        .map_err(judge_parquet)
}

/// Checks what the library would trust.
fn check_group(group: &RowGroupMetaData) -> Result<(), FormatError> {
    for column in group.columns() {
        let offsets = [column.data_page_offset(), column.dictionary_page_offset().unwrap_or(0)];
        let sizes =
            [column.compressed_size(), column.uncompressed_size(), column.num_values(), group.num_rows()];
        if offsets.iter().chain(&sizes).any(|&number| number < 0) {
            return Err(FormatError::Corrupt(CORRUPT));
        }
        if column.file_path().is_some() {
            return Err(FormatError::Unsupported("Parquet with columns in other files".into()));
        }
        if column.crypto_metadata().is_some() {
            return Err(FormatError::Unsupported(ENCRYPTED.into()));
        }
        if column.compression() == Compression::LZO {
            return Err(FormatError::Unsupported("Parquet compressed by LZO".into()));
        }
    }
    Ok(())
}

/// The rows of a group to be removed, in order. Counts them in the report.
fn rows_that_go(
    ranges: &Ranges<'_>,
    group: &RowGroupMetaData,
    columns: &[Column<'_>],
    matcher: &Matcher,
    report: &mut Report,
) -> Result<Vec<u64>, FormatError> {
    let mut rows: BTreeMap<u64, Found<'_>> = BTreeMap::new();
    let mut opaque: BTreeSet<u64> = BTreeSet::new();
    for column in columns.iter().filter(|column| column.node.leads_to_identifier()) {
        let dictionary = Dictionary::of(ranges, group.column(column.index))?;
        let mut listed = dictionary.map(|it| it.listed(column, matcher)).unwrap_or_default();
        if listed.rules_out {
            continue;
        }
        read_column(ranges, group, column, |row, value| {
            if matcher.concerns(column.node, value) {
                let mut found = matcher.record();
                found.typed(value, column.node);
                if found.is_opaque() {
                    opaque.insert(row);
                }
                if found.names_somebody() {
                    listed.subjects.retain(|&subject| found.named().all(|named| named != subject));
                    column.add(value, rows.entry(row).or_insert_with(|| matcher.record()));
                }
            }
        })?;
        report.count_stale(stale(ranges, group, column, matcher, listed.subjects)?);
    }
    // Conditions matter only where a value is a subject's; other people's identifiers only if that may be in a list.
    let in_lists = columns.iter().any(|column| column.in_list && column.node.leads_to_identifier());
    if !rows.is_empty() {
        let matters = |column: &&Column<'_>| {
            column.node.leads_to_condition() || in_lists && column.node.leads_to_identifier()
        };
        for column in columns.iter().filter(matters) {
            read_column(ranges, group, column, |row, value| {
                if let Some(found) = rows.get_mut(&row) {
                    column.add(value, found);
                }
            })?;
        }
    }
    let (mut gone, mut hits) = (Vec::new(), Vec::new());
    for (row, mut found) in rows {
        let verdict = found.decide(&mut hits);
        match verdict {
            Verdict::Remove => gone.push(row),
            Verdict::Shared => drop(opaque.remove(&row)),
            Verdict::Opaque => {
                opaque.insert(row);
                continue;
            }
            Verdict::Keep | Verdict::Unreadable => continue,
        }
        report.decided(verdict, &hits, &[], matcher);
    }
    report.opaque += opaque.iter().filter(|row| gone.binary_search(row).is_err()).count() as u64;
    Ok(gone)
}

/// Those of the subjects whom no value of a column names, not even one that the rules leave out.
fn stale(
    ranges: &Ranges<'_>,
    group: &RowGroupMetaData,
    column: &Column<'_>,
    matcher: &Matcher,
    mut subjects: BTreeSet<u32>,
) -> Result<BTreeSet<u32>, FormatError> {
    if !subjects.is_empty() && column.key.is_some() {
        read_column(ranges, group, &column.of_all_keys(), |_, value| {
            let mut found = matcher.record();
            found.typed(value, column.node);
            subjects.retain(|&subject| found.named().all(|named| named != subject));
        })?;
    }
    Ok(subjects)
}

/// Calls `each` with every value of a column and its row number.
fn read_column(
    ranges: &Ranges<'_>,
    group: &RowGroupMetaData,
    column: &Column<'_>,
    each: impl FnMut(u64, Typed<'_>),
) -> Result<(), FormatError> {
    let reader = |index| {
        let chunk = group.column(index);
        Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages(ranges, group, chunk)?)))
    };
    let entries = match column.key {
        None => None,
        Some(key) => match Column::of_keys(group.schema_descr(), key, column.node) {
            None => return Err(FormatError::Unsupported("Parquet with a MAP of truth values".into())),
            Some(keys) => {
                let entries = keys.entries(reader(key.index)?, key).map_err(judge_parquet)?;
                Some((entries, keys.max_repetition()))
            }
        },
    };
    let entries = entries.as_ref().map(|(entries, level)| (entries.as_slice(), *level));
    let rows = column.read(reader(column.index)?, entries, each).map_err(judge_parquet)?;
    if rows == group.num_rows() as u64 { Ok(()) } else { Err(FormatError::Corrupt(CORRUPT)) }
}

/// The pages of a column chunk. Its compressed bytes are held in memory.
fn pages(
    ranges: &Ranges<'_>,
    group: &RowGroupMetaData,
    chunk: &ColumnChunkMetaData,
) -> Result<SerializedPageReader<Chunk>, FormatError> {
    let (start, length) = chunk.byte_range();
    let bytes = ranges.fetch(start, length).map_err(judge_parquet)?;
    SerializedPageReader::new(Arc::new(bytes), chunk, group.num_rows() as usize, None).map_err(judge_parquet)
}

/// Classifies an error of the library as `Io` or `Corrupt`. Its own message is dropped, since it may contain content.
fn judge_parquet(error: ParquetError) -> FormatError {
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => judge(*error, CORRUPT),
            Err(error) => match error.downcast::<Outside>() {
                Ok(outside) => FormatError::Io(outside.0),
                Err(_) => FormatError::Corrupt(CORRUPT),
            },
        },
        _ => FormatError::Corrupt(CORRUPT),
    }
}
