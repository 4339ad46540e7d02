//! Decides about whole blocks of lines at the speed of memory, exactly as [`super::record`] does one by one.
//!
//! Most lines belong to no subject. The few *candidates* are found without parsing; every candidate then gets a full
//! parse, which alone decides.
//!
//! 1. `prefilter` finds line feeds, backslashes and keys in one pass. A line that does not begin with `{"` and end with
//!    `}` is a candidate, as it may be unreadable. So is a line with a `\u` escape of a character that occurs in a key,
//!    as it may hide the key.
//! 2. A key is its bytes, including quotes. The value after it is read: a string or number that is some subject's
//!    (bitmap, then hash table) makes the line a candidate; so does anything that cannot be read at a glance (a
//!    backslash in the string, an array, an exponent). Keys beyond the prefilter's limit are searched for one by one.
//! 3. In a block that is not UTF-8, or has control characters that are in no text, every line is a candidate.
//!
//! Not seen: a line that is not valid JSON somewhere in its middle, but has the ends of an object and is not a
//! candidate. It is kept, as it should be, but not counted as unreadable. Use [`super::Matcher::strict`] to count those
//! too.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr3, memmem, memrchr};

use super::ids::Ids;
use super::prefilter::{Anchor, MAX_KEYS, Prefilter, has_controls};
use super::{Matcher, Node, Verdict};
use model::rules::Rules;

/// The last name of some rule's path.
pub(super) struct Key {
    name: String,
    /// The name, and the names that end in it where records are flattened: `email`, `traits.email`, …
    names: Vec<String>,
    /// Searches for the names as JSON writes them without escapes: in quotes, or up to the last one if there are several.
    finder: memmem::Finder<'static>,
    /// The indexes of identifiers in which a value under this name is looked up.
    ids: Vec<usize>,
    /// Whether some path ends here for good, so that an object under this name cannot be compared.
    is_end: bool,
}

/// The escapes that may hide a key.
#[derive(Default)]
pub(super) struct Escapes {
    /// The ASCII characters of all keys, as a bit set.
    ascii: u128,
    /// Whether some key has other characters.
    beyond_ascii: bool,
    /// Whether some key has a character with a two-character escape, such as `\/`; then every backslash counts.
    any: bool,
    /// Whether some path may continue in JSON within a string, where each quote is escaped.
    nested: bool,
}

impl Key {
    /// The distinct last names of all paths.
    pub(super) fn of(rules: &Rules, rule_ids: &[usize], root: &Node) -> Vec<Self> {
        let mut keys: Vec<Self> = Vec::new();
        for (rule, &ids) in rules.iter().zip(rule_ids) {
            let Some(name) = rule.path.last() else { continue };
            let at = keys.iter().position(|key| key.name == *name).unwrap_or_else(|| {
                let finder = memmem::Finder::new(&format!("\"{name}\"")).into_owned();
                keys.push(Self {
                    name: name.clone(),
                    names: Vec::new(),
                    finder,
                    ids: Vec::new(),
                    is_end: false,
                });
                keys.len() - 1
            });
            let key = &mut keys[at];
            if rule.path.len() > 1 {
                key.finder = memmem::Finder::new(&format!("{name}\"")).into_owned();
            }
            key.names.extend((0..rule.path.len()).rev().map(|from| rule.path[from..].join(".")));
            if !key.ids.contains(&ids) {
                key.ids.push(ids);
            }
            key.is_end |=
                root.at(rule.path.iter().map(String::as_str)).is_some_and(|node| !node.goes_deeper());
        }
        keys
    }
}

impl Key {
    /// Whether a text has one of these names behind a quote in it.
    pub(super) fn begins_in(&self, text: &str) -> bool {
        let begins = |quote: usize| self.names.iter().any(|name| text[quote + 1..].starts_with(name));
        memchr_iter(b'"', text.as_bytes()).any(begins)
    }
}

impl Escapes {
    pub(super) fn of(keys: &[Key], rules: &Rules) -> Self {
        let mut escapes = Self { nested: rules.iter().any(|rule| rule.path.len() > 1), ..Self::default() };
        for letter in keys.iter().flat_map(|key| &key.names).flat_map(|name| name.chars()) {
            match u8::try_from(letter) {
                Ok(ascii) if ascii < 128 => escapes.ascii |= 1 << ascii,
                _ => escapes.beyond_ascii = true,
            }
            escapes.any |= matches!(letter, '"' | '\\' | '/') || letter.is_control();
        }
        escapes
    }

    /// Whether the escape that begins with this backslash may be part of a key, or of the quotes around one.
    fn may_hide_a_key(&self, escape: &[u8], keys: &[Key]) -> bool {
        match escape.get(1) {
            _ if self.any => return true,
            Some(b'u') => {}
            Some(b'"') => {
                let mut names = keys.iter().flat_map(|key| &key.names);
                return self.nested && names.any(|name| escape[2..].starts_with(name.as_bytes()));
            }
            _ => return false,
        }
        let Some(digits) = escape.get(2..6) else { return true };
        let unit =
            digits.iter().try_fold(0u32, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?));
        match unit {
            Some(unit) if unit < 128 => self.ascii >> unit & 1 == 1 || self.nested && unit == u32::from(b'"'),
            Some(_) => self.beyond_ascii,
            None => true,
        }
    }
}

/// Matches blocks of whole lines. Holds the state that one pass carries from block to block.
pub struct BlockScan<'m> {
    matcher: &'m Matcher,
    /// Of the first keys; known from the first block on.
    anchors: Vec<Anchor>,
    prefilter: Prefilter,
    /// Positions in the block, each in a line that needs the full parse.
    candidates: Vec<usize>,
    hits: Vec<u32>,
}

impl<'m> BlockScan<'m> {
    pub(super) fn new(matcher: &'m Matcher) -> Self {
        Self {
            matcher,
            anchors: Vec::new(),
            prefilter: Prefilter::new(),
            candidates: Vec::new(),
            hits: Vec::new(),
        }
    }

    /// Decides about a block of whole lines (the last may lack its line feed). Calls `each` in order for every line
    /// that is to be removed or is unreadable, with its range (including the line feed) and its subjects. Returns the
    /// number of lines in the block.
    pub fn block(&mut self, block: &[u8], mut each: impl FnMut(Range<usize>, Verdict, &[u32])) -> u64 {
        self.block_until(block, |line, verdict, hits| {
            each(line, verdict, hits);
            true
        })
    }

    /// The same, until `each` returns false.
    pub(crate) fn block_until(
        &mut self,
        block: &[u8],
        mut each: impl FnMut(Range<usize>, Verdict, &[u32]) -> bool,
    ) -> u64 {
        let plan = &*self.matcher.plan;
        if self.anchors.is_empty() {
            let sieved = plan.keys.iter().take(MAX_KEYS);
            self.anchors = sieved.map(|key| Anchor::of(key.finder.needle(), block)).collect();
        }
        self.candidates.clear();
        let sieved = if self.matcher.strict { None } else { self.sifted(block) };
        let lines = sieved.unwrap_or_else(|| self.every_line(block));
        self.candidates.sort_unstable();
        let mut done = 0;
        for at in 0..self.candidates.len() {
            let place = self.candidates[at];
            if place < done {
                continue;
            }
            let start = memrchr(b'\n', &block[..place]).map_or(0, |feed| feed + 1);
            let (end, after) = memchr(b'\n', &block[place..])
                .map_or((block.len(), block.len()), |n| (place + n, place + n + 1));
            done = after;
            match self.matcher.line(&block[start..end], &mut self.hits) {
                Verdict::Keep => {}
                verdict if each(start..after, verdict, &self.hits) => {}
                _ => break,
            }
        }
        lines
    }

    /// Makes every line a candidate; returns their number.
    fn every_line(&mut self, block: &[u8]) -> u64 {
        let starts = memchr_iter(b'\n', block).map(|feed| feed + 1).filter(|&start| start < block.len());
        self.candidates.clear();
        self.candidates.extend((!block.is_empty()).then_some(0).into_iter().chain(starts));
        self.candidates.len() as u64
    }

    /// Counts lines. Candidates are lines without the ends of an object, lines with a suspicious escape, and lines
    /// where a key has a value that may be a subject's. `None`: the block is not UTF-8, or no text.
    fn sifted(&mut self, block: &[u8]) -> Option<u64> {
        let plan = &*self.matcher.plan;
        let (mut lines, mut start, mut from, mut known) = (0, 0, 0, false);
        while from < block.len() {
            self.prefilter.sift(&self.anchors, block, from);
            if !self.prefilter.ascii && !known {
                simdutf8::basic::from_utf8(block).ok()?;
                known = true;
            }
            if self.prefilter.controls && has_controls(&block[from..self.prefilter.next]) {
                return None;
            }
            from = self.prefilter.next;
            for at in self.prefilter.places() {
                match block[at] {
                    b'\n' => {
                        if !looks_whole(&block[start..at]) {
                            self.candidates.push(start);
                        }
                        lines += 1;
                        start = at + 1;
                    }
                    b'\\' if plan.escapes.may_hide_a_key(&block[at..], &plan.keys) => {
                        self.candidates.push(at)
                    }
                    _ => {
                        if self.is_suspicious_key(block, at) {
                            self.candidates.push(at);
                        }
                    }
                }
            }
        }
        if start < block.len() {
            if !looks_whole(&block[start..]) {
                self.candidates.push(start);
            }
            lines += 1;
        }
        for key in plan.keys.iter().skip(MAX_KEYS) {
            let places = key.finder.find_iter(block);
            let somebody: Vec<usize> = places.filter(|&at| self.may_be_somebody(block, at, key)).collect();
            self.candidates.extend(somebody);
        }
        Some(lines)
    }

    /// Whether an anchor at this position belongs to a key whose value may be a subject's.
    fn is_suspicious_key(&self, block: &[u8], at: usize) -> bool {
        let plan = &*self.matcher.plan;
        plan.keys.iter().zip(&self.anchors).any(|(key, anchor)| {
            block[at..].starts_with(&anchor.pair)
                && at.checked_sub(anchor.offset).is_some_and(|start| {
                    block[start..].starts_with(key.finder.needle()) && self.may_be_somebody(block, start, key)
                })
        })
    }

    /// Whether the value after the key at this position may be the identifier of a subject.
    #[inline]
    fn may_be_somebody(&self, block: &[u8], at: usize, key: &Key) -> bool {
        let behind = &block[at + key.finder.needle().len()..];
        let value = match behind {
            [b':', value @ ..] => value,
            _ => match after_blanks(behind) {
                [b':', value @ ..] => value,
                // The name is itself a value.
                [b',' | b'}' | b']', ..] => return false,
                _ => return true,
            },
        };
        match after_blanks(value) {
            // What may be JSON within the string.
            [b'"', b'{' | b'[' | ..=b' ', ..] => true,
            [b'"', text @ ..] => match memchr3(b'"', b'\\', b'\n', text) {
                Some(end) if text[end] == b'"' => self.is_somebody(&text[..end], key),
                _ => true,
            },
            digits @ [b'0'..=b'9', ..] => {
                let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
                match digits.get(end) {
                    Some(b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n') | None
                        if end == 1 || digits[0] != b'0' =>
                    {
                        self.is_somebody(&digits[..end], key)
                    }
                    // A fraction, an exponent, or no JSON, as 0123 and 0x7B.
                    _ => true,
                }
            }
            [b'{', ..] => key.is_end,
            [b'n' | b't' | b'f', ..] => false,
            _ => true,
        }
    }

    #[inline]
    fn is_somebody(&self, value: &[u8], key: &Key) -> bool {
        let plan = &*self.matcher.plan;
        if self.matcher.seen.is_some() {
            key.ids.iter().for_each(|&ids| self.matcher.note(ids, value));
        }
        key.ids.iter().any(|&ids| Ids::may_hold(&plan.ids[ids], value))
    }
}

/// Whether a line has the ends of an object. A line without them may still be one: the full parse decides.
fn looks_whole(line: &[u8]) -> bool {
    matches!(line, [b'{', b'"', .., b'}'] | [b'{', b'"', .., b'}', b'\r'])
}

/// Skips JSON blanks within a line.
#[inline]
fn after_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}
