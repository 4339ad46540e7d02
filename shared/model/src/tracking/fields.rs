//! A JSON object taken apart one level deep, the values as they were written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The most fields of an object.
pub(super) const MAX_FIELDS: usize = 1_000;

/// The fields in order. Of duplicate names the last counts, and the others are dropped.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// A value as it is written.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Given(&'a RawValue),
    Made(String),
}

impl Value<'_> {
    pub(super) fn get(&self) -> &str {
        match self {
            Self::Given(raw) => raw.get(),
            Self::Made(json) => json,
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        match &self.0.iter().find(|(own, _)| own == name)?.1 {
            Value::Given(raw) => Some(raw),
            Value::Made(_) => None,
        }
    }

    /// A field's text, if it is a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Sets a field to a string.
    pub(super) fn set(&mut self, name: &'static str, text: &str) {
        self.put(name.into(), Value::Made(serde_json::Value::from(text).to_string()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    /// Adds the fields that a batch sets for all of its events, where this one lacks them. Returns how many bytes that
    /// is.
    pub(super) fn inherit(&mut self, batch: &Fields<'a>) -> usize {
        let mut bytes = 0;
        for name in ["context", "integrations", "sentAt"] {
            if let (None, Some(value)) = (self.get(name), batch.get(name)) {
                self.put(name.into(), Value::Given(value));
                bytes += value.get().len();
            }
        }
        bytes
    }

    /// The object in one line. Line feeds stand only between tokens, where a space means the same.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.0.iter().map(|(n, v)| n.len() + v.get().len() + 4).sum());
        for (name, value) in &self.0 {
            line.push(if line.is_empty() { b'{' } else { b',' });
            line.extend(serde_json::Value::from(&**name).to_string().as_bytes());
            line.push(b':');
            line.extend(value.get().bytes().map(|byte| if byte < b' ' { b' ' } else { byte }));
        }
        line.push(b'}');
        line
    }

    fn put(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some(field) => field.1 = value,
            None => self.0.push((name, value)),
        }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields = Fields::default();
                let mut places: HashMap<String, usize> = HashMap::new();
                // An escaped name cannot be borrowed, and a plain one need not be copied; most are plain, and
                // short, so that owning them costs little.
                while let Some(name) = map.next_key::<String>()? {
                    let value = Value::Given(map.next_value()?);
                    match places.entry(name) {
                        Entry::Occupied(place) => fields.0[*place.get()].1 = value,
                        Entry::Vacant(_) if fields.0.len() == MAX_FIELDS => {
                            return Err(M::Error::custom("too many fields"));
                        }
                        Entry::Vacant(place) => {
                            fields.0.push((place.key().clone().into(), value));
                            place.insert(fields.0.len() - 1);
                        }
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Object)
    }
}
