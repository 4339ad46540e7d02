//! Reads one record: values at a rule's path are collected, all others skipped.

use super::schema::{Meaning, Schema, Type, TypeId};
use super::{CORRUPT, unzigzag};
use crate::format::FormatError;
use crate::matching::{Found, Node, Typed};

/// Records nested deeper than this are refused: limits the stack that a file can require.
const MAX_DEPTH: usize = 128;

/// Reads one record off the front.
pub(super) fn read(
    schema: &Schema,
    bytes: &mut &[u8],
    root: &Node,
    found: &mut Found<'_>,
) -> Result<(), FormatError> {
    let mut walk = Walk { schema, bytes, found };
    walk.value(schema.root, Some(root), 0).ok_or(CORRUPT)
}

struct Walk<'w, 'b, 'p> {
    schema: &'w Schema,
    bytes: &'w mut &'b [u8],
    found: &'w mut Found<'p>,
}

impl<'b> Walk<'_, 'b, '_> {
    /// Reads a value; `None`, if the bytes are not a value of this type. Without a node, no rule's path leads here.
    fn value(&mut self, id: TypeId, node: Option<&Node>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let schema = self.schema;
        if let (Some(node), Type::Record(_) | Type::Map(_)) = (node, schema.get(id))
            && (node.ends_here() || node.decides_here())
        {
            self.found.unsure(node);
            if node.ends_here() {
                self.found.opaque(node);
            }
            return self.value(id, None, depth);
        }
        let value = match schema.get(id) {
            Type::Null => return Some(()),
            Type::Boolean => Typed::Truth(self.take(1)? != [0]),
            Type::Union(types) => {
                let branch = usize::try_from(self.long()?).ok()?;
                return self.value(*types.get(branch)?, node, depth + 1);
            }
            Type::Record(fields) => {
                return fields.iter().try_for_each(|(name, id)| {
                    self.value(*id, node.and_then(|node| node.under(name)), depth + 1)
                });
            }
            Type::Array(element) => {
                self.found.enter_array();
                self.items(node, |walk| {
                    let (is_object, mark) = (walk.is_group(*element), walk.found.mark());
                    walk.value(*element, node, depth + 1)?;
                    if let Some(node) = node {
                        walk.found.element(node, is_object, mark);
                    }
                    Some(())
                })?;
                self.found.leave_array();
                return Some(());
            }
            Type::Map(value) => {
                return self.items(node, |walk| {
                    let key = walk.sized()?;
                    let key = str::from_utf8(key).ok();
                    walk.value(*value, node.zip(key).and_then(|(node, key)| node.under(key)), depth + 1)
                });
            }
            Type::Whole(meaning) => match (self.long()?, meaning) {
                (_, Meaning::Other) => Typed::Other,
                (number, _) => Typed::Signed(number),
            },
            Type::Float => Typed::Single(f32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            Type::Double => Typed::Double(f64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            Type::Bytes(meaning) => bytes(self.sized()?, *meaning),
            Type::Fixed(size, meaning) => bytes(self.take(*size)?, *meaning),
            Type::String(meaning) => {
                let text = self.sized()?;
                match uuid::Uuid::try_parse_ascii(text) {
                    Ok(uuid) if *meaning == Meaning::Uuid => Typed::Uuid(uuid.into_bytes()),
                    _ => Typed::Text(text),
                }
            }
            Type::Enum(symbols) => Typed::Text(symbols.get(usize::try_from(self.long()?).ok()?)?.as_bytes()),
        };
        if let Some(node) = node {
            self.found.typed(value, node);
        }
        Some(())
    }

    /// Whether the next value is a record or map.
    fn is_group(&self, id: TypeId) -> bool {
        match self.schema.get(id) {
            Type::Record(_) | Type::Map(_) => true,
            Type::Union(types) => {
                let branch = long(&mut &**self.bytes).and_then(|branch| usize::try_from(branch).ok());
                branch
                    .and_then(|branch| types.get(branch))
                    .is_some_and(|&id| matches!(self.schema.get(id), Type::Record(_) | Type::Map(_)))
            }
            _ => false,
        }
    }

    /// Reads the items of an array or map, block by block. A block that states its size is skipped if no rule's path
    /// leads here.
    fn items(&mut self, node: Option<&Node>, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Some(());
            }
            if count < 0 {
                let size = usize::try_from(self.long()?).ok()?;
                if node.is_none() {
                    self.take(size)?;
                    continue;
                }
            }
            for _ in 0..count.unsigned_abs() {
                let left = self.bytes.len();
                each(self)?;
                // Empty items could be any number.
                if self.bytes.len() == left {
                    return None;
                }
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        self.bytes.split_off(..length)
    }

    fn sized(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.long()?).ok()?;
        self.take(length)
    }

    fn long(&mut self) -> Option<i64> {
        long(self.bytes)
    }
}

fn long(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return Some(unzigzag(number));
        }
    }
    None
}

fn bytes(value: &[u8], meaning: Meaning) -> Typed<'_> {
    match (meaning, value.try_into()) {
        (Meaning::Decimal(scale), _) => Typed::Decimal(value, scale),
        (Meaning::Uuid, Ok(uuid)) => Typed::Uuid(uuid),
        (Meaning::Other, _) => Typed::Other,
        _ => Typed::Bytes(value),
    }
}
