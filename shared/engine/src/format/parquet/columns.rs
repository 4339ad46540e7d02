//! Finds the columns at a rule's path, and reads their values.
//!
//! 1. The schema is walked together with the tree of paths. Levels that only mean "list" have no name.
//! 2. A MAP is an object whose names are data: of its values, only those whose key the path names are relevant. Keys
//!    and values are separate columns with a level for each entry.
//! 3. A rule's column of a type that cannot be compared is an error, even if other columns can be compared: its values
//!    may be any subject's. An absent column is not an error.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::errors::Result;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use crate::format::FormatError;
use crate::matching::{Found, Matcher, Node, Typed};

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
    kind: ColumnKind,
    physical: Physical,
    length: usize,
    max_definition: i16,
    max_repetition: i16,
}

/// The key that an entry of a MAP must have.
#[derive(Clone, Copy)]
pub(super) struct MapKey<'m> {
    /// The index of the keys' column.
    pub(super) index: usize,
    name: &'m str,
}

/// How values are compared.
#[derive(Clone, Copy, PartialEq)]
enum ColumnKind {
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

/// The columns that some rule names.
///
/// # Errors
/// `Unsupported`, if there are none, so that the object is not taken for clean; if one has a type that cannot be
/// compared; or if a path leads through a MAP within a MAP or one with a composite key. `Corrupt`, if a MAP has no key.
pub(super) fn of_rules<'m>(
    schema: &SchemaDescriptor,
    matcher: &'m Matcher,
) -> std::result::Result<Vec<Column<'m>>, FormatError> {
    let mut walk = Walk { schema, leaf: 0, is_named: false, columns: Vec::new() };
    for field in schema.root_schema().get_fields() {
        let name = field.name();
        // In flattened tables, the name is the whole path.
        let node = matcher.at([name].into_iter()).or_else(|| matcher.at(name.split('.')));
        walk.field(
            field,
            &node.map(|node| Place { node, key: None, in_list: false }).into_iter().collect::<Vec<_>>(),
        )?;
    }
    match walk.is_named {
        true => Ok(walk.columns),
        false => Err(FormatError::Unsupported("Parquet without a column that a rule names".into())),
    }
}

/// A field's position in the tree of paths.
#[derive(Clone, Copy)]
struct Place<'m> {
    node: &'m Node,
    key: Option<MapKey<'m>>,
    in_list: bool,
}

struct Walk<'s, 'm> {
    schema: &'s SchemaDescriptor,
    /// The next leaf's column index.
    leaf: usize,
    /// Whether some rule names a column, be it one that holds nobody.
    is_named: bool,
    columns: Vec<Column<'m>>,
}

type Walked = std::result::Result<(), FormatError>;

impl<'m> Walk<'_, 'm> {
    fn field(&mut self, field: &Type, places: &[Place<'m>]) -> Walked {
        let info = field.get_basic_info();
        if info.has_repetition() && info.repetition() == Repetition::REPEATED {
            let inside: Vec<_> = places.iter().map(|&place| Place { in_list: true, ..place }).collect();
            return self.plain(field, &inside);
        }
        self.plain(field, places)
    }

    fn plain(&mut self, field: &Type, places: &[Place<'m>]) -> Walked {
        if field.is_primitive() {
            return self.leaf(places);
        }
        if places.iter().any(|place| is_variant(field, place.node)) {
            let path =
                self.schema.column(self.leaf).path().parts().split_last().map(|(_, group)| group.join("."));
            let what = format!("Parquet with a rule's path into a VARIANT: {}", path.unwrap_or_default());
            return Err(FormatError::Unsupported(what.into()));
        }
        match (field.get_fields(), is_map(field), is_list(field)) {
            ([repeated], true, _) => self.map(repeated, places),
            ([repeated], _, true) => self.element(repeated, places),
            (fields, ..) => self.fields(fields, places),
        }
    }

    /// Refuses a group where a rule has an identifier.
    fn refuse_at(&self, places: &[Place<'m>]) -> Walked {
        if !places.iter().any(|place| place.node.ends_here() || place.node.decides_here()) {
            return Ok(());
        }
        let path = self.schema.column(self.leaf).path().string();
        let what = format!("Parquet with a group where a rule has an identifier or its condition: {path}");
        Err(FormatError::Unsupported(what.into()))
    }

    fn fields(&mut self, fields: &[std::sync::Arc<Type>], places: &[Place<'m>]) -> Walked {
        self.refuse_at(places)?;
        for field in fields {
            let inner = places
                .iter()
                .filter_map(|place| Some(Place { node: place.node.under(field.name())?, ..*place }));
            self.field(field, &inner.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn leaf(&mut self, places: &[Place<'m>]) -> Walked {
        let (index, descriptor) = (self.leaf, self.schema.column(self.leaf));
        self.leaf += 1;
        let kind = kind(&descriptor);
        if kind == ColumnKind::Other && places.iter().any(|place| place.node.rules().next().is_some()) {
            let path = descriptor.path().string();
            let what =
                format!("Parquet with the column {path}, of a type that is not compared with identifiers");
            return Err(FormatError::Unsupported(what.into()));
        }
        self.is_named |= places.iter().any(|place| place.node.leads_to_identifier());
        // Truth values are never identifiers.
        let relevant = places.iter().filter(|place| match kind {
            ColumnKind::Truth => place.node.leads_to_condition(),
            _ => kind != ColumnKind::Null,
        });
        self.columns.extend(relevant.map(|&Place { node, key, in_list }| Column {
            index,
            node,
            key,
            in_list,
            kind,
            physical: descriptor.physical_type(),
            length: usize::try_from(descriptor.type_length()).unwrap_or(0),
            max_definition: descriptor.max_def_level(),
            max_repetition: descriptor.max_rep_level(),
        }));
        Ok(())
    }

    /// Walks the repeated field of a MAP: a key and, unless it is a set, a value.
    fn map(&mut self, repeated: &Type, places: &[Place<'m>]) -> Walked {
        self.refuse_at(places)?;
        let fields = if repeated.is_primitive() { &[][..] } else { repeated.get_fields() };
        let deeper = places.iter().filter(|place| place.node.goes_deeper());
        let [key, values @ ..] = fields else { return Err(FormatError::Corrupt(super::CORRUPT)) };
        if deeper.clone().any(|place| place.key.is_some() || !key.is_primitive()) {
            let path = self.schema.column(self.leaf).path().string();
            let what = format!(
                "Parquet with a rule's path through a MAP within a MAP, or by a key of parts: {path}"
            );
            return Err(FormatError::Unsupported(what.into()));
        }
        let index = self.leaf;
        self.field(key, &[])?;
        // A key of joined names would hold the identifier itself, which no group is.
        let is_value = values.iter().all(|value| value.is_primitive());
        let may_be = |(name, node): &(&str, &Node)| is_value || !(name.contains('.') && node.ends_here());
        let inner: Vec<_> = deeper
            .flat_map(|place| place.node.children().filter(may_be).map(|child| (child, place.in_list)))
            .map(|((name, node), in_list)| Place { node, key: Some(MapKey { index, name }), in_list })
            .collect();
        values.iter().try_for_each(|value| self.field(value, &inner))
    }

    /// Walks the repeated field of a list: a level of its own around the element, or (in old files) the element itself.
    /// See "Backward-compatibility rules" in parquet-format's LogicalTypes.md.
    fn element(&mut self, repeated: &Type, places: &[Place<'m>]) -> Walked {
        let inside: Vec<_> = places.iter().map(|&place| Place { in_list: true, ..place }).collect();
        let places = &inside;
        let fields = if repeated.is_primitive() { &[][..] } else { repeated.get_fields() };
        let is_level =
            fields.len() == 1 && repeated.name() != "array" && !repeated.name().ends_with("_tuple");
        // In lists of lists and of maps, the names of their levels mean nothing either.
        match fields {
            [element] if is_level => self.field(element, places),
            [] => self.field(repeated, places),
            fields => self.fields(fields, places),
        }
    }
}

/// Whether a group is a VARIANT, whose fields are within its binary values, and the path leads on. Before writers could say
/// so, it was a group of these names and no annotation
/// (<https://github.com/apache/parquet-format/blob/master/VariantEncoding.md>).
fn is_variant(field: &Type, node: &Node) -> bool {
    let own = |name: &str| matches!(name, "metadata" | "value" | "typed_value");
    let is_bare = || {
        let named: Vec<_> = field.get_fields().iter().map(|field| field.name()).collect();
        named.contains(&"metadata")
            && named.contains(&"value")
            && named.iter().all(|name| own(name))
            && node.children().any(|(name, _)| !own(name))
    };
    let leads_on = node.goes_deeper() || node.ends_here() || node.decides_here();
    leads_on
        && (matches!(field.get_basic_info().logical_type_ref(), Some(LogicalType::Variant(_))) || is_bare())
}

fn is_map(field: &Type) -> bool {
    let info = field.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::Map))
        || matches!(info.converted_type(), ConvertedType::MAP)
        || (info.converted_type() == ConvertedType::MAP_KEY_VALUE
            && !(info.has_repetition() && info.repetition() == Repetition::REPEATED))
}

fn is_list(field: &Type) -> bool {
    let info = field.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::List)) || info.converted_type() == ConvertedType::LIST
}

fn kind(column: &ColumnDescriptor) -> ColumnKind {
    let (logical, converted) = (column.logical_type_ref(), column.converted_type());
    let is_decimal = matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
    match column.physical_type() {
        _ if matches!(logical, Some(LogicalType::Unknown)) => ColumnKind::Null,
        Physical::BOOLEAN => ColumnKind::Truth,
        Physical::INT96 => ColumnKind::Other,
        Physical::FLOAT | Physical::DOUBLE => ColumnKind::Float,
        _ if is_decimal => ColumnKind::Decimal(u32::try_from(column.type_scale()).unwrap_or(0)),
        Physical::BYTE_ARRAY => match (logical, converted) {
            (None | Some(LogicalType::Bson), ConvertedType::NONE | ConvertedType::BSON) => ColumnKind::Bytes,
            (Some(LogicalType::Json), _) | (None, ConvertedType::JSON) => ColumnKind::Json,
            _ => ColumnKind::Text,
        },
        Physical::FIXED_LEN_BYTE_ARRAY => match (logical, converted) {
            (Some(LogicalType::Uuid), _) => ColumnKind::Uuid,
            (Some(LogicalType::String), _) | (None, ConvertedType::UTF8) => ColumnKind::Text,
            (None, ConvertedType::NONE) => ColumnKind::Bytes,
            _ => ColumnKind::Other,
        },
        Physical::INT32 | Physical::INT64 => match (logical, converted) {
            (Some(LogicalType::Integer(int)), _) if int.is_signed => ColumnKind::Signed,
            (Some(LogicalType::Integer(_)), _) => ColumnKind::Unsigned,
            (None, ConvertedType::UINT_8 | ConvertedType::UINT_16) => ColumnKind::Unsigned,
            (None, ConvertedType::UINT_32 | ConvertedType::UINT_64) => ColumnKind::Unsigned,
            (None, ConvertedType::NONE | ConvertedType::INT_8 | ConvertedType::INT_16) => ColumnKind::Signed,
            (None, ConvertedType::INT_32 | ConvertedType::INT_64) => ColumnKind::Signed,
            _ => ColumnKind::Other,
        },
    }
}

impl<'m> Column<'m> {
    /// The column of a MAP's keys.
    pub(super) fn of_keys(schema: &SchemaDescriptor, key: MapKey<'m>, node: &'m Node) -> Option<Self> {
        let mut walk = Walk { schema, leaf: key.index, is_named: false, columns: Vec::new() };
        walk.leaf(&[Place { node, key: None, in_list: false }]).ok()?;
        walk.columns.pop()
    }

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
