//! Decides about a line by a full JSON parse: the reference that every faster way must agree with.
//!
//! 1. The line must be UTF-8 and exactly one JSON object by RFC 8259, or it is unreadable.
//! 2. The rules' paths form a tree of names. An object is read once: the values under names in the tree are collected
//!    as raw text (a later duplicate replaces an earlier one, as in `serde_json` and in JavaScript); all others are
//!    skipped.
//! 3. The collected values are read the same way, one level down. An array stands for its elements.
//! 4. Strings and numbers at the end of a path are looked up; `true`, `false`, `null` and objects match no subject.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::typed::Rounded;
use super::{Matcher, Plan};
use model::number;
use model::rules::{Rule, Rules, When};

/// Nested arrays are read up to this depth. A deeper one makes the line unreadable: identifiers are not nested so, and
/// each level costs another read.
const MAX_ARRAYS: usize = 16;

/// The decision about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It belongs to none of the subjects.
    Keep,
    /// It belongs to at least one subject.
    Remove,
    /// It is not a JSON object: kept and reported.
    Unreadable,
}

/// A node of a record that is on the path of a rule or of a condition.
#[derive(Default)]
pub(crate) struct Node {
    children: Vec<(String, Node)>,
    /// Rules whose identifier is here.
    rules: Vec<usize>,
    /// Rules whose condition is decided here, with the text it requires.
    conditions: Vec<(usize, String)>,
}

impl Node {
    pub(super) fn new(rules: &Rules) -> Self {
        let mut root = Self::default();
        for (at, Rule { path, when, .. }) in rules.iter().enumerate() {
            root.place(path).rules.push(at);
            if let Some(When { path, equals }) = when {
                root.place(path).conditions.push((at, equals.clone()));
            }
        }
        root
    }

    fn place(&mut self, path: &[String]) -> &mut Self {
        let Some((name, rest)) = path.split_first() else { return self };
        let at = self.child(name).unwrap_or_else(|| {
            self.children.push((name.clone(), Self::default()));
            self.children.len() - 1
        });
        self.children[at].1.place(rest)
    }

    /// The node that these names lead to.
    pub(super) fn at<'a>(&self, mut path: impl Iterator<Item = &'a str>) -> Option<&Self> {
        path.try_fold(self, |node, name| Some(&node.children[node.child(name)?].1))
    }

    /// Rules whose identifier is at this node.
    pub(crate) fn rules(&self) -> impl Iterator<Item = usize> {
        self.rules.iter().copied()
    }

    /// Whether some rule's identifier, and not only a condition, is here or deeper.
    pub(crate) fn leads_to_identifier(&self) -> bool {
        !self.rules.is_empty() || self.children.iter().any(|(_, child)| child.leads_to_identifier())
    }

    /// Whether some rule's condition is here or deeper.
    pub(crate) fn leads_to_condition(&self) -> bool {
        !self.conditions.is_empty() || self.children.iter().any(|(_, child)| child.leads_to_condition())
    }

    /// Whether some rule's path continues from here.
    pub(crate) fn goes_deeper(&self) -> bool {
        !self.children.is_empty()
    }

    /// The nodes directly below this one.
    pub(crate) fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children.iter().map(|(name, child)| (name.as_str(), child))
    }

    /// The node that a name leads to.
    pub(crate) fn under(&self, name: &str) -> Option<&Self> {
        self.child(name).map(|child| &self.children[child].1)
    }

    fn child(&self, name: &str) -> Option<usize> {
        self.children.iter().position(|(child, _)| child == name)
    }
}

/// See [`super::Matcher::line`].
pub(super) fn decide(matcher: &Matcher, line: &[u8], hits: &mut Vec<u32>) -> Verdict {
    hits.clear();
    let mut found = Found::new(matcher);
    let read =
        simdutf8::basic::from_utf8(line).is_ok_and(|text| found.object(text, &matcher.plan.root, 0).is_ok());
    match read && found.decide(hits) {
        true => Verdict::Remove,
        false if read => Verdict::Keep,
        false => Verdict::Unreadable,
    }
}

/// Whether every identifier in a record is inside an element of an array with several elements. Such a record has no
/// owner of its own: each element may be somebody else's.
pub(super) fn is_envelope(matcher: &Matcher, record: &[u8]) -> bool {
    let mut places = Places::default();
    let text = str::from_utf8(record).unwrap_or_default();
    places.value(text.trim_ascii(), &matcher.plan.root, false).is_ok() && places.inside && !places.outside
}

/// Where the identifiers of a record are, whoever they name.
#[derive(Default)]
struct Places {
    /// Whether one is inside an element of an array with several elements.
    inside: bool,
    /// Whether one is elsewhere.
    outside: bool,
}

impl Places {
    fn value(&mut self, text: &str, node: &Node, inside: bool) -> Result<(), serde_json::Error> {
        match text.as_bytes().first() {
            Some(b'{') if node.goes_deeper() => {
                let mut json = serde_json::Deserializer::from_str(text);
                for (value, (_, child)) in json.deserialize_map(Fields(node))?.iter().zip(&node.children) {
                    value.map_or(Ok(()), |value| self.value(value.get(), child, inside))?;
                }
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text)?;
                let inside = inside || elements.len() > 1 && node.goes_deeper();
                for element in elements {
                    self.value(element.get(), node, inside)?;
                }
            }
            Some(b'"' | b'-' | b'0'..=b'9') if !node.rules.is_empty() && text != "\"\"" => {
                *(if inside { &mut self.inside } else { &mut self.outside }) = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is found in a record, value by value.
pub(crate) struct Found<'p> {
    matcher: &'p Matcher,
    plan: &'p Plan,
    /// Rules, each with a subject that the value at its path names.
    named: Vec<(usize, u32)>,
    /// Rules whose condition holds.
    met: Vec<usize>,
    /// Whether some value could not be compared.
    opaque: bool,
}

impl<'p> Found<'p> {
    pub(super) fn new(matcher: &'p Matcher) -> Self {
        Self { matcher, plan: &matcher.plan, named: Vec::new(), met: Vec::new(), opaque: false }
    }

    /// Adds a table cell. If it holds a JSON object and a rule's path continues into it, the object is read too. Broken
    /// JSON that contains an identifier is opaque.
    pub(crate) fn cell(&mut self, value: &str, node: &Node) {
        self.text(value, node);
        if node.goes_deeper() && value.trim_start().starts_with('{') {
            let (named, met) = (self.named.len(), self.met.len());
            if self.object(value, node, 0).is_err() {
                self.named.truncate(named);
                self.met.truncate(met);
                self.opaque |= self.matcher.suspects(value.as_bytes());
            }
        }
    }

    /// Adds a UUID at a node.
    pub(super) fn uuid(&mut self, uuid: Uuid, node: &Node) {
        for &rule in &node.rules {
            let which = self.plan.rule_ids[rule];
            self.matcher.note(which, uuid.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
            self.named.extend(self.plan.ids[which].find_uuid(uuid).map(|subject| (rule, subject)));
        }
    }

    /// Adds a float to which several numbers round, so that its owner cannot be determined. Returns `false` if no rule
    /// looks for an identifier here.
    pub(super) fn rounded(&mut self, rounded: Rounded, node: &Node) -> bool {
        if !node.rules.is_empty() {
            self.matcher.note_opaque();
        }
        self.opaque |=
            node.rules.iter().any(|&rule| self.plan.ids[self.plan.rule_ids[rule]].rounds_to(rounded));
        !node.rules.is_empty()
    }

    /// Adds a value that cannot be compared.
    pub(super) fn opaque(&mut self) {
        self.matcher.note_opaque();
        self.opaque = true;
    }

    /// Whether some value could not be compared.
    pub(crate) fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Adds a text at a node.
    fn text(&mut self, value: &str, node: &Node) {
        for &rule in &node.rules {
            let which = self.plan.rule_ids[rule];
            self.matcher.note(which, value.as_bytes());
            let ids = &self.plan.ids[which];
            self.named.extend(ids.find(value).map(|subject| (rule, subject)));
        }
        self.met.extend(node.conditions.iter().filter(|(_, equals)| equals == value).map(|(rule, _)| rule));
    }

    /// Whether any value so far names a subject, regardless of conditions.
    pub(crate) fn names_somebody(&self) -> bool {
        !self.named.is_empty()
    }

    /// Whether the record belongs to a subject. Sets `hits` to all its subjects, sorted and without duplicates. Then
    /// resets for the next record.
    pub(crate) fn decide(&mut self, hits: &mut Vec<u32>) -> bool {
        hits.clear();
        let holds = |rule| self.plan.rules.conditional(rule).is_none() || self.met.contains(&rule);
        hits.extend(self.named.iter().filter(|(rule, _)| holds(*rule)).map(|(_, subject)| subject));
        hits.sort_unstable();
        hits.dedup();
        self.named.clear();
        self.met.clear();
        self.opaque = false;
        !hits.is_empty()
    }

    fn object(&mut self, text: &str, node: &Node, arrays: usize) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let values = json.deserialize_map(Fields(node))?;
        json.end()?;
        for (value, (_, child)) in values.iter().zip(&node.children) {
            if let Some(value) = value {
                self.value(value.get(), child, arrays)?;
            }
        }
        Ok(())
    }

    fn value(&mut self, text: &str, node: &Node, arrays: usize) -> Result<(), serde_json::Error> {
        match text.as_bytes().first() {
            Some(b'{') if !node.children.is_empty() => self.object(text, node, arrays)?,
            Some(b'[') if arrays == MAX_ARRAYS => return Err(Error::custom("too many arrays in arrays")),
            Some(b'[') => {
                for element in serde_json::from_str::<Vec<&RawValue>>(text)? {
                    self.value(element.get(), node, arrays + 1)?;
                }
            }
            Some(b'"') => {
                // An unpaired surrogate is not text: such a value matches no subject.
                if let Some(value) = string(text)? {
                    self.text(&value, node);
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                self.text(text, node);
                if let Some(plain) = number::plain(text) {
                    self.text(&plain, node);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The text of a JSON string; `None`, if it has an unpaired surrogate.
fn string(json: &str) -> Result<Option<Cow<'_, str>>, serde_json::Error> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Option<Cow<'de, str>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
            Ok(str::from_utf8(bytes).ok().map(Cow::Borrowed))
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(str::from_utf8(bytes).ok().map(|text| Cow::Owned(text.to_owned())))
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_bytes(Text)
}

/// Reads an object: for each child of the node, the raw text of its last value.
struct Fields<'n>(&'n Node);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.children.len()];
        while let Some(child) = map.next_key_seed(Name(self.0))? {
            match child {
                Some(child) => values[child] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(values)
    }
}

/// Reads a key: the child of the node that it names.
struct Name<'n>(&'n Node);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.child(key))
    }
}
