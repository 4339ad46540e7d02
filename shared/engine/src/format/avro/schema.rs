//! The schema with which a file was written.

use std::collections::HashMap;

use serde_json::Value;

use super::CORRUPT;
use crate::format::FormatError;
use crate::matching::{Matcher, Node};

/// A type, by its index in the schema: a record may contain records of its own type.
pub(super) type TypeId = usize;

/// All types of a file.
#[derive(Debug, Default)]
pub(super) struct Schema {
    types: Vec<Type>,
    /// Named types, by full name.
    names: HashMap<String, TypeId>,
    pub(super) root: TypeId,
}

#[derive(Debug)]
pub(super) enum Type {
    Null,
    Boolean,
    Whole(Meaning),
    Float,
    Double,
    Bytes(Meaning),
    String(Meaning),
    Fixed(usize, Meaning),
    Enum(Vec<String>),
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(Vec<(String, TypeId)>),
}

/// What a logical type says about a type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// No logical type.
    Plain,
    Decimal(u32),
    Uuid,
    /// A time.
    Other,
}

/// Schemas nested deeper than this are refused: limits the stack that a file can require.
const MAX_DEPTH: usize = 64;

impl Schema {
    pub(super) fn parse(json: &[u8]) -> Result<Self, FormatError> {
        let json: Value = serde_json::from_slice(json).map_err(|_| CORRUPT)?;
        let mut schema = Self::default();
        schema.root = schema.add(&json, "", 0).ok_or(CORRUPT)?;
        Ok(schema)
    }

    pub(super) fn get(&self, id: TypeId) -> &Type {
        &self.types[id]
    }

    /// Checks whether the rules can be applied to its records.
    ///
    /// # Errors
    /// `Unsupported`, if no field is at a rule's path, or if one has a type that cannot be compared: values there may
    /// be any subject's.
    pub(super) fn must_suit(&self, root: &Node) -> Result<(), FormatError> {
        if let Some(field) = self.incomparable(self.root, root) {
            let what =
                format!("Avro with the field {field}, of a type that is not compared with identifiers");
            return Err(FormatError::Unsupported(what.into()));
        }
        if self.leads(self.root, root) {
            Ok(())
        } else {
            Err(FormatError::Unsupported("Avro without a field that a rule names".into()))
        }
    }

    /// The path of a field that a rule names and that holds times.
    fn incomparable(&self, id: TypeId, node: &Node) -> Option<String> {
        let within = |name: &str, id: TypeId, node: &Node| {
            let path = self.incomparable(id, node)?;
            Some(if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") })
        };
        match self.get(id) {
            Type::Array(element) => self.incomparable(*element, node),
            Type::Union(types) => types.iter().find_map(|&id| self.incomparable(id, node)),
            Type::Map(value) => node.children().find_map(|(name, node)| within(name, *value, node)),
            Type::Record(fields) => fields.iter().find_map(|(name, id)| within(name, *id, node.under(name)?)),
            Type::Whole(Meaning::Other) | Type::Bytes(Meaning::Other) | Type::Fixed(_, Meaning::Other) => {
                node.rules().next().map(|_| String::new())
            }
            _ => None,
        }
    }

    /// Whether an enum has a subject among its symbols, which stay in the file with its schema.
    pub(super) fn lists_a_subject(&self, matcher: &Matcher) -> bool {
        self.types
            .iter()
            .any(|of| matches!(of, Type::Enum(symbols) if symbols.iter().any(|text| matcher.names(text))))
    }

    fn leads(&self, id: TypeId, node: &Node) -> bool {
        match self.get(id) {
            Type::Null | Type::Boolean => false,
            Type::Array(element) => self.leads(*element, node),
            Type::Union(types) => types.iter().any(|&id| self.leads(id, node)),
            Type::Map(value) => node.children().any(|(_, node)| self.leads(*value, node)),
            Type::Record(fields) => {
                fields.iter().any(|(name, id)| node.under(name).is_some_and(|node| self.leads(*id, node)))
            }
            _ => node.leads_to_identifier(),
        }
    }

    fn push(&mut self, of: Type) -> TypeId {
        self.types.push(of);
        self.types.len() - 1
    }

    fn add(&mut self, json: &Value, namespace: &str, depth: usize) -> Option<TypeId> {
        if depth > MAX_DEPTH {
            return None;
        }
        match json {
            Value::String(name) => match primitive(name, Meaning::Plain) {
                Some(primitive) => Some(self.push(primitive)),
                None => self.names.get(&full_name(name, None, namespace)).copied(),
            },
            Value::Array(types) => {
                let types: Option<Vec<TypeId>> =
                    types.iter().map(|json| self.add(json, namespace, depth + 1)).collect();
                types.map(|types| self.push(Type::Union(types)))
            }
            Value::Object(fields) => {
                let Some(Value::String(of)) = fields.get("type") else {
                    return self.add(fields.get("type")?, namespace, depth + 1);
                };
                let inner = |name: &str| fields.get(name);
                match of.as_str() {
                    "array" => {
                        let element = self.add(inner("items")?, namespace, depth + 1)?;
                        Some(self.push(Type::Array(element)))
                    }
                    "map" => {
                        let value = self.add(inner("values")?, namespace, depth + 1)?;
                        Some(self.push(Type::Map(value)))
                    }
                    "record" | "error" | "enum" | "fixed" => self.named(of, json, namespace, depth),
                    name => match primitive(name, meaning(json)) {
                        Some(primitive) => Some(self.push(primitive)),
                        None => self.add(inner("type")?, namespace, depth + 1),
                    },
                }
            }
            _ => None,
        }
    }

    fn named(&mut self, of: &str, json: &Value, namespace: &str, depth: usize) -> Option<TypeId> {
        let name = full_name(json["name"].as_str()?, json["namespace"].as_str(), namespace);
        // Registered before its fields, which may be of this same type.
        let id = self.push(Type::Null);
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        self.names.insert(name, id);
        self.types[id] = match of {
            "enum" => {
                let symbols = json["symbols"].as_array()?.iter();
                Type::Enum(symbols.map(|symbol| symbol.as_str().map(str::to_owned)).collect::<Option<_>>()?)
            }
            "fixed" => Type::Fixed(usize::try_from(json["size"].as_u64()?).ok()?, meaning(json)),
            _ => {
                let fields = json["fields"].as_array()?.iter().map(|field| {
                    let id = self.add(&field["type"], &namespace, depth + 1)?;
                    Some((field["name"].as_str()?.to_owned(), id))
                });
                Type::Record(fields.collect::<Option<_>>()?)
            }
        };
        Some(id)
    }
}

fn primitive(name: &str, meaning: Meaning) -> Option<Type> {
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "int" | "long" => Type::Whole(meaning),
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes(meaning),
        "string" => Type::String(meaning),
        _ => return None,
    })
}

/// Unknown logical types are ignored, as the specification requires.
fn meaning(json: &Value) -> Meaning {
    let scale = json["scale"].as_u64().and_then(|scale| u32::try_from(scale).ok()).unwrap_or(0);
    match json["logicalType"].as_str().unwrap_or_default() {
        "decimal" => Meaning::Decimal(scale),
        "uuid" => Meaning::Uuid,
        "date" | "duration" | "big-decimal" => Meaning::Other,
        time if time.starts_with("time-") || time.contains("timestamp-") => Meaning::Other,
        _ => Meaning::Plain,
    }
}

fn full_name(name: &str, own: Option<&str>, inherited: &str) -> String {
    match own.unwrap_or(inherited) {
        _ if name.contains('.') => name.to_owned(),
        "" => name.to_owned(),
        namespace => format!("{namespace}.{name}"),
    }
}
