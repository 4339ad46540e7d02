//! JSON values that are not one to a line: elements of an array, pretty-printed, or one behind the other.
//!
//! 1. At the top stand objects, each a record, and arrays, whose elements are records.
//! 2. A value is cut out by its brackets and strings; the matcher then reads it in full. What is no JSON is an error,
//!    as nobody can tell where the next record begins.
//! 3. A record goes with its separator: of an array the comma before it, or behind it as long as no element is kept;
//!    at the top the line feed behind it. So what is left is as valid as what was there.

use serde::de::IgnoredAny;

use super::blocks::Blocks;
use super::codec::Encoder;
use super::mark::Mark;
use super::{FormatError, Report};
use crate::matching::{Matcher, Verdict};

const CORRUPT: FormatError = FormatError::Corrupt("JSON that breaks its own format");

/// Whether the first bytes of an object begin such values, and not lines. `whole`: there are no more.
pub(super) fn begin(head: &[u8], whole: bool) -> bool {
    let text = head.trim_ascii_start();
    match text.first() {
        Some(b'[') => begins_array(&text[1..]),
        Some(b'{') => {
            let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
            match values.next() {
                Some(Ok(_)) => {
                    let (value, behind) = text.split_at(values.byte_offset());
                    let next = behind.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                    value.contains(&b'\n') || matches!(next, Some(b'{' | b'['))
                }
                // Longer than what is in sight, and of several lines.
                Some(Err(error)) => !whole && error.is_eof() && text.contains(&b'\n'),
                None => false,
            }
        }
        _ => false,
    }
}

/// Whether what stands behind a bracket is an array's first element or end, and not just text in brackets.
fn begins_array(behind: &[u8]) -> bool {
    let text = behind.trim_ascii_start();
    match text.first() {
        Some(b'{' | b'[' | b'"' | b']') => true,
        _ => scalar(text).is_some_and(|end| is_json(&text[..end])),
    }
}

/// Resume through the values, in one go.
pub(super) fn purge(
    blocks: &mut Blocks<'_, '_>,
    mut out: Option<&mut Encoder<'_>>,
    matcher: &Matcher,
    report: &mut Report,
) -> Result<Option<(u64, Mark)>, FormatError> {
    let (mut place, mut gone, mut hits) = (Place::Top, Vec::new(), Vec::new());
    loop {
        let (block, last) = blocks.next()?;
        let mut at = 0;
        gone.clear();
        while let Some(step) = place.step(&block[at..], last)? {
            let end = at + step.end;
            if let Some(record) = step.record {
                let (start, record) = (at + record.start, &block[at + record.start..at + record.end]);
                report.lines += 1;
                let goes = match matcher.line(record, &mut hits) {
                    Verdict::Keep => false,
                    Verdict::Remove => true,
                    Verdict::Unreadable if is_json(record) => {
                        report.count_unreadable(record, matcher);
                        false
                    }
                    Verdict::Unreadable => return Err(CORRUPT),
                };
                if goes {
                    report.count(&hits);
                }
                gone.extend(place.take(goes, at, start, end));
            }
            at = end;
        }
        let ends = last && block[at..].trim_ascii().is_empty() && matches!(place, Place::Top);
        let done = if ends { block.len() } else { at };
        if last && !ends {
            return Err(CORRUPT);
        }
        blocks.pass_on(done, &gone, out.as_deref_mut())?;
        if last {
            report.bytes = blocks.read();
            return Ok(None);
        }
    }
}

/// Where reading stands.
enum Place {
    /// Between values that no array holds.
    Top,
    /// In an array, behind its bracket or an element.
    Array { first: bool, kept: bool },
}

/// What comes next.
struct Step {
    /// Where the next step begins.
    end: usize,
    record: Option<std::ops::Range<usize>>,
}

impl Place {
    /// The next step; `None`, if not all of it is in sight.
    fn step(&mut self, bytes: &[u8], last: bool) -> Result<Option<Step>, FormatError> {
        let Some(mut start) = blank(bytes, 0) else { return Ok(None) };
        let bracket = |end| Ok(Some(Step { end, record: None }));
        match (&*self, bytes[start]) {
            (Self::Top, b'[') => {
                *self = Self::Array { first: true, kept: false };
                return bracket(start + 1);
            }
            (Self::Array { .. }, b']') => {
                *self = Self::Top;
                return bracket(start + 1);
            }
            (Self::Top, b'{') | (Self::Array { first: true, .. }, _) => {}
            (Self::Array { first: false, .. }, b',') => match blank(bytes, start + 1) {
                Some(next) => start = next,
                None => return Ok(None),
            },
            _ => return Err(CORRUPT),
        }
        let Some(end) = value(&bytes[start..])?.map(|length| start + length) else { return Ok(None) };
        let record = Some(start..end);
        if matches!(self, Self::Array { .. }) {
            return Ok(Some(Step { end, record }));
        }
        let feed = bytes[end..].iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        match feed.map(|feed| end + feed) {
            Some(feed) if bytes[feed] == b'\n' => Ok(Some(Step { end: feed + 1, record })),
            Some(_) => Ok(Some(Step { end, record })),
            None if last => Ok(Some(Step { end: bytes.len(), record })),
            None => Ok(None),
        }
    }

    /// Which bytes go of a record and the separator before it, which begins at `from`.
    fn take(&mut self, goes: bool, from: usize, start: usize, end: usize) -> Option<std::ops::Range<usize>> {
        match self {
            Self::Top => goes.then_some(start..end),
            Self::Array { first, kept } => {
                let (was_first, had_kept) = (std::mem::take(first), *kept);
                *kept |= !goes;
                match (goes, was_first) {
                    (true, true) => Some(start..end),
                    (true, false) => Some(from..end),
                    (false, false) if !had_kept => Some(from..start),
                    (false, _) => None,
                }
            }
        }
    }
}

/// The first place from `at` that is no space.
fn blank(bytes: &[u8], at: usize) -> Option<usize> {
    bytes[at..]
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .map(|length| at + length)
}

/// How long the value is that bytes begin with; `None`, if its end is not in sight.
fn value(bytes: &[u8]) -> Result<Option<usize>, FormatError> {
    if !matches!(bytes.first(), Some(b'{' | b'[' | b'"')) {
        return match scalar(bytes) {
            Some(0) => Err(CORRUPT),
            end => Ok(end),
        };
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => match string(&bytes[at..]) {
                Some(length) => at += length,
                None => return Ok(None),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// How long the rest of a string is, with its closing quote.
fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
        if at > bytes.len() {
            return None;
        }
    }
}

/// How long a number or a literal is; `None`, if its end is not in sight.
fn scalar(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .position(|byte| !matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}
