//! The columns that stand at a rule's path, and their values as text.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::Result;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use crate::format::FormatError;
use crate::matching::{Matcher, Node};

/// Records read at a time.
const BATCH: usize = 4096;

/// A column that stands at a rule's path.
pub(super) struct Column<'m> {
    pub(super) index: usize,
    pub(super) node: &'m Node,
    kind: ColumnKind,
    physical: Physical,
    length: usize,
    max_definition: i16,
    max_repetition: i16,
}

/// How values read as text.
#[derive(Clone, Copy, PartialEq)]
enum ColumnKind {
    Text,
    /// 16 bytes: lower-case hex with hyphens.
    Uuid,
    Signed,
    Unsigned,
    /// Whole numbers read as such: 123.0 is 123.
    Float,
}

/// The columns that some rule names. None at all is a refusal: nobody may take the object for clean.
pub(super) fn of_rules<'m>(
    schema: &SchemaDescriptor,
    matcher: &'m Matcher,
) -> std::result::Result<Vec<Column<'m>>, FormatError> {
    let mut paths = Vec::new();
    for field in schema.root_schema().get_fields() {
        leaves(field, &mut Vec::new(), matcher, &mut paths)?;
    }
    let column = |(index, path): (usize, &Vec<String>)| {
        let node = matcher.at(path.iter().map(String::as_str))?;
        let descriptor = schema.column(index);
        Some(Column {
            index,
            node,
            kind: kind(&descriptor)?,
            physical: descriptor.physical_type(),
            length: usize::try_from(descriptor.type_length()).unwrap_or(0),
            max_definition: descriptor.max_def_level(),
            max_repetition: descriptor.max_rep_level(),
        })
    };
    let columns: Vec<_> = paths.iter().enumerate().filter_map(column).collect();
    if columns.iter().any(|column| column.node.leads_to_identifier()) {
        Ok(columns)
    } else {
        Err(FormatError::Unsupported("Parquet without a column that a rule names"))
    }
}

/// The names of every leaf, as a rule writes them: without the levels that only say "list".
fn leaves(
    field: &Type,
    path: &mut Vec<String>,
    matcher: &Matcher,
    paths: &mut Vec<Vec<String>>,
) -> std::result::Result<(), FormatError> {
    path.push(field.name().to_owned());
    if field.is_primitive() {
        paths.push(path.clone());
    } else {
        let info = field.get_basic_info();
        let here = matcher.at(path.iter().map(String::as_str));
        let logical = info.logical_type_ref();
        let is_map = matches!(logical, Some(LogicalType::Map))
            || matches!(info.converted_type(), ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE);
        if is_map && here.is_some_and(Node::goes_deeper) {
            return Err(FormatError::Unsupported("Parquet with a rule's path through a MAP"));
        }
        let is_list =
            matches!(logical, Some(LogicalType::List)) || info.converted_type() == ConvertedType::LIST;
        match field.get_fields() {
            [repeated] if is_list => element(repeated, path, matcher, paths)?,
            fields => {
                for field in fields {
                    leaves(field, path, matcher, paths)?;
                }
            }
        }
    }
    path.pop();
    Ok(())
}

/// The repeated field of a list: a level of its own around the element, or (in old files) the element itself.
/// See "Backward-compatibility rules" in parquet-format's LogicalTypes.md.
fn element(
    repeated: &Type,
    path: &mut Vec<String>,
    matcher: &Matcher,
    paths: &mut Vec<Vec<String>>,
) -> std::result::Result<(), FormatError> {
    let fields = if repeated.is_primitive() { &[][..] } else { repeated.get_fields() };
    let is_level = fields.len() == 1 && repeated.name() != "array" && !repeated.name().ends_with("_tuple");
    let element = if is_level { &*fields[0] } else { repeated };
    if element.is_primitive() {
        paths.push(path.clone());
        return Ok(());
    }
    let info = element.get_basic_info();
    let nested = matches!(info.logical_type_ref(), Some(LogicalType::List | LogicalType::Map))
        || !matches!(info.converted_type(), ConvertedType::NONE);
    if nested && info.has_repetition() && info.repetition() != Repetition::REPEATED {
        // A list of lists or maps: its own name says nothing either.
        let [inner] = element.get_fields() else { return Err(FormatError::Corrupt(super::CORRUPT)) };
        return self::element(inner, path, matcher, paths);
    }
    for field in element.get_fields() {
        leaves(field, path, matcher, paths)?;
    }
    Ok(())
}

/// `None`: values that are nobody's identifier (truth, times, decimals with a point).
fn kind(column: &ColumnDescriptor) -> Option<ColumnKind> {
    let logical = column.logical_type_ref();
    let converted = column.converted_type();
    match column.physical_type() {
        Physical::BYTE_ARRAY => (converted != ConvertedType::DECIMAL).then_some(ColumnKind::Text),
        Physical::FIXED_LEN_BYTE_ARRAY => match logical {
            Some(LogicalType::Uuid) => Some(ColumnKind::Uuid),
            None if converted == ConvertedType::NONE => Some(ColumnKind::Text),
            _ => None,
        },
        Physical::INT32 | Physical::INT64 => match (logical, converted) {
            (Some(LogicalType::Integer(int)), _) => {
                Some(if int.is_signed { ColumnKind::Signed } else { ColumnKind::Unsigned })
            }
            (None, ConvertedType::UINT_8 | ConvertedType::UINT_16) => Some(ColumnKind::Unsigned),
            (None, ConvertedType::UINT_32 | ConvertedType::UINT_64) => Some(ColumnKind::Unsigned),
            (None, ConvertedType::NONE | ConvertedType::INT_8 | ConvertedType::INT_16) => {
                Some(ColumnKind::Signed)
            }
            (None, ConvertedType::INT_32 | ConvertedType::INT_64) => Some(ColumnKind::Signed),
            _ if converted == ConvertedType::DECIMAL && column.type_scale() == 0 => Some(ColumnKind::Signed),
            _ => None,
        },
        Physical::FLOAT | Physical::DOUBLE => Some(ColumnKind::Float),
        Physical::BOOLEAN | Physical::INT96 => None,
    }
}

impl Column<'_> {
    /// Gives every value, with the number of its row. Returns how many rows there are.
    pub(super) fn read(&self, reader: ColumnReader, mut each: impl FnMut(u64, &str)) -> Result<u64> {
        match reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.walk(reader, |row, value| self.bytes(value.as_bytes(), |text| each(row, text)))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.walk(reader, |row, value| self.bytes(value.as_bytes(), |text| each(row, text)))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.walk(reader, |row, &value| each(row, &self.int32(value)))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.walk(reader, |row, &value| each(row, &self.int64(value)))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.walk(reader, |row, value| each(row, &value.to_string()))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.walk(reader, |row, value| each(row, &value.to_string()))
            }
            ColumnReader::BoolColumnReader(_) | ColumnReader::Int96ColumnReader(_) => Ok(0),
        }
    }

    fn walk<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        mut each: impl FnMut(u64, &T::T),
    ) -> Result<u64> {
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut rows = 0;
        loop {
            definitions.clear();
            repetitions.clear();
            values.clear();
            let (_, _, levels) =
                reader.read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
            if levels == 0 {
                return Ok(rows);
            }
            let mut next = values.iter();
            for level in 0..levels {
                let starts_row = self.max_repetition == 0 || repetitions[level] == 0;
                rows += u64::from(starts_row);
                if self.max_definition == 0 || definitions[level] == self.max_definition {
                    next.by_ref().take(1).for_each(|value| each(rows.saturating_sub(1), value));
                }
            }
        }
    }

    /// Gives every value of a dictionary page, which is in plain encoding. `false`: it could not be read.
    pub(super) fn plain_values(&self, mut page: &[u8], count: u32, mut each: impl FnMut(&str)) -> bool {
        for _ in 0..count {
            let read = match self.physical {
                Physical::BYTE_ARRAY => take::<4>(&mut page)
                    .and_then(|length| page.split_off(..u32::from_le_bytes(length) as usize))
                    .map(|value| self.bytes(value, &mut each)),
                Physical::FIXED_LEN_BYTE_ARRAY if self.length == 0 => None,
                Physical::FIXED_LEN_BYTE_ARRAY => {
                    page.split_off(..self.length).map(|value| self.bytes(value, &mut each))
                }
                Physical::INT32 => take(&mut page).map(|value| each(&self.int32(i32::from_le_bytes(value)))),
                Physical::INT64 => take(&mut page).map(|value| each(&self.int64(i64::from_le_bytes(value)))),
                Physical::FLOAT => take(&mut page).map(|value| each(&f32::from_le_bytes(value).to_string())),
                Physical::DOUBLE => take(&mut page).map(|value| each(&f64::from_le_bytes(value).to_string())),
                Physical::BOOLEAN | Physical::INT96 => None,
            };
            if read.is_none() {
                return false;
            }
        }
        true
    }

    /// Bytes that are no UTF-8 are nobody's identifier.
    fn bytes(&self, value: &[u8], each: impl FnOnce(&str)) {
        match (self.kind, <[u8; 16]>::try_from(value)) {
            (ColumnKind::Uuid, Ok(uuid)) => {
                each(uuid::Uuid::from_bytes(uuid).hyphenated().encode_lower(&mut [0; 36]))
            }
            _ => str::from_utf8(value).map(each).unwrap_or(()),
        }
    }

    fn int32(&self, value: i32) -> String {
        if self.kind == ColumnKind::Unsigned { value.cast_unsigned().to_string() } else { value.to_string() }
    }

    fn int64(&self, value: i64) -> String {
        if self.kind == ColumnKind::Unsigned { value.cast_unsigned().to_string() } else { value.to_string() }
    }
}

fn take<const N: usize>(page: &mut &[u8]) -> Option<[u8; N]> {
    page.split_off(..N)?.try_into().ok()
}
