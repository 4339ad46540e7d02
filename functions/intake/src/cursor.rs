//! Cursors as clients see them. A place in a list may be an identifier, and a cursor is part of a URL: so it is
//! encrypted, and only one that was given out for the same list is accepted.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use model::failure::{Failure, Result};
use model::subject::PseudonymKey;

use crate::error::ApiError;
use crate::request::invalid;

/// The cursors of one list.
pub struct Cursors {
    key: RandomizedNonceKey,
    /// The list: the path that it is requested by.
    list: String,
}

impl Cursors {
    /// The cursors of the list at a path.
    ///
    /// # Errors
    /// `Permanent`, if the key is refused.
    pub fn of(pseudonyms: &PseudonymKey, list: &str) -> Result<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &pseudonyms.derive("cursors"));
        let key = key.map_err(|_| Failure::permanent("the key of cursors cannot be used"))?;
        Ok(Self { key, list: list.to_owned() })
    }

    /// The cursor for a place in the list.
    ///
    /// # Errors
    /// `Transient`, if there is no randomness.
    pub fn seal(&self, place: &str) -> Result<String> {
        let mut bytes = place.as_bytes().to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(&self.list), &mut bytes);
        let nonce = nonce.map_err(|_| Failure::transient("there is no randomness"))?;
        Ok(BASE64.encode([nonce.as_ref().as_slice(), &bytes].concat()))
    }

    /// The place that a cursor was given out for. `field` is the parameter that held the cursor.
    ///
    /// # Errors
    /// 422, naming the field, for a cursor that was not given out for this list.
    pub fn open(&self, cursor: &str, field: &str) -> Result<String, ApiError> {
        self.place(cursor)
            .ok_or_else(|| invalid(field, format!("{field} is not one that was given out for this list")))
    }

    fn place(&self, cursor: &str) -> Option<String> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let place = self.key.open_in_place(nonce, Aad::from(&self.list), &mut sealed).ok()?;
        String::from_utf8(place.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_hides_its_place_and_is_taken_where_it_was_given_out() {
        let cursors = |key: &[u8], list| Cursors::of(&PseudonymKey::new(key), list).expect("a key");
        let mine = cursors(b"key", "/suppressions");
        let cursor = mine.seal("USER_ID#ada").expect("seals");
        assert_eq!(mine.place(&cursor).as_deref(), Some("USER_ID#ada"));
        assert_ne!(mine.seal("USER_ID#ada").expect("seals"), cursor, "two of one place do not look alike");
        assert!(!String::from_utf8_lossy(&BASE64.decode(&cursor).expect("base64")).contains("ada"));

        assert_eq!(cursors(b"key", "/regulations").place(&cursor), None);
        assert_eq!(cursors(b"another", "/suppressions").place(&cursor), None);
        for place in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(mine.place(&String::from_utf8(bytes).expect("ASCII")), None, "changed at {place}");
        }
        for made_up in ["", "1", "é", &BASE64.encode("USER_ID#ada"), &BASE64.encode([0; 12])] {
            assert_eq!(mine.place(made_up), None, "{made_up}");
        }
    }
}
