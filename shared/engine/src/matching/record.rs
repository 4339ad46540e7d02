//! Decides about a line by a full JSON parse: the reference that every faster way must agree with.
//!
//! 1. The line must be UTF-8 and exactly one JSON object by RFC 8259, or it is unreadable.
//! 2. The rules' paths form a tree of names. An object is read once: the values under names in the tree are collected
//!    as raw text (a later duplicate replaces an earlier one, as in `serde_json` and in JavaScript); all others are
//!    skipped.
//! 3. The collected values are read the same way, one level down. An array stands for its elements.
//! 4. Strings and numbers at the end of a path are looked up; `true`, `false` and `null` match no subject. An object there
//!    cannot be compared, nor can a string that is a subject's only without quotes of its own. A string that is itself a
//!    JSON array or object is read as one.
//! 5. A condition holds if its text, number or truth value reads as the rule says. If it is anything else, such as an
//!    object, nobody knows whether the rule holds: a record that names a subject by this rule alone is opaque.
//! 6. A record that names a subject only among others in an array, and nobody outside of arrays, has no owner: it is kept.
//!    An object in an array in which no rule finds anybody is somebody else's, too.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::node::{Fields, Node};
use super::typed::Rounded;
use super::{Matcher, Plan};
use model::number;
use model::uuid_text::parse as uuid;

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
    /// It holds a value in an identifier's place that cannot be compared, so its owner is unknown: kept and reported.
    Opaque,
    /// It names a subject and others in an array, and nobody outside of arrays, who would be its owner: kept and
    /// reported.
    Shared,
    /// It is not a JSON object: kept and reported.
    Unreadable,
}

/// See [`super::Matcher::line`].
pub(super) fn decide(matcher: &Matcher, line: &[u8], hits: &mut Vec<u32>) -> Verdict {
    hits.clear();
    let mut found = Found::new(matcher);
    let read =
        simdutf8::basic::from_utf8(line).is_ok_and(|text| found.object(text, &matcher.plan.root).is_ok());
    if read { found.decide(hits) } else { Verdict::Unreadable }
}

/// What is found in a record, value by value.
pub(crate) struct Found<'p> {
    matcher: &'p Matcher,
    plan: &'p Plan,
    /// Rules, each with a subject that the value at its path names.
    named: Vec<(usize, u32)>,
    /// Rules whose condition holds.
    met: Vec<usize>,
    /// Rules whose condition has a value that cannot be compared.
    unsure: Vec<usize>,
    /// Whether some value could not be compared.
    opaque: bool,
    /// How many arrays the next value is in.
    arrays: usize,
    /// Rules with a value outside of arrays: it says whose the whole record is.
    owners: Vec<usize>,
    /// Rules with a value inside an array that names no subject: another person's, perhaps.
    strangers: Vec<usize>,
}

impl<'p> Found<'p> {
    pub(super) fn new(matcher: &'p Matcher) -> Self {
        Self {
            matcher,
            plan: &matcher.plan,
            named: Vec::new(),
            met: Vec::new(),
            unsure: Vec::new(),
            opaque: false,
            arrays: 0,
            owners: Vec::new(),
            strangers: Vec::new(),
        }
    }

    /// Says that the next values are elements of an array.
    pub(crate) fn enter_array(&mut self) {
        self.arrays += 1;
    }

    /// Says that the array entered last has ended.
    pub(crate) fn leave_array(&mut self) {
        self.arrays -= 1;
    }

    /// How much is found so far, for [`Self::element`].
    pub(crate) fn mark(&self) -> (usize, usize) {
        (self.named.len(), self.strangers.len())
    }

    /// Says that an element of an array was read. An object in which nothing was found since `mark` is somebody else's.
    pub(crate) fn element(&mut self, node: &Node, is_object: bool, mark: (usize, usize)) {
        if is_object && node.goes_deeper() && mark == self.mark() {
            self.strangers.extend(node.rules_below());
        }
    }

    /// Adds a cell of delimited text, which may hold JSON: see [`Self::spelled`]. If it names a subject only without
    /// quotes that are part of the text, such as 'u7' or ="u7", or with its backslashes read as escapes, it is opaque: the
    /// file is not written as we read it.
    pub(crate) fn cell(&mut self, value: &str, node: &Node) {
        self.spelled(&[value], &[], node);
        self.quoted(value.trim().trim_start_matches('='), node);
        if value.contains('\\') {
            self.opaque_if_named(&unescaped(value), node);
        }
    }

    /// Makes the record opaque if a text names a subject without the quotes around it.
    pub(super) fn quoted(&mut self, text: &str, node: &Node) {
        let bare = text.trim_matches(['\'', '"', '`']);
        if bare.len() < text.len() {
            self.opaque_if_named(bare, node);
        }
    }

    /// Whether bytes are a hash where every rule looks for hashes: as BigQuery's `SHA256()` gives them.
    pub(super) fn is_hash(&self, bytes: &[u8], node: &Node) -> bool {
        let looks = |rule: &usize| self.plan.ids[self.plan.rule_ids[*rule]].holds_hashes();
        bytes.len() == 32 && !node.rules.is_empty() && node.rules.iter().all(looks)
    }

    /// Makes the record opaque if a value might mean this text, and it is a subject's.
    pub(super) fn opaque_if_named(&mut self, text: &str, node: &Node) {
        for &rule in &node.rules {
            let which = self.plan.rule_ids[rule];
            self.matcher.note(which, text.as_bytes());
            self.opaque |= self.plan.ids[which].find(text).next().is_some();
        }
    }

    /// Adds a text that is declared to be JSON. Returns whether it is.
    pub(super) fn json(&mut self, text: &str, node: &Node) -> bool {
        serde_json::from_str::<&RawValue>(text).is_ok_and(|json| self.value(json.get(), node).is_ok())
    }

    /// Adds a value with all its spellings. If one is a JSON array or object, its elements and fields count instead.
    /// What only looks like JSON, and contains an identifier, is opaque.
    pub(super) fn spelled(&mut self, spellings: &[&str], uuids: &[Uuid], node: &Node) {
        self.add(spellings, uuids, node, node.leads_to_identifier());
    }

    /// `may_break`: whether what only looks like JSON makes the record opaque.
    fn add(&mut self, spellings: &[&str], uuids: &[Uuid], node: &Node, may_break: bool) {
        let (plan, known) = (self.plan, self.named.len());
        for &rule in &node.rules {
            let which = plan.rule_ids[rule];
            let ids = &plan.ids[which];
            for value in spellings {
                self.matcher.note(which, value.as_bytes());
                self.named.extend(ids.find(value).map(|subject| (rule, subject)));
            }
            for uuid in uuids {
                self.matcher.note(which, uuid.hyphenated().encode_lower(&mut [0; 36]).as_bytes());
                self.named.extend(ids.find_uuid(*uuid).map(|subject| (rule, subject)));
            }
        }
        let is_named = self.named.len() > known;
        let is_blank = uuids.is_empty() && spellings.iter().all(|value| value.trim().is_empty());
        spellings.iter().for_each(|value| self.condition(value, node));
        let mut is_json = false;
        for value in spellings.iter().filter(|value| is_container(value)) {
            is_json |= self.container(value, node, may_break && !is_named);
        }
        if is_named || !is_blank && !is_json {
            match self.arrays {
                0 => self.owners.extend(&node.rules),
                _ if !is_named => self.strangers.extend(&node.rules),
                _ => {}
            }
        }
    }

    /// Decides conditions by the text of a value.
    pub(super) fn condition(&mut self, value: &str, node: &Node) {
        let met = node.conditions.iter().filter(|(_, equals)| equals == value);
        self.met.extend(met.map(|(rule, _)| rule));
    }

    /// Says that a condition's value cannot be compared.
    pub(crate) fn unsure(&mut self, node: &Node) {
        self.unsure.extend(node.conditions.iter().map(|(rule, _)| rule));
    }

    /// Reads a text that looks like a JSON array or object. Returns whether it is one.
    fn container(&mut self, text: &str, node: &Node, may_break: bool) -> bool {
        let before = (self.named.len(), self.met.len(), self.owners.len(), self.strangers.len());
        let unsure = self.unsure.len();
        let (opaque, arrays) = (self.opaque, self.arrays);
        let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
        if is_json && self.value(text.trim(), node).is_ok() {
            return true;
        }
        self.named.truncate(before.0);
        self.met.truncate(before.1);
        self.unsure.truncate(unsure);
        self.owners.truncate(before.2);
        self.strangers.truncate(before.3);
        (self.opaque, self.arrays) = (opaque, arrays);
        if may_break && uuid(text.trim().as_bytes()).is_none() && self.matcher.suspects(text.as_bytes()) {
            self.opaque(node);
        }
        false
    }

    /// Adds a float to which several numbers round, so that its owner cannot be determined. Returns `false` if no rule
    /// looks for an identifier here.
    pub(super) fn rounded(&mut self, rounded: Rounded, node: &Node) -> bool {
        if !node.rules.is_empty() {
            self.matcher.note_opaque();
        }
        self.opaque |=
            node.rules.iter().any(|&rule| self.plan.ids[self.plan.rule_ids[rule]].rounds_to(rounded));
        if self.arrays > 0 {
            self.strangers.extend(&node.rules);
        }
        !node.rules.is_empty()
    }

    /// Adds a value that cannot be compared.
    pub(crate) fn opaque(&mut self, node: &Node) {
        self.matcher.note_opaque();
        self.opaque = true;
        if self.arrays > 0 {
            self.strangers.extend(&node.rules);
        }
    }

    /// Whether some value could not be compared.
    pub(crate) fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// The subjects that the values so far name, regardless of conditions.
    pub(crate) fn named(&self) -> impl Iterator<Item = u32> {
        self.named.iter().map(|(_, subject)| *subject)
    }

    /// Whether any value so far names a subject, regardless of conditions.
    pub(crate) fn names_somebody(&self) -> bool {
        !self.named.is_empty()
    }

    /// Whether the record belongs to a subject. Sets `hits` to all its subjects, sorted and without duplicates; empty,
    /// unless it is to be removed. Then resets for the next record.
    pub(crate) fn decide(&mut self, hits: &mut Vec<u32>) -> Verdict {
        hits.clear();
        let holds = |rule: &usize| self.plan.rules.conditional(*rule).is_none() || self.met.contains(rule);
        hits.extend(self.named.iter().filter(|(rule, _)| holds(rule)).map(|(_, subject)| subject));
        hits.sort_unstable();
        hits.dedup();
        let is_shared =
            !hits.is_empty() && !self.owners.iter().any(holds) && self.strangers.iter().any(holds);
        let may_hold = self.named.iter().any(|(rule, _)| self.unsure.contains(rule));
        let verdict = match hits.is_empty() {
            _ if is_shared => Verdict::Shared,
            false => Verdict::Remove,
            true if self.opaque || may_hold => Verdict::Opaque,
            true => Verdict::Keep,
        };
        if is_shared {
            hits.clear();
        }
        self.named.clear();
        self.met.clear();
        self.unsure.clear();
        self.owners.clear();
        self.strangers.clear();
        (self.opaque, self.arrays) = (false, 0);
        verdict
    }

    fn object(&mut self, text: &str, node: &Node) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let values = json.deserialize_map(Fields(node))?;
        json.end()?;
        for (value, (_, child)) in values.iter().zip(&node.children) {
            if let Some(value) = value {
                self.value(value.get(), child)?;
            }
        }
        Ok(())
    }

    fn value(&mut self, text: &str, node: &Node) -> Result<(), serde_json::Error> {
        match text.as_bytes().first() {
            Some(b'{') if is_empty_object(text) => {}
            Some(b'{') => {
                self.unsure(node);
                match node.goes_deeper() {
                    true => self.object(text, node)?,
                    // An identifier wrapped in an object, such as MongoDB's {"$oid": …}.
                    false if node.ends_here() => self.opaque(node),
                    false => {}
                }
            }
            Some(b'[') if self.arrays == MAX_ARRAYS => {
                return Err(Error::custom("too many arrays in arrays"));
            }
            Some(b'[') => {
                let elements = serde_json::from_str::<Vec<&RawValue>>(text)?;
                self.enter_array();
                for element in elements {
                    let mark = self.mark();
                    self.value(element.get(), node)?;
                    self.element(node, element.get().starts_with('{'), mark);
                }
                self.leave_array();
            }
            Some(b'"') => {
                match string(text)? {
                    // Where a path only leads on, most strings that look like JSON are just text.
                    Some(value) => {
                        let may_break = node.leads_to_identifier()
                            && (!node.rules.is_empty() || self.plan.has_a_key(&value));
                        self.add(&[&value], &[], node, may_break);
                        // A JSON string in a JSON string.
                        if value.starts_with('"') {
                            self.quoted(&value, node);
                        }
                    }
                    // An unpaired surrogate is not text: such a value matches no subject, but is somebody's.
                    None if self.arrays > 0 => self.strangers.extend(&node.rules),
                    None => {}
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let rounded = if is_float(text) { text.parse().ok().and_then(Rounded::double) } else { None };
                if rounded.is_some_and(|rounded| self.rounded(rounded, node)) {
                    return Ok(());
                }
                match number::plain(text) {
                    Some(plain) => self.spelled(&[text, &plain], &[], node),
                    None => self.spelled(&[text], &[], node),
                }
            }
            Some(b't' | b'f') => self.condition(text, node),
            _ => {}
        }
        Ok(())
    }
}

/// Whether a text looks like a JSON array or object.
pub(super) fn is_container(text: &str) -> bool {
    // Quotes around it: it was written as a string twice.
    matches!(text.trim_ascii_start().as_bytes(), [b'{' | b'[', ..] | [b'"', b'{' | b'[', ..])
}

/// A text with its backslashes read as escapes, as Postgres, MySQL and Hive write them.
fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            letter => letter,
        });
    }
    out
}

/// Whether a JSON number is written with a fraction or an exponent, so that a program may have written a float.
fn is_float(number: &str) -> bool {
    number.contains(['.', 'e', 'E'])
}

fn is_empty_object(text: &str) -> bool {
    text[1..].trim_ascii_start().starts_with('}')
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
