//! What the suppression list holds: identifiers of four kinds, email addresses and phone numbers as hashes.
//!
//! An address is held as the SHA-256, in lower-case hex, of its [normal form](crate::normal): the list need not show it
//! to anybody, and a company that has the hash alone can suppress it, too. Neither form can be mistaken for the other,
//! since a hash is no address and no number. Whoever is given by this hash alone is held by it.

pub mod filter;

use std::borrow::Cow;
use std::collections::HashSet;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use crate::hashed::Hashed;
use crate::kind::SubjectType;
use crate::normal;
use crate::subject::{Subject, hex};

/// The kinds that the list holds: those that events carry.
pub const KINDS: [SubjectType; 4] =
    [SubjectType::UserId, SubjectType::AnonymousId, SubjectType::Email, SubjectType::Phone];

/// What is said of a person whom the list cannot hold.
pub(crate) const UNKNOWN: &str = "has no userId, anonymousIds, email, phone or SHA-256 of the last two: the suppression list knows people by these alone";

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

/// The kind by which the list holds an identifier of a kind; none, if it does not.
pub fn holds(kind: SubjectType) -> Option<SubjectType> {
    let hashed = |hashed: Hashed| match hashed.of() {
        of @ (SubjectType::Email | SubjectType::Phone) if hashed.is_sha256() => Some(of),
        _ => None,
    };
    if let SubjectType::Hash(hash) = kind {
        hashed(hash)
    } else {
        Some(kind).filter(|kind| KINDS.contains(kind))
    }
}

/// Those of some identifiers that the list holds, as it holds them, each once.
pub fn of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<Subject> {
    let mut seen = HashSet::new();
    let held = subjects.into_iter().filter_map(|one| held(holds(one.kind)?, &one.id).ok());
    held.filter(|one| seen.insert(one.clone())).collect()
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
    fn whoever_is_given_by_the_hash_that_the_list_holds_is_held_by_it_once() {
        let of_kind =
            |kind: &str, id: &str| Subject { kind: kind.parse().expect("a kind"), id: id.to_owned() };
        let email = of_kind("EMAIL", "ada@example.com");
        let [sha256, md5] = ["EMAIL_SHA256", "EMAIL_MD5"].map(|kind| {
            let kind = kind.parse().expect("a kind");
            Subject { kind, id: email.at(kind).expect("its hash").into_owned() }
        });
        let held = of([&email]);
        assert_eq!(of([&sha256]), held);
        assert_eq!(of([&email, &sha256, &md5]), held);
        assert!(of([&md5, &of_kind("USER_ID_SHA256", &sha256.id)]).is_empty());
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
