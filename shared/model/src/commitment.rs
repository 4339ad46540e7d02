//! Commitments: how it is shown, years later, that a person is on a certificate, and of nobody else.
//!
//! 1. A certificate holds a hash of each of its subjects under a *salt* that is that subject's alone.
//! 2. Who gets one identifier's salt can check that identifier; it is of no use against the other hashes.
//! 3. All salts follow from the key of the pseudonyms. Once that is destroyed, no more can be shown or guessed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::subject::{PseudonymKey, Subject};

/// Keeps these hashes apart from all others.
const PURPOSE: &[u8] = b"lethe-subject-proof";

/// The salts of one certificate.
#[derive(Clone)]
pub struct Salts(Hmac<Sha256>);

impl Salts {
    /// Those of the certificate with this id.
    pub fn of(key: &PseudonymKey, jti: &str) -> Self {
        let own = key.derive(&format!("commitments of {jti}"));
        Self(Hmac::new_from_slice(&own).expect("HMAC takes keys of every length"))
    }

    /// The salt of a subject: 32 bytes.
    pub fn salt(&self, subject: &Subject) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(subject.kind.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(subject.id.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The commitments to subjects, sorted, so that their order says nothing.
    pub fn commitments<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<String> {
        let mut all: Vec<_> =
            subjects.into_iter().map(|subject| commitment(&self.salt(subject), subject)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The commitment to a subject: SHA-256, in base64url, of `lethe-subject-proof`, a zero byte, the salt, the kind, a zero byte
/// and the identifier.
pub fn commitment(salt: &[u8; 32], subject: &Subject) -> String {
    let mut hash = Sha256::new();
    for part in [PURPOSE, &[0], salt, subject.kind.as_str().as_bytes(), &[0], subject.id.as_bytes()] {
        hash.update(part);
    }
    BASE64.encode(hash.finalize())
}

/// A salt as it is written in a proof: base64url.
pub fn written(salt: &[u8; 32]) -> String {
    BASE64.encode(salt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::SubjectType;

    #[test]
    fn a_salt_shows_its_own_subject_and_no_other() {
        let key = PseudonymKey::new(b"key");
        let salts = Salts::of(&key, "reg_1-1");
        let (ada, bob) = (Subject::user("ada"), Subject::user("bob"));
        let all = salts.commitments([&ada, &bob, &ada]);
        assert_eq!(all.len(), 2, "one for each");
        assert!(all.contains(&commitment(&salts.salt(&ada), &ada)));
        assert!(!all.contains(&commitment(&salts.salt(&ada), &bob)), "a guess with another's salt");
        let anonymous = Subject { kind: SubjectType::AnonymousId, id: "ada".to_owned() };
        assert!(!all.contains(&commitment(&salts.salt(&ada), &anonymous)), "another kind");
        let later = Salts::of(&key, "reg_1-2");
        assert_ne!(later.commitments([&ada, &bob]), all, "certificates cannot be compared");
    }
}
