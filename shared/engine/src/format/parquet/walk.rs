//! Finds the columns at a rule's path.
//!
//! 1. The schema is walked together with the tree of paths. Levels that only mean "list" have no name.
//! 2. A MAP is an object whose names are data: of its values, only those whose key the path names are relevant. Keys
//!    and values are separate columns with a level for each entry.
//! 3. A rule's column of a type that cannot be compared is an error, even if other columns can be compared: its values
//!    may be any subject's. An absent column is not an error.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use super::columns::{Column, ColumnKind, MapKey};
use crate::format::FormatError;
use crate::matching::{Matcher, Node};

/// The columns that some rule names.
///
/// # Errors
/// `Unsupported`, if there are none, so that the object is not taken for clean; if one has a type that cannot be
/// compared; or if a path leads through a MAP within a MAP or one with a composite key. `Corrupt`, if a MAP has no key.
pub(super) fn of_rules<'m>(
    schema: &SchemaDescriptor,
    matcher: &'m Matcher,
) -> Result<Vec<Column<'m>>, FormatError> {
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

type Walked = Result<(), FormatError>;

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
}
