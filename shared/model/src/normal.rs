//! The one form in which an email address and a phone number are kept, compared and sent.

use unicode_normalization::UnicodeNormalization;

use crate::kind::SubjectType;

/// The longest email address, in bytes (RFC 5321: 64 before the `@`, 255 after it).
const MAX_EMAIL: usize = 320;

/// The digits of a phone number with its country code (E.164; shorter ones are services).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What is written between a phone number's digits.
const SEPARATORS: [char; 8] = [' ', '-', '.', '(', ')', '/', '\u{a0}', '\u{2011}'];

/// An identifier in the form of its kind.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with its field.
pub fn form(kind: SubjectType, text: &str) -> Result<String, &'static str> {
    match kind {
        SubjectType::Email => email(text).ok_or("is no email address"),
        SubjectType::Phone => {
            phone(text).ok_or("is no phone number with + and country code, such as +442079460000")
        }
        SubjectType::Hash(hashed) => hashed.read(text).ok_or(match hashed.is_sha256() {
            true => "is no SHA-256 in hex or base64, or that of an empty text",
            false => "is no MD5 in hex or base64, or that of an empty text",
        }),
        _ => Ok(text.to_owned()),
    }
}

/// An email address without white space around it, in lower case, in Unicode's form NFC; none, if it is no address.
pub fn email(text: &str) -> Option<String> {
    let address: String = text.trim().to_lowercase().nfc().collect();
    let (local, domain) = address.rsplit_once('@')?;
    // Not a list of addresses, a name with one, or a link. In quotes anything may stand.
    let is_one = local.starts_with('"') || !local.contains(['@', ',', ';', '<', '>', ':']);
    let is_address = !local.is_empty()
        && is_one
        && !domain.is_empty()
        && !domain.contains([',', ';', '<', '>', ':'])
        && address.len() <= MAX_EMAIL
        && !address.chars().any(|c| c.is_whitespace() || c.is_control());
    is_address.then_some(address)
}

/// A phone number as E.164 writes it: `+`, then digits without separators; none, if it is not international.
pub fn phone(text: &str) -> Option<String> {
    // In `+44 (0)20` the zero is dialled at home alone.
    if text.contains("(0") {
        return None;
    }
    let number: String = text.trim().chars().filter(|c| !SEPARATORS.contains(c)).collect();
    let digits = number.strip_prefix('+')?;
    let is_number = DIGITS.contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0');
    is_number.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mean_the_same_are_the_same() {
        for (written, normal) in [
            (" Ada@Example.COM\t", Some("ada@example.com")),
            ("jose\u{301}@example.com", Some("jos\u{e9}@example.com")),
            ("JOS\u{c9}@example.com", Some("jos\u{e9}@example.com")),
            ("\"a@b\"@example.com", Some("\"a@b\"@example.com")),
            ("ada", None),
            ("@example.com", None),
            ("ada@", None),
            ("ada lovelace@example.com", None),
            ("ada@example.com,bob@example.com", None),
            ("ada@@example.com", None),
            ("mailto:ada@example.com", None),
            ("Ada <ada@example.com>", None),
        ] {
            assert_eq!(email(written).as_deref(), normal, "{written:?}");
        }
        assert_eq!(email(&format!("{}@example.com", "a".repeat(400))), None);
    }

    #[test]
    fn numbers_that_mean_the_same_are_the_same() {
        for (written, normal) in [
            ("+44 (20) 7946-0000", Some("+442079460000")),
            ("+49.30/901820", Some("+4930901820")),
            ("+1", None),
            ("020 7946 0000", None),
            ("+0442079460000", None),
            ("+44 (0)20 7946 0000", None),
            ("+44 20 7946 0000 ext 5", None),
            ("+1234567890123456", None),
        ] {
            assert_eq!(phone(written).as_deref(), normal, "{written:?}");
        }
    }
}
