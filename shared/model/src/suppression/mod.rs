//! What the suppression list holds: identifiers of four kinds, email addresses and phone numbers as hashes.
//!
//! An address is held as the SHA-256, in lower-case hex, of its [normal form](crate::normal): the list need not show it
//! to anybody, and a company that has the hash alone can suppress it, too. Neither form can be mistaken for the other,
//! since a hash is no address and no number.

pub mod filter;

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use crate::kind::SubjectType;
use crate::normal;
use crate::subject::{Subject, hex};

/// The kinds that the list holds: those that events carry.
pub const KINDS: [SubjectType; 4] =
    [SubjectType::UserId, SubjectType::AnonymousId, SubjectType::Email, SubjectType::Phone];

/// An identifier as the list holds it. An email address or a phone number may be given as its hash.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with its field.
pub fn held(kind: SubjectType, text: &str) -> Result<Subject, &'static str> {
    let is_hashed = matches!(kind, SubjectType::Email | SubjectType::Phone);
    let id = match text.trim() {
        hash if is_hashed && is_hash(hash) => hash.to_ascii_lowercase(),
        _ if is_hashed => hex(&Sha256::digest(normal::form(kind, text)?)),
        _ => text.to_owned(),
    };
    Ok(Subject { kind, id })
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Those of some identifiers that the list holds, as it holds them.
pub fn of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<Subject> {
    let known = subjects.into_iter().filter(|one| KINDS.contains(&one.kind));
    known.filter_map(|one| held(one.kind, &one.id).ok()).collect()
}

/// Reads a kind that the list holds.
///
/// # Errors
/// If it is another kind, or none.
pub fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SubjectType, D::Error> {
    let name = Cow::<str>::deserialize(deserializer)?;
    let kind = KINDS.into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| Error::unknown_variant(&name, &["USER_ID", "ANONYMOUS_ID", "EMAIL", "PHONE"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_its_hash_are_one_entry() {
        // printf %s ada@example.com | sha256sum
        let hash = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72";
        let ada = held(SubjectType::Email, " Ada@Example.com").expect("an address");
        assert_eq!(ada.id, hash);
        assert_eq!(held(SubjectType::Email, &hash.to_uppercase()), Ok(ada));
        let number = held(SubjectType::Phone, "+44 20 7946 0000").expect("a number");
        assert_eq!(Ok(number), held(SubjectType::Phone, "+442079460000"));
    }

    #[test]
    fn ids_are_held_as_they_are_even_if_they_look_like_hashes() {
        for id in [" u7 ", "Ada@Example.com", &"AB".repeat(32)] {
            assert_eq!(held(SubjectType::UserId, id), Ok(Subject::user(id)));
        }
        assert!(held(SubjectType::Email, "ada").is_err());
        assert!(held(SubjectType::Phone, &"z".repeat(64)).is_err());
    }
}
