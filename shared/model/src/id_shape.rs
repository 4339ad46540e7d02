//! The coarse shape of an identifier: enough to see that somebody sent an email address where ids are numbers. A shape
//! says nothing about the person.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::comparison::core;

/// The coarse shape of an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// Digits alone.
    Number,
    /// As RFC 9562 writes a UUID.
    Uuid,
    /// 16 or more hexadecimal digits.
    Hex,
    /// Something, one `@`, and something with a dot in it.
    Email,
    /// `+` and digits, with the marks that people put between them.
    Phone,
    /// Anything else.
    Text,
}

impl Shape {
    /// The shape of an identifier.
    pub fn of(id: &str) -> Self {
        let id = id.trim();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        if digits(id) {
            return Self::Number;
        }
        if id.len() == 36 && uuid::Uuid::try_parse(id).is_ok() {
            return Self::Uuid;
        }
        if id.len() >= 16 && hex(id) {
            return Self::Hex;
        }
        if let Some((name, host)) = id.split_once('@')
            && !name.is_empty()
            && host.contains('.')
            && !host.contains('@')
            && !id.contains(char::is_whitespace)
        {
            return Self::Email;
        }
        let marks = |c: char| matches!(c, ' ' | '-' | '(' | ')' | '.' | '/');
        match id.strip_prefix('+').map(|rest| rest.replace(marks, "")) {
            Some(rest) if digits(&rest) => Self::Phone,
            _ => Self::Text,
        }
    }

    /// The shape of all identifiers in a column of this SQL type, if the type tells.
    pub fn of_column(data_type: &str) -> Option<Self> {
        let data_type = data_type.to_ascii_lowercase();
        let is = |names: &[&str]| names.iter().any(|name| data_type.starts_with(name));
        match () {
            () if is(&["uuid"]) => Some(Self::Uuid),
            () if is(&["bigint", "int", "smallint", "numeric", "decimal", "number"]) => Some(Self::Number),
            () => None,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number",
            Self::Uuid => "a UUID",
            Self::Hex => "hexadecimal digits",
            Self::Email => "an email address",
            Self::Phone => "a phone number",
            Self::Text => "other text",
        })
    }
}

/// What is known of the identifiers in a place. It holds some of them, so it is neither stored nor shown.
#[derive(Default)]
pub struct Known {
    shapes: BTreeMap<Shape, u64>,
    /// Identifiers by what is left of them without case, white space and Unicode form.
    by_core: HashMap<String, String>,
}

impl Known {
    /// Takes note of an identifier.
    pub fn note(&mut self, id: &str) {
        *self.shapes.entry(Shape::of(id)).or_default() += 1;
        self.by_core.insert(core(id), id.to_owned());
    }

    /// Number of identifiers of each shape.
    pub fn shapes(&self) -> &BTreeMap<Shape, u64> {
        &self.shapes
    }

    /// Whether one of them differs from an identifier in case, white space or Unicode form, and in nothing else.
    fn has_alike(&self, id: &str) -> bool {
        self.by_core.get(&core(id)).is_some_and(|known| known != id)
    }
}

/// Of columns only the shapes of their identifiers are known.
impl FromIterator<Shape> for Known {
    fn from_iter<I: IntoIterator<Item = Shape>>(shapes: I) -> Self {
        let mut known = Self::default();
        shapes.into_iter().for_each(|shape| *known.shapes.entry(shape).or_default() += 1);
        known
    }
}

/// Advice for the sender of identifiers that were not found: some are written otherwise there, or have a shape that no
/// known one has.
pub fn advice<'a>(known: &Known, sent: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let sent: Vec<_> = sent.into_iter().collect();
    let alike = sent.iter().filter(|id| known.has_alike(id)).count();
    if alike > 0 {
        return Some(format!(
            "nothing was found, but {alike} of {} identifiers differ only in case, spaces or Unicode form from ids that are there: send them as they are written there, or have the rules ignore that (foldCase, trim, normalize)",
            sent.len()
        ));
    }
    let mut strange = BTreeMap::new();
    for shape in sent.iter().map(|id| Shape::of(id)).filter(|shape| !known.shapes.contains_key(shape)) {
        *strange.entry(shape).or_default() += 1;
    }
    let most =
        |shapes: &BTreeMap<_, u64>| shapes.iter().max_by_key(|(_, count)| **count).map(|(shape, _)| *shape);
    let (theirs, ours) = (most(&strange)?, most(&known.shapes)?);
    let (odd, all) = (strange.values().sum::<u64>(), sent.len());
    Some(format!(
        "nothing was found, and {odd} of {all} identifiers may be of another kind: the ids here look like {ours}, none like {theirs}; look up the right id and send it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_told_apart_by_their_looks() {
        for (id, shape) in [
            ("1001", Shape::Number),
            ("0193aeb1-c2d3-7f6f-8c1e-5a7b9d0e2f41", Shape::Uuid),
            ("507f1f77bcf86cd799439011", Shape::Hex),
            ("ada@example.com", Shape::Email),
            ("ada@localhost", Shape::Text),
            ("a@b@example.com", Shape::Text),
            ("+49 (30) 123-456", Shape::Phone),
            ("u7", Shape::Text),
            ("", Shape::Text),
        ] {
            assert_eq!(Shape::of(id), shape, "{id}");
        }
        assert_eq!(Shape::of_column("bigint"), Some(Shape::Number));
        assert_eq!(Shape::of_column("INT64"), Some(Shape::Number));
        assert_eq!(Shape::of_column("character varying"), None);
    }

    #[test]
    fn an_email_among_numbers_is_said_without_repeating_it() {
        let known = Known::from_iter([Shape::Number, Shape::Number, Shape::Uuid]);
        let advice = advice(&known, ["ada@example.com", "7"]).expect("advice");
        assert!(advice.contains("1 of 2") && advice.contains("a number") && advice.contains("an email"));
        assert!(!advice.contains("ada"), "{advice}");
    }

    #[test]
    fn what_looks_as_the_known_do_or_where_none_is_known_nothing_is_said() {
        assert_eq!(advice(&Known::from_iter([Shape::Number]), ["7"]), None);
        assert_eq!(advice(&Known::default(), ["ada@example.com"]), None);
    }

    #[test]
    fn an_id_that_differs_in_case_spaces_or_unicode_form_alone_is_said_to() {
        let mut known = Known::default();
        ["Ada@Example.com", "Jose\u{301}", "u 7", "u8"].iter().for_each(|id| known.note(id));
        for alike in ["ada@example.com", "José", "u7", "ｕ７", " u8"] {
            let advice = advice(&known, [alike, "u9"]).expect("advice");
            assert!(advice.contains("1 of 2 identifiers differ only in case, spaces or Unicode"), "{advice}");
            assert!(!advice.contains(alike), "{advice}");
        }
        assert_eq!(advice(&known, ["u8", "u9"]), None);
    }
}
