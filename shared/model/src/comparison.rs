//! How identifiers are compared with values.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::hashed::Hashed;
use crate::kind::SubjectType;
use crate::normal;

/// How identifiers are compared with the values at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Whether upper and lower case are the same.
    pub fold_case: bool,
    /// Whether white space around the identifier is ignored.
    pub trim: bool,
    /// The Unicode form in which they are compared; as they are, if there is none.
    pub normalize: Option<Normalize>,
    /// Whether values that are phone numbers are compared in their [normal form](normal::phone).
    pub phone: bool,
    /// Of which kind values are that are compared as [hashes](Hashed::read), however they are written.
    pub hash: Option<Hashed>,
}

/// A Unicode normalization form: <https://unicode.org/reports/tr15/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// Canonical composition: `e` with a combining acute accent is `é`.
    Nfc,
}

impl Comparison {
    /// The same for identifiers of a kind: addresses, numbers and hashes are kept in a form of their own, so values are
    /// compared in that form.
    #[must_use]
    pub fn of_kind(self, kind: SubjectType) -> Self {
        match kind {
            SubjectType::Email => {
                Self { fold_case: true, trim: true, normalize: Some(Normalize::Nfc), ..self }
            }
            SubjectType::Phone => Self { phone: true, ..self },
            SubjectType::Hash(hashed) => Self { hash: Some(hashed), ..self },
            _ => self,
        }
    }

    /// Whether values are compared byte by byte.
    pub fn is_exact(self) -> bool {
        self == Self::default()
    }

    /// A value as it is compared.
    pub fn normal(self, value: &str) -> Cow<'_, str> {
        if let Some(number) = self.phone.then(|| normal::phone(value)).flatten() {
            return Cow::Owned(number);
        }
        if let Some(hash) = self.hash.and_then(|hashed| hashed.read(value)) {
            return Cow::Owned(hash);
        }
        let value = if self.trim { value.trim() } else { value };
        let folded = if self.fold_case { Cow::Owned(value.to_lowercase()) } else { Cow::Borrowed(value) };
        match self.normalize {
            Some(Normalize::Nfc) if !folded.is_ascii() => Cow::Owned(folded.nfc().collect()),
            _ => folded,
        }
    }
}

/// What is left of an identifier without case, white space and Unicode form: people who mean the same identifier may
/// write it in ways that differ in these.
pub(crate) fn core(id: &str) -> String {
    id.nfkc().flat_map(char::to_lowercase).filter(|letter| !letter.is_whitespace()).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_compared_as_the_rule_says() {
        let exact = Comparison::default();
        let nfc = Comparison { normalize: Some(Normalize::Nfc), ..exact };
        let all = Comparison { fold_case: true, trim: true, ..nfc };
        for (comparison, value, normal) in [
            (exact, " Jose\u{301} ", " Jose\u{301} "),
            (nfc, "Jose\u{301}", "José"),
            (nfc, "José", "José"),
            (nfc, " JOSE", " JOSE"),
            (nfc, "ﬁ", "ﬁ"),
            (all, " JOSE\u{301}\u{a0}", "josé"),
            (exact.of_kind(SubjectType::Email), " Ada@Example.COM ", "ada@example.com"),
            (exact.of_kind(SubjectType::Phone), "+44 (20) 7946-0000", "+442079460000"),
            (exact.of_kind(SubjectType::Phone), "020 7946 0000", "020 7946 0000"),
            (exact.of_kind(SubjectType::UserId), " +44 (20)", " +44 (20)"),
        ] {
            assert_eq!(comparison.normal(value), normal, "{value:?}");
        }
        assert!(exact.is_exact() && !nfc.is_exact());
    }
}
