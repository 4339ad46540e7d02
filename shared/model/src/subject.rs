//! The people a regulation is about: the only place where an identifier lives.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

pub use crate::kind::SubjectType;
use crate::{normal, uuid_text};

/// The longest identifier accepted, in bytes. Long enough for any id, email or URL; short enough that 5,000
/// of them stay far from every limit on the way.
pub const MAX_ID_BYTES: usize = 1024;

/// A person, as an identifier of one kind. `Debug` shows the kind alone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The kind of identifier.
    #[serde(rename = "type")]
    pub kind: SubjectType,
    /// The identifier, exactly as the company wrote it.
    pub id: String,
}

impl Subject {
    /// A subject known by the company's own user id.
    pub fn user(id: impl Into<String>) -> Self {
        Self { kind: SubjectType::UserId, id: id.into() }
    }

    /// A subject known by the id of a device or browser.
    pub fn anonymous(id: impl Into<String>) -> Self {
        Self { kind: SubjectType::AnonymousId, id: id.into() }
    }

    /// It, and if it is a UUID, the other spellings under which events may have named it.
    pub fn spelled(&self) -> impl Iterator<Item = Self> {
        let others = uuid_text::spellings(&self.id).map(|id| Self { kind: self.kind, id });
        std::iter::once(self.clone()).chain(others)
    }

    /// What stands for it at a place that holds a kind: itself, or its hash; nothing, if it is of another kind.
    pub fn at(&self, holds: SubjectType) -> Option<Cow<'_, str>> {
        match holds {
            _ if holds == self.kind => Some(Cow::Borrowed(&self.id)),
            SubjectType::Hash(hashed) if hashed.of() == self.kind => {
                let form = normal::form(self.kind, &self.id);
                Some(Cow::Owned(hashed.hash(form.as_deref().unwrap_or(&self.id))))
            }
            _ => None,
        }
    }
}

/// An identifier that a regulation names, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The person's number within the regulation, from 0; none, if this is the only identifier that it names the person
    /// by, and everyone else is named by one, too.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub person: Option<u32>,
    /// The identifier.
    #[serde(flatten)]
    pub subject: Subject,
}

impl From<Subject> for Named {
    fn from(subject: Subject) -> Self {
        Self { person: None, subject }
    }
}

/// The identifiers without the people whose they are.
pub fn subjects(named: &[Named]) -> Vec<Subject> {
    named.iter().map(|one| one.subject.clone()).collect()
}

/// Those that are ids: what archives and warehouses are searched for unless their settings name more kinds.
pub fn searched(named: &[Named]) -> Vec<Subject> {
    subjects(named).into_iter().filter(|subject| subject.kind.is_searched()).collect()
}

/// The identifiers of each person, in the order of the regulation.
pub fn people(named: &[Named]) -> impl Iterator<Item = Vec<Subject>> {
    named.chunk_by(|a, b| a.person.is_some() && a.person == b.person).map(subjects)
}

/// Why an identifier is refused, worded to follow the name of its place; none, if it is valid. Never repeats it.
pub fn fault(id: &str) -> Option<String> {
    if id.trim().is_empty() {
        return Some("is empty".to_owned());
    }
    (id.len() > MAX_ID_BYTES).then(|| format!("has {} bytes; at most {MAX_ID_BYTES}", id.len()))
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({} redacted)", self.kind.as_str())
    }
}

/// Stands for a subject in logs, evidence and certificates: HMAC-SHA256 under a key of the installation, in
/// lower-case hex. Without the key it cannot be tested against a guess.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pseudonym(pub String);

/// The key of all pseudonyms of an installation.
#[derive(Clone)]
pub struct PseudonymKey(Hmac<Sha256>);

impl PseudonymKey {
    /// A key from its secret bytes (any length; 32 or more are recommended).
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of every length"))
    }

    /// The pseudonym of a subject.
    pub fn pseudonym(&self, subject: &Subject) -> Pseudonym {
        let mut mac = self.0.clone();
        mac.update(subject.kind.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(subject.id.as_bytes());
        Pseudonym(hex(&mac.finalize().into_bytes()))
    }

    /// A key for another purpose, which reveals neither this key nor a pseudonym.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = self.0.clone();
        // No pseudonym's and no fingerprint's text begins with this byte.
        mac.update(&[0xff]);
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// A keyed hash of texts: equal for the same texts in the same order, and for no others.
    pub fn fingerprint<'a>(&self, texts: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut mac = self.0.clone();
        for text in texts {
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text);
        }
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(redacted)")
    }
}

/// The bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        use fmt::Write;
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_identifier() {
        let shown = format!("{:?} {:?}", Subject::user("ada@example.com"), PseudonymKey::new(b"secret"));
        assert!(!shown.contains("ada") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_pseudonym_depends_on_key_kind_and_id() {
        let key = PseudonymKey::new(b"k1");
        let user = key.pseudonym(&Subject::user("7"));
        assert_eq!(user, key.pseudonym(&Subject::user("7")));
        assert_ne!(user, key.pseudonym(&Subject::user("8")));
        assert_ne!(user, key.pseudonym(&Subject { kind: SubjectType::AnonymousId, id: "7".into() }));
        assert_ne!(user, PseudonymKey::new(b"k2").pseudonym(&Subject::user("7")));
        assert_eq!(user.0.len(), 64);
    }
}
