//! Reads the values of a column at a rule's path.

use parquet::basic::Type as Physical;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::Result;

use crate::matching::{Found, Node, Typed};

/// Records read at a time.
const BATCH: usize = 4096;

/// A column at a rule's path.
#[derive(Clone, Copy)]
pub(super) struct Column<'m> {
    pub(super) index: usize,
    pub(super) node: &'m Node,
    /// For the values of a MAP: the key of those that are relevant.
    pub(super) key: Option<MapKey<'m>>,
    /// Whether the values are in a list, or deeper in one's elements.
    pub(super) in_list: bool,
    pub(super) kind: ColumnKind,
    pub(super) physical: Physical,
    pub(super) length: usize,
    pub(super) max_definition: i16,
    pub(super) max_repetition: i16,
}

/// The key that an entry of a MAP must have.
#[derive(Clone, Copy)]
pub(super) struct MapKey<'m> {
    /// The index of the keys' column.
    pub(super) index: usize,
    pub(super) name: &'m str,
}

/// How values are compared.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum ColumnKind {
    Text,
    Json,
    Bytes,
    Uuid,
    Signed,
    Unsigned,
    Decimal(u32),
    Float,
    Truth,
    /// Nothing but nulls.
    Null,
    /// Times and other types that hold no identifiers.
    Other,
}

impl Column<'_> {
    /// The same column, with a MAP's values whatever their key.
    pub(super) fn of_all_keys(&self) -> Self {
        Self { key: None, ..*self }
    }

    /// For each entry of a MAP, in order, whether it has the key in the path. Empty maps have an item too.
    pub(super) fn entries(&self, reader: ColumnReader, key: MapKey<'_>) -> Result<Vec<bool>> {
        let mut entries = Vec::new();
        self.dispatch(reader, |_, value| {
            entries.push(value.and_then(Typed::text).is_some_and(|text| text == key.name));
        })?;
        Ok(entries)
    }

    /// Calls `each` with every value and its row number. `entries`: which of a MAP's entries are relevant, and the
    /// repetition level at which one begins. Returns the number of rows.
    pub(super) fn read(
        &self,
        reader: ColumnReader,
        entries: Option<(&[bool], i16)>,
        mut each: impl FnMut(u64, Typed<'_>),
    ) -> Result<u64> {
        let (mut rows, mut begun) = (0_u64, 0_usize);
        self.dispatch(reader, |repetition, value| {
            rows += u64::from(repetition == 0);
            let counts = entries.is_none_or(|(entries, level)| {
                begun += usize::from(repetition <= level);
                begun.checked_sub(1).and_then(|entry| entries.get(entry)).is_some_and(|counts| *counts)
            });
            if let Some(value) = value.filter(|_| counts) {
                each(rows.saturating_sub(1), value);
            }
        })?;
        Ok(rows)
    }

    /// Adds one of this column's values to what is found in its row.
    pub(super) fn add(&self, value: Typed<'_>, found: &mut Found<'_>) {
        if self.in_list {
            found.enter_array();
            found.typed(value, self.node);
            found.leave_array();
        } else {
            found.typed(value, self.node);
        }
    }

    pub(super) fn max_repetition(&self) -> i16 {
        self.max_repetition
    }

    /// Calls `each` with every repetition level and the value there, if any.
    fn dispatch(&self, reader: ColumnReader, mut each: impl FnMut(i16, Option<Typed<'_>>)) -> Result<()> {
        match reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.walk(reader, |level, value| each(level, value.map(|value| self.bytes(value.as_bytes()))))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.walk(reader, |level, value| each(level, value.map(|value| self.bytes(value.as_bytes()))))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.walk(reader, |level, value| self.int32(value.copied(), |value| each(level, value)))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.walk(reader, |level, value| self.int64(value.copied(), |value| each(level, value)))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.walk(reader, |level, value| each(level, value.map(|&value| Typed::Single(value))))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.walk(reader, |level, value| each(level, value.map(|&value| Typed::Double(value))))
            }
            ColumnReader::BoolColumnReader(reader) => {
                self.walk(reader, |level, value| each(level, value.map(|&value| Typed::Truth(value))))
            }
            ColumnReader::Int96ColumnReader(reader) => {
                self.walk(reader, |level, value| each(level, value.map(|_| Typed::Other)))
            }
        }
    }

    fn walk<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        mut each: impl FnMut(i16, Option<&T::T>),
    ) -> Result<()> {
        let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            definitions.clear();
            repetitions.clear();
            values.clear();
            let (_, _, levels) =
                reader.read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
            if levels == 0 {
                return Ok(());
            }
            let mut next = values.iter();
            for level in 0..levels {
                let repetition = if self.max_repetition == 0 { 0 } else { repetitions[level] };
                let is_there = self.max_definition == 0 || definitions[level] == self.max_definition;
                each(repetition, if is_there { next.next() } else { None });
            }
        }
    }

    /// Calls `each` with every value of a dictionary page in plain encoding. `false`: it could not be read.
    pub(super) fn plain_values(&self, mut page: &[u8], count: u32, mut each: impl FnMut(Typed<'_>)) -> bool {
        for _ in 0..count {
            let mut give = |value: Option<Typed<'_>>| value.into_iter().for_each(&mut each);
            let read = match self.physical {
                Physical::BYTE_ARRAY => take::<4>(&mut page)
                    .and_then(|length| page.split_off(..u32::from_le_bytes(length) as usize))
                    .map(|value| give(Some(self.bytes(value)))),
                Physical::FIXED_LEN_BYTE_ARRAY if self.length == 0 => None,
                Physical::FIXED_LEN_BYTE_ARRAY => {
                    page.split_off(..self.length).map(|value| give(Some(self.bytes(value))))
                }
                Physical::INT32 => {
                    take(&mut page).map(|value| self.int32(Some(i32::from_le_bytes(value)), give))
                }
                Physical::INT64 => {
                    take(&mut page).map(|value| self.int64(Some(i64::from_le_bytes(value)), give))
                }
                Physical::FLOAT => {
                    take(&mut page).map(|value| give(Some(Typed::Single(f32::from_le_bytes(value)))))
                }
                Physical::DOUBLE => {
                    take(&mut page).map(|value| give(Some(Typed::Double(f64::from_le_bytes(value)))))
                }
                Physical::BOOLEAN | Physical::INT96 => None,
            };
            if read.is_none() {
                return false;
            }
        }
        true
    }

    fn bytes<'v>(&self, value: &'v [u8]) -> Typed<'v> {
        match (self.kind, value.try_into()) {
            (ColumnKind::Uuid, Ok(uuid)) => Typed::Uuid(uuid),
            (ColumnKind::Decimal(scale), _) => Typed::Decimal(value, scale),
            (ColumnKind::Text, _) => Typed::Text(value),
            (ColumnKind::Json, _) => Typed::Json(value),
            (ColumnKind::Bytes, _) => Typed::Bytes(value),
            _ => Typed::Other,
        }
    }

    fn int32(&self, value: Option<i32>, each: impl FnOnce(Option<Typed<'_>>)) {
        let Some(value) = value else { return each(None) };
        match self.kind {
            ColumnKind::Unsigned => each(Some(Typed::Unsigned(value.cast_unsigned().into()))),
            _ => self.int64(Some(value.into()), each),
        }
    }

    fn int64(&self, value: Option<i64>, each: impl FnOnce(Option<Typed<'_>>)) {
        let Some(value) = value else { return each(None) };
        match self.kind {
            ColumnKind::Signed => each(Some(Typed::Signed(value))),
            ColumnKind::Unsigned => each(Some(Typed::Unsigned(value.cast_unsigned()))),
            ColumnKind::Decimal(scale) => each(Some(Typed::Decimal(&value.to_be_bytes(), scale))),
            _ => each(Some(Typed::Other)),
        }
    }
}

fn take<const N: usize>(page: &mut &[u8]) -> Option<[u8; N]> {
    page.split_off(..N)?.try_into().ok()
}
