//! Keyed hashes of values, for places where the values themselves must not be stored.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use model::comparison::Comparison;
use model::subject::SubjectType;

/// Length of an HMAC in bytes.
pub(crate) const TAG: usize = 32;

/// The key of all filters of an installation. A filter is useless without it.
#[derive(Clone)]
pub struct IndexKey(Hmac<Sha256>);

impl IndexKey {
    /// Makes a key from a secret of any length; 32 bytes or more are advisable.
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes keys of every length"))
    }

    /// A value's hash. It depends on the way of comparing, since each makes different values equal.
    pub(crate) fn hash(&self, kind: SubjectType, comparison: Comparison, value: &str) -> u64 {
        // That numbers and hashes are compared as such follows from the kind.
        let Comparison { fold_case, trim, normalize, phone: _, hash: _ } = comparison;
        let how = [u8::from(normalize.is_some()) << 2 | u8::from(fold_case) << 1 | u8::from(trim)];
        let digest = self.mac(&[b"value", kind.as_str().as_bytes(), &how, value.as_bytes()]);
        u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
    }

    /// HMAC over parts, each preceded by its length, so that no two lists of parts give the same input.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; TAG] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
