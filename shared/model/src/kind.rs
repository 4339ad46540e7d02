//! The kinds of identifier that a person may be given by.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::failure::{self, Failure};
use crate::hashed::Hashed;

/// The longest name of a custom kind, in bytes.
const MAX_NAME: usize = 32;

/// Which kind of identifier a subject is given by (Segment's `subjectType`, and more).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectType {
    /// The id the company gave a known user.
    UserId,
    /// The id a device or browser was given before the user was known.
    AnonymousId,
    /// The id of an object that a cloud source brought into warehouses.
    ObjectId,
    /// An email address, in its [normal form](crate::normal::email).
    Email,
    /// A phone number, in its [normal form](crate::normal::phone).
    Phone,
    /// An id of another system, by a name of the company's own.
    Custom(KindName),
    /// The [hash](crate::hashed) of an identifier.
    Hash(Hashed),
}

/// The name of a custom kind: a lower-case letter, then lower-case letters, digits and underscores. Shorter ones are
/// filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindName([u8; MAX_NAME]);

impl SubjectType {
    /// The kinds of Segment's own, which the suppression list holds.
    pub const SEARCHED: [Self; 3] = [Self::UserId, Self::AnonymousId, Self::ObjectId];

    /// The name in the API and in stored items.
    pub fn as_str(&self) -> &str {
        match self {
            Self::UserId => "USER_ID",
            Self::AnonymousId => "ANONYMOUS_ID",
            Self::ObjectId => "OBJECT_ID",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Custom(name) => name.as_str(),
            Self::Hash(hashed) => hashed.name(),
        }
    }

    /// The custom kind of this name.
    ///
    /// # Errors
    /// `Invalid`, if the name is not of the form that [`KindName`] describes.
    pub fn custom(name: &str) -> failure::Result<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.len() > MAX_NAME
            || !name.starts_with(|first: char| first.is_ascii_lowercase())
            || !name.bytes().all(plain)
        {
            return Err(Failure::invalid(format!(
                "is no name of a kind: a lower-case letter, then up to {} lower-case letters, digits and underscores",
                MAX_NAME - 1
            )));
        }
        let mut bytes = [0; MAX_NAME];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self::Custom(KindName(bytes)))
    }

    /// The kinds of identifier by which a place that holds this kind finds people: itself, its hashes, and what it is a
    /// hash of.
    pub fn found_by(self) -> impl Iterator<Item = Self> {
        let plain = if let Self::Hash(hashed) = self { Some(hashed.of()) } else { None };
        [self].into_iter().chain(plain).chain(Hashed::all_of(self).map(Self::Hash))
    }

    /// Whether it is an id: what events and rows carry, and what archives and warehouses are searched for unless their
    /// settings name more kinds.
    pub fn is_searched(&self) -> bool {
        Self::SEARCHED.contains(self)
    }
}

impl KindName {
    fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(MAX_NAME);
        str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Debug for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SubjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SubjectType {
    type Err = Failure;

    fn from_str(name: &str) -> failure::Result<Self> {
        let known = Self::SEARCHED.into_iter().chain([Self::Email, Self::Phone]);
        let known = known.into_iter().find(|kind| kind.as_str() == name);
        known.or_else(|| Hashed::named(name).map(Self::Hash)).map_or_else(|| Self::custom(name), Ok)
    }
}

impl Serialize for SubjectType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SubjectType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        name.parse().map_err(|_| Error::unknown_variant(&name, &KNOWN))
    }
}

/// Whether this is the name of a custom kind by which somebody means a field, or a hash.
pub(crate) fn is_look_alike(name: &str) -> bool {
    LOOK_ALIKES.contains(&name)
        || Hashed::named(&name.to_ascii_uppercase()).is_some_and(|hash| hash.name() != name)
}

const LOOK_ALIKES: [&str; 7] =
    ["email", "phone", "user_id", "userid", "anonymous_id", "anonymousid", "object_id"];

/// The kinds as a message lists them.
const KNOWN: [&str; 7] = [
    "USER_ID",
    "ANONYMOUS_ID",
    "OBJECT_ID",
    "EMAIL",
    "PHONE",
    "one of these with _SHA256 or _MD5 behind it",
    "the name of a custom kind",
];

/// Reads the kind that a rule or a column holds: any, but no custom one that is named like a field of a person, since
/// nobody could be given by it.
///
/// # Errors
/// If it is none.
pub fn held<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SubjectType, D::Error> {
    let name = Cow::<str>::deserialize(deserializer)?;
    let kind = name.parse().ok().filter(|_| !is_look_alike(&name));
    kind.ok_or_else(|| Error::unknown_variant(&name, &KNOWN))
}

/// Reads a kind that the suppression list holds.
///
/// # Errors
/// If it is another kind, or none.
pub fn searched<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SubjectType, D::Error> {
    let name = Cow::<str>::deserialize(deserializer)?;
    let kind = SubjectType::SEARCHED.into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| Error::unknown_variant(&name, &["USER_ID", "ANONYMOUS_ID", "OBJECT_ID"]))
}

impl PartialSchema for SubjectType {
    fn schema() -> RefOr<Schema> {
        let pattern = "^(OBJECT_ID|(USER_ID|ANONYMOUS_ID|EMAIL|PHONE)(_SHA256|_MD5)?|[a-z][a-z0-9_]{0,31})$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples(["USER_ID"]).into()
    }
}

impl ToSchema for SubjectType {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for name in [
            "USER_ID",
            "ANONYMOUS_ID",
            "OBJECT_ID",
            "EMAIL",
            "PHONE",
            "crm",
            "EMAIL_SHA256",
            "USER_ID_MD5",
            "a2345678901234567890123456789_12",
        ] {
            let kind: SubjectType = name.parse().expect("a kind");
            assert_eq!((kind.as_str(), kind.is_searched()), (name, name.ends_with("_ID")));
        }
        for name in [
            "",
            "Crm",
            "EMAILS",
            "EMAIL_SHA1",
            "crm_SHA256",
            "OBJECT_ID_MD5",
            "1crm",
            "a-b",
            "é",
            "a23456789012345678901234567890123",
        ] {
            assert!(name.parse::<SubjectType>().is_err(), "{name}");
        }
    }
}
