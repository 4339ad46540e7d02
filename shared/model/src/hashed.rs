//! Hashes of identifiers, for people and places of whom nothing else is kept.
//!
//! A hash is a kind of identifier of its own: `EMAIL_SHA256` is the SHA-256 of an email address in its
//! [normal form](crate::normal), as advertising platforms take it, and `USER_ID_MD5` the MD5 of a user id as it is. It is
//! read in hex or base64, and kept in lower-case hex.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::kind::SubjectType;
use crate::subject::hex;

/// The hash of an identifier of some kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hashed {
    of: Plain,
    with: Algorithm,
}

/// The kinds whose hashes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Plain {
    UserId,
    AnonymousId,
    Email,
    Phone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Algorithm {
    Sha256,
    Md5,
}

const fn hashed(of: Plain, with: Algorithm) -> Hashed {
    Hashed { of, with }
}

/// All of them, each with its name.
const ALL: [(Hashed, &str); 8] = [
    (hashed(Plain::UserId, Algorithm::Sha256), "USER_ID_SHA256"),
    (hashed(Plain::UserId, Algorithm::Md5), "USER_ID_MD5"),
    (hashed(Plain::AnonymousId, Algorithm::Sha256), "ANONYMOUS_ID_SHA256"),
    (hashed(Plain::AnonymousId, Algorithm::Md5), "ANONYMOUS_ID_MD5"),
    (hashed(Plain::Email, Algorithm::Sha256), "EMAIL_SHA256"),
    (hashed(Plain::Email, Algorithm::Md5), "EMAIL_MD5"),
    (hashed(Plain::Phone, Algorithm::Sha256), "PHONE_SHA256"),
    (hashed(Plain::Phone, Algorithm::Md5), "PHONE_MD5"),
];

/// Programs write base64 with and without padding, and not all leave the bits behind the last byte empty.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

impl Hashed {
    /// All hashes of identifiers of a kind.
    pub fn all_of(kind: SubjectType) -> impl Iterator<Item = Self> {
        ALL.into_iter().map(|(hashed, _)| hashed).filter(move |hashed| hashed.of() == kind)
    }

    /// The hash of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|(_, known)| *known == name).map(|(hashed, _)| hashed)
    }

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(hashed, _)| *hashed == self).map_or("", |(_, name)| name)
    }

    /// The kind of what is hashed.
    pub fn of(self) -> SubjectType {
        match self.of {
            Plain::UserId => SubjectType::UserId,
            Plain::AnonymousId => SubjectType::AnonymousId,
            Plain::Email => SubjectType::Email,
            Plain::Phone => SubjectType::Phone,
        }
    }

    /// Whether it is a SHA-256; an MD5 otherwise.
    pub fn is_sha256(self) -> bool {
        self.with == Algorithm::Sha256
    }

    /// The hash of an identifier in its normal form, in lower-case hex.
    pub fn hash(self, id: &str) -> String {
        match self.with {
            Algorithm::Sha256 => hex(&Sha256::digest(id)),
            Algorithm::Md5 => hex(&Md5::digest(id)),
        }
    }

    /// A hash as it is kept: read from hex in either case, or from base64, also for URLs, with or without padding. None,
    /// if it is none, or the hash of nothing, which stands for everybody without an identifier.
    pub fn read(self, text: &str) -> Option<String> {
        let bytes = match self.with {
            Algorithm::Sha256 => 32,
            Algorithm::Md5 => 16,
        };
        let text = text.trim();
        if text.len() == 2 * bytes {
            let is_hex = text.bytes().all(|digit| digit.is_ascii_hexdigit());
            return is_hex.then(|| text.to_ascii_lowercase()).filter(|hash| *hash != self.hash(""));
        }
        // Six bits a letter, and up to two letters of padding.
        let letters = (bytes * 8).div_ceil(6);
        if !(letters..=letters + 2).contains(&text.len()) {
            return None;
        }
        let hash = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
        Some(hex(&hash)).filter(|hash| hash.len() == 2 * bytes && *hash != self.hash(""))
    }
}

/// Everything that [`Hashed::read`] takes for a hash, but for hex in both cases at once. `hash` is in lower-case hex.
pub fn spellings(hash: &str) -> Vec<String> {
    let pairs = hash.as_bytes().chunks(2);
    let bytes: Vec<u8> =
        pairs.filter_map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect();
    let mut all = vec![hash.to_owned(), hash.to_uppercase()];
    for base64 in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
        all.extend([base64.trim_end_matches('=').to_owned(), base64]);
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL_SHA256: Hashed = hashed(Plain::Email, Algorithm::Sha256);

    /// As `printf %s ada@example.com | sha256sum` (`md5sum`, and `| xxd -r -p | base64`) writes it.
    const SHA256: &str = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72";
    const SHA256_BASE64: &str = "tfyF5VdV+eDQMKEKtEKbaylEhV+aDWAHf+gyvsvEHXI=";

    #[test]
    fn a_hash_is_one_in_every_spelling() {
        for spelling in [SHA256, &SHA256.to_uppercase(), SHA256_BASE64, &format!(" {SHA256}\n")] {
            assert_eq!(EMAIL_SHA256.read(spelling).as_deref(), Some(SHA256), "{spelling}");
        }
        let url_safe = SHA256_BASE64.replace('+', "-");
        assert_eq!(EMAIL_SHA256.read(url_safe.trim_end_matches('=')).as_deref(), Some(SHA256));
        assert_eq!(EMAIL_SHA256.hash("ada@example.com"), SHA256);
        let all = spellings(SHA256);
        assert_eq!(all.len(), 6);
        assert!(all.iter().all(|spelling| EMAIL_SHA256.read(spelling).as_deref() == Some(SHA256)));
        assert!(all.contains(&SHA256_BASE64.to_owned()) && all.contains(&url_safe));
    }

    #[test]
    fn what_is_no_such_hash_is_none_and_nor_is_the_hash_of_nothing() {
        let md5 = hashed(Plain::Email, Algorithm::Md5);
        let nothing = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ];
        for text in
            [&SHA256[1..], "ada@example.com", "", &"z".repeat(64), &"!".repeat(44), nothing[0], nothing[1]]
        {
            assert_eq!(EMAIL_SHA256.read(text), None, "{text}");
        }
        assert_eq!(md5.read(SHA256), None);
        assert_eq!(md5.read("d41d8cd98f00b204e9800998ecf8427e"), None);
        assert_eq!(md5.read(&md5.hash("7")), Some("8f14e45fceea167a5a36dedd4bea2543".to_owned()));
    }

    #[test]
    fn every_hash_has_a_name_and_a_kind_that_it_is_of() {
        for (hashed, name) in ALL {
            assert_eq!((Hashed::named(name), hashed.name()), (Some(hashed), name));
            assert!(Hashed::all_of(hashed.of()).any(|other| other == hashed));
            assert!(name.starts_with(hashed.of().as_str()));
        }
        assert_eq!(Hashed::all_of(SubjectType::ObjectId).count(), 0);
    }
}
