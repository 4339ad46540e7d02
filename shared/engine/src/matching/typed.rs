//! Compares values of typed formats (Parquet, Avro) with identifiers by value, not by spelling.
//!
//! 1. Text is compared as text: the text `"0123"` is not the number 123. Text that is a UUID is compared as one.
//! 2. Whole numbers of any type and width are compared by their decimal digits; a decimal of scale 2 may match `12.50`
//!    or `12.5`.
//! 3. A UUID is 16 bytes: it matches every spelling that a subject's UUID may have (`ids` lists them). Without a declared
//!    type, the bytes may also be in the order in which .NET writes them; if as a number, or as text with zeros behind it,
//!    they would be a subject's, the value is opaque.
//! 4. A float to which several whole numbers round (from 2^53; for 32 bits, from 2^24) matches no subject. If one of
//!    these numbers is a subject's, the record's owner cannot be determined: the value is *opaque*.
//! 5. A value is also opaque if its type holds no identifiers, such as a time; if its bytes are not text; or if it names a
//!    subject only without quotes of its own. A truth value is never an identifier.

use std::borrow::Cow;

use uuid::Uuid;

use super::{Found, Matcher, Node, has_controls};

/// A value with what its column's type says about it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Typed<'v> {
    /// Bytes declared as text.
    Text(&'v [u8]),
    /// Bytes declared as JSON.
    Json(&'v [u8]),
    /// Bytes without a declared type: text if they are UTF-8, and a UUID if there are 16.
    Bytes(&'v [u8]),
    Uuid([u8; 16]),
    Signed(i64),
    Unsigned(u64),
    /// A big-endian two's complement number of any width, and its scale: the number of digits after the decimal point.
    Decimal(&'v [u8], u32),
    Single(f32),
    Double(f64),
    Truth(bool),
    /// A value whose type holds no identifiers.
    Other,
}

impl<'v> Typed<'v> {
    /// The value as text, for map keys and conditions. `None`: it has no text form.
    pub(crate) fn text(self) -> Option<Cow<'v, str>> {
        Some(match self {
            Self::Bytes(bytes) if has_controls(bytes) => return None,
            Self::Text(bytes) | Self::Json(bytes) | Self::Bytes(bytes) => {
                Cow::Borrowed(str::from_utf8(bytes).ok()?)
            }
            Self::Uuid(bytes) => Cow::Owned(Uuid::from_bytes(bytes).hyphenated().to_string()),
            Self::Signed(number) => Cow::Owned(number.to_string()),
            Self::Unsigned(number) => Cow::Owned(number.to_string()),
            Self::Decimal(bytes, scale) => Cow::Owned(decimal(bytes, scale)),
            Self::Single(0.0) => Cow::Borrowed("0"),
            Self::Double(0.0) => Cow::Borrowed("0"),
            Self::Single(number) if number.is_finite() => Cow::Owned(number.to_string()),
            Self::Double(number) if number.is_finite() => Cow::Owned(number.to_string()),
            Self::Truth(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
            Self::Single(_) | Self::Double(_) | Self::Other => return None,
        })
    }

    /// The float, if several whole numbers round to it.
    fn ambiguous(self) -> Option<Rounded> {
        match self {
            Self::Single(number) => Rounded::single(number),
            Self::Double(number) => Rounded::double(number),
            _ => None,
        }
    }
}

/// The bits of a float to which several whole numbers round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rounded {
    Single(u32),
    Double(u64),
}

impl Rounded {
    fn single(number: f32) -> Option<Self> {
        (number.is_finite() && number.abs() >= (1 << 24) as f32).then(|| Self::Single(number.to_bits()))
    }

    pub(super) fn double(number: f64) -> Option<Self> {
        (number.is_finite() && number.abs() >= (1_u64 << 53) as f64).then(|| Self::Double(number.to_bits()))
    }

    /// The ambiguous floats that an identifier rounds to when it is a whole number stored as a float.
    pub(super) fn of(id: &str) -> impl Iterator<Item = Self> {
        let digits = id.strip_prefix('-').unwrap_or(id);
        let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let single = || id.parse().ok().and_then(Self::single);
        let double = || id.parse().ok().and_then(Self::double);
        [whole.then(single).flatten(), whole.then(double).flatten()].into_iter().flatten()
    }
}

impl Matcher {
    /// Whether a value at this node must be examined with its record: it may be a subject's, or is opaque.
    pub(crate) fn concerns(&self, node: &Node, value: Typed<'_>) -> bool {
        if let (Typed::Text(bytes), None) = (value, &self.seen)
            && let Ok(text) = str::from_utf8(bytes)
        {
            return self.may_concern(node, text);
        }
        let mut found = self.record();
        found.typed(value, node);
        node.goes_deeper() || found.names_somebody() || found.is_opaque()
    }
}

impl Found<'_> {
    /// Adds a typed value at a node.
    pub(crate) fn typed(&mut self, value: Typed<'_>, node: &Node) {
        if value.ambiguous().is_some_and(|rounded| self.rounded(rounded, node)) {
            return;
        }
        let uuids: &[Uuid] = match value {
            Typed::Uuid(bytes) => &[Uuid::from_bytes(bytes)],
            Typed::Bytes(bytes) => match bytes.try_into() {
                Ok(bytes) => &[Uuid::from_bytes(bytes), Uuid::from_bytes_le(bytes)],
                Err(_) => &[],
            },
            _ => &[],
        };
        let text = value.text();
        if let (Typed::Json(_), Some(text)) = (value, &text)
            && self.json(text, node)
        {
            return;
        }
        if text.is_none() {
            self.unsure(node);
        }
        match text {
            Some(text) => match (value, without_zeros(&text)) {
                (Typed::Truth(_), _) => self.condition(&text, node),
                (Typed::Decimal(..), Some(shorter)) => self.spelled(&[&text, shorter], &[], node),
                _ => {
                    self.spelled(&[&text], uuids, node);
                    if text.starts_with('"') {
                        self.quoted(&text, node);
                    }
                }
            },
            None if !uuids.is_empty() => {
                self.spelled(&[], uuids, node);
                if let Typed::Bytes(bytes) = value {
                    self.other_meanings(bytes, node);
                }
            }
            // Infinities and NaN are not numbers.
            None if matches!(value, Typed::Single(_) | Typed::Double(_)) => {}
            // A time contains no JSON that a rule's path could lead into; bytes might.
            None if matches!(value, Typed::Other) && node.rules().next().is_none() => {}
            None if !node.leads_to_identifier() => {}
            None => match value {
                Typed::Bytes(bytes) if self.is_hash(bytes, node) => self.spelled(&[&hex(bytes)], &[], node),
                _ => self.opaque(node),
            },
        }
    }
}

impl Found<'_> {
    /// Makes the record opaque if 16 bytes without a declared type would be a subject's as a number or as padded text.
    fn other_meanings(&mut self, bytes: &[u8], node: &Node) {
        if let Ok(text) = str::from_utf8(bytes) {
            self.opaque_if_named(text.trim_end_matches('\0'), node);
        }
        if let Ok(bytes) = bytes.try_into() {
            for number in [u128::from_le_bytes(bytes), u128::from_be_bytes(bytes)] {
                self.opaque_if_named(&number.to_string(), node);
                self.opaque_if_named(&number.cast_signed().to_string(), node);
            }
        }
    }
}

/// Bytes as lower-case hex.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A decimal number without its insignificant trailing zeros.
fn without_zeros(number: &str) -> Option<&str> {
    let shorter = number.contains('.').then(|| number.trim_end_matches('0').trim_end_matches('.'))?;
    (shorter != number).then_some(shorter)
}

/// The decimal digits of a big-endian two's complement number, with `scale` digits after the decimal point.
fn decimal(bytes: &[u8], scale: u32) -> String {
    const LIMB: u64 = 1_000_000_000;
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    // Base 10^9, least significant limb first. For a negative number n, the limbs hold !n, to which one is added.
    let mut limbs = vec![0_u64; 1];
    for &byte in bytes {
        let mut carry = u64::from(if negative { !byte } else { byte });
        for limb in &mut limbs {
            let sum = (*limb << 8) + carry;
            (*limb, carry) = (sum % LIMB, sum / LIMB);
        }
        limbs.extend((carry > 0).then_some(carry));
    }
    let mut carry = u64::from(negative);
    for limb in &mut limbs {
        let sum = *limb + carry;
        (*limb, carry) = (sum % LIMB, sum / LIMB);
    }
    limbs.extend((carry > 0).then_some(carry));
    let (first, rest) = limbs.split_last().expect("there is one limb at least");
    let mut digits = rest.iter().rev().fold(first.to_string(), |digits, limb| format!("{digits}{limb:09}"));
    let scale = scale as usize;
    if scale > 0 {
        digits = format!("{digits:0>width$}", width = scale + 1);
        digits.insert(digits.len() - scale, '.');
    }
    if negative { format!("-{digits}") } else { digits }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::SubjectSet;
    use super::*;
    use model::rules::Rules;
    use model::subject::Subject;

    /// Whether the value matches a subject with this id, and whether it is opaque.
    fn asked(id: &str, value: Typed<'_>) -> (bool, bool) {
        let matcher = Matcher::new(&Rules::at_paths(["id"]).unwrap(), &SubjectSet::new([Subject::user(id)]));
        let node = matcher.at(["id"].into_iter()).unwrap();
        let mut found = matcher.record();
        found.typed(value, node);
        assert_eq!(matcher.concerns(node, value), found.names_somebody() || found.is_opaque());
        (found.names_somebody(), found.is_opaque())
    }

    const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

    #[test]
    fn a_uuid_is_one_in_every_spelling_and_bytes_are_text_too() {
        let bytes = *Uuid::parse_str(UUID).unwrap().as_bytes();
        for spelling in [
            UUID.to_owned(),
            UUID.to_uppercase(),
            UUID.replace('-', ""),
            format!("{{{UUID}}}"),
            format!("urn:uuid:{UUID}"),
            format!("URN:UUID:{}", UUID.to_uppercase()),
        ] {
            assert_eq!(asked(&spelling, Typed::Uuid(bytes)), (true, false), "{spelling}");
            assert_eq!(asked(&spelling, Typed::Bytes(&bytes)), (true, false), "{spelling}");
        }
        assert_eq!(asked(&UUID.replace('a', "b"), Typed::Bytes(&bytes)), (false, false));
        assert_eq!(asked("sixteen letters!", Typed::Bytes(b"sixteen letters!")), (true, false));
        let shouted = format!("URN:UUID:{UUID}").to_uppercase();
        for text in [UUID.to_uppercase(), format!("{{{UUID}}}"), UUID.replace('-', ""), shouted] {
            assert_eq!(asked(UUID, Typed::Text(text.as_bytes())), (true, false), "{text}");
        }
        let dotnet = Uuid::parse_str(UUID).unwrap().to_bytes_le();
        assert_eq!(asked(UUID, Typed::Bytes(&dotnet)), (true, false));
        assert_eq!(asked(UUID, Typed::Uuid(dotnet)), (false, false));
        // Padded text, or a number.
        for bytes in [b"1\0\0\0\0\0\0\0".to_vec(), 49_i64.to_be_bytes().to_vec()] {
            assert_eq!(asked("1", Typed::Bytes(&bytes)), (false, true));
            assert_eq!(asked("49", Typed::Bytes(&bytes)), (false, true));
        }
        for (id, number) in
            [("49", 49_i128), ("1", 49), ("-3", -3), ("1267650600228229401496703205376", 1 << 100)]
        {
            for bytes in [number.to_le_bytes(), number.to_be_bytes()] {
                let padded = id != "1" || bytes[0] != 0;
                assert_eq!(asked(id, Typed::Bytes(&bytes)), (false, padded), "{id} {bytes:?}");
            }
        }
        assert_eq!(asked("50", Typed::Bytes(&49_i128.to_le_bytes())), (false, false));
        for (id, text, named) in
            [("u7", &b"\"u7\""[..], true), ("u7", b"u7", true), ("7", b"7", true), ("u7", b"{}", false)]
        {
            assert_eq!(asked(id, Typed::Json(text)), (named, false));
        }
        assert_eq!(asked("u7", Typed::Text(b"\"u7\"")), (false, true));
    }

    #[test]
    fn numbers_are_compared_by_value() {
        for (id, value, named) in [
            ("123", Typed::Decimal(&[123], 0), true),
            ("123", Typed::Decimal(&12300_i32.to_be_bytes(), 2), true),
            ("123.00", Typed::Decimal(&12300_i32.to_be_bytes(), 2), true),
            ("12.5", Typed::Decimal(&1250_i32.to_be_bytes(), 2), true),
            ("0.05", Typed::Decimal(&[5], 2), true),
            ("-0.05", Typed::Decimal(&[0xfb], 2), true),
            ("123", Typed::Decimal(&12350_i32.to_be_bytes(), 2), false),
            ("18446744073709551615", Typed::Unsigned(u64::MAX), true),
            ("-9223372036854775808", Typed::Signed(i64::MIN), true),
            ("0", Typed::Double(-0.0), true),
            ("15", Typed::Single(15.0), true),
            ("NaN", Typed::Double(f64::NAN), false),
            ("inf", Typed::Double(f64::INFINITY), false),
            ("9007199254740991", Typed::Double(9_007_199_254_740_991.0), true),
            ("true", Typed::Truth(true), false),
        ] {
            assert_eq!(asked(id, value), (named, false), "{id} {value:?}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_names_nobody_and_is_opaque() {
        for (id, value, opaque) in [
            ("9007199254740993", Typed::Double(9_007_199_254_740_992.0), true),
            ("9007199254740992", Typed::Double(9_007_199_254_740_992.0), true),
            ("9007199254740995", Typed::Double(9_007_199_254_740_992.0), false),
            ("u7", Typed::Double(9_007_199_254_740_992.0), false),
            ("16777217", Typed::Single(16_777_216.0), true),
            ("16777217", Typed::Double(16_777_216.0), false),
            ("u7", Typed::Text(b"caf\xe9"), true),
            ("u7", Typed::Bytes(b"caf\xe9"), true),
            ("u7", Typed::Other, true),
        ] {
            assert_eq!(asked(id, value), (false, opaque), "{id} {value:?}");
        }
    }

    proptest! {
        #[test]
        fn decimals_of_any_width_read_as_their_number(number: i128, more in 0_usize..20) {
            let sign = if number < 0 { 0xff } else { 0 };
            let wide = [&vec![sign; more][..], &number.to_be_bytes()].concat();
            prop_assert_eq!(decimal(&wide, 0), number.to_string());
        }
    }
}
