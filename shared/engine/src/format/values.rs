//! Consecutive JSON values: arrays, objects over several lines, and objects without line feeds between them.
//!
//! 1. A record is an object at the top level, or an element of an array at the top level. It ends where its value ends.
//! 2. A record is removed with the separator before it (in an array) or the line end after it (at the top level, if
//!    nothing else is on its line), so that an array stays an array and a line stays a line. White space around
//!    elements stays. A line ends with a line feed or a carriage return; a byte order mark between values is white space.
//! 3. A line that is no value is unreadable, and reading resumes after it. If it leaves brackets open, and a later line
//!    reads like the inside of what it opened, the object is refused: parts of a broken value are not records.
//! 4. The object is also refused if a value is truncated after several lines, if an array is broken, if text stands behind
//!    values that may be removed from their line, or if something between values is no text.
//!
//! Objects on one line each are faster to read as lines: see [`super::lines`], which comes here for anything else, and to
//! which this returns after a while of them.

use std::ops::Range;

use memchr::memchr2;
use serde::{Deserialize, Serialize};

use super::detect::BINARY;
use super::syntax::{
    BROKEN_ARRAY, Behind, Value, begins_array, begins_mark, blanks, blanks_and_marks, spans_lines, value,
};
use super::text::{brackets, is_binary, line_end};
use super::{FormatError, Report};
use crate::matching::{Matcher, Verdict};

/// After so many objects on a line each, they are read as lines again.
const CALM: u32 = 64;
/// The most lines that may leave brackets open. What each opens is searched for its end, and JSON has no such lines.
const MOST_UNCLOSED: u32 = 1000;

const BROKEN_VALUE: FormatError = FormatError::Corrupt("a JSON value that is broken or breaks off");
const TEXT_BEHIND: FormatError = FormatError::Corrupt("text behind a JSON value on its line");

/// Position among the values.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Values {
    /// Whether records are read as values; otherwise as lines. Every file can be read as values.
    #[serde(default = "yes")]
    pub(super) by_value: bool,
    array: Option<Array>,
    line: Line,
    /// How many unreadable lines left a bracket open.
    unclosed: u32,
    /// How many objects on a line each were read since anything else was.
    calm: u32,
}

fn yes() -> bool {
    true
}

/// What is on the current line before the position.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Line {
    #[default]
    Fresh,
    /// Records, all removed.
    Emptied,
    /// Something that stays, and needs the line end behind it.
    Begun,
}

/// The array being read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Array {
    /// Whether an element was read, so that a comma precedes the next.
    begun: bool,
    /// Whether an element was kept, so that the next kept one needs a comma.
    stays: bool,
}

/// What is needed to decide about records, and where decisions go.
pub(super) struct Purge<'p> {
    pub(super) matcher: &'p Matcher,
    pub(super) report: &'p mut Report,
    /// Ranges of the block that are removed, in order.
    pub(super) gone: &'p mut Vec<Range<usize>>,
    pub(super) hits: Vec<u32>,
}

impl Purge<'_> {
    /// Decides about a record and counts it.
    fn record(&mut self, record: &[u8]) -> Verdict {
        self.report.lines += 1;
        let verdict = self.matcher.line(record, &mut self.hits);
        self.report.decided(verdict, &self.hits, record, self.matcher);
        verdict
    }
}

impl Values {
    pub(super) fn reading(by_value: bool) -> Self {
        Self { by_value, ..Self::default() }
    }

    /// Reads values from byte `from` of the block on, until records can be read as lines again. Returns up to where it
    /// decided; with `last`, that is the end of the block.
    pub(super) fn block(
        &mut self,
        block: &[u8],
        from: usize,
        last: bool,
        purge: &mut Purge<'_>,
    ) -> Result<usize, FormatError> {
        let mut at = from;
        while self.by_value && at < block.len() {
            let next = match self.array {
                Some(array) => self.element(array, block, at, last, purge)?,
                None => self.value(block, at, last, purge)?,
            };
            match next {
                Some(next) => at = next,
                None => return Ok(at),
            }
        }
        Ok(at)
    }

    /// Checks that values may end here.
    pub(super) fn end(&self) -> Result<(), FormatError> {
        if self.array.is_some() { Err(BROKEN_ARRAY) } else { Ok(()) }
    }

    /// Reads an element of the array with the comma before it, or the array's end. Returns the position after it; `None`:
    /// more bytes are needed.
    fn element(
        &mut self,
        array: Array,
        block: &[u8],
        at: usize,
        last: bool,
        purge: &mut Purge<'_>,
    ) -> Result<Option<usize>, FormatError> {
        let wait = if last { Err(BROKEN_ARRAY) } else { Ok(None) };
        let token = at + blanks(&block[at..]);
        let start = match (block.get(token), array.begun) {
            (None, _) => return wait,
            (Some(b']'), _) => {
                self.array = None;
                return Ok(Some(token + 1));
            }
            (Some(b','), true) => token + 1 + blanks(&block[token + 1..]),
            (_, false) => token,
            (_, true) => return Err(BROKEN_ARRAY),
        };
        let end = match value(&block[start..]) {
            // A number may continue in the next block.
            Value::Whole(length) if last || start + length < block.len() => start + length,
            Value::Whole(_) | Value::Partial => return wait,
            Value::Broken => return Err(BROKEN_ARRAY),
        };
        let removed = purge.record(&block[start..end]) == Verdict::Remove;
        let from = if array.begun { at } else { token };
        match removed {
            true => purge.gone.push(from..end),
            // Every element before it was removed with its separator, so this one's separator goes too.
            false if array.begun && !array.stays => purge.gone.push(from..start),
            false => {}
        }
        self.array = Some(Array { begun: true, stays: array.stays || !removed });
        Ok(Some(end))
    }

    /// Reads what is next at the top level. Returns the position after it; `None`: more bytes are needed.
    fn value(
        &mut self,
        block: &[u8],
        at: usize,
        last: bool,
        purge: &mut Purge<'_>,
    ) -> Result<Option<usize>, FormatError> {
        let token = at + blanks_and_marks(&block[at..]);
        let begin = at
            + block[at..token].iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
        if memchr2(b'\n', b'\r', &block[at..token]).is_some() {
            self.line = Line::Fresh;
        }
        let here = &block[token..];
        if here.is_empty() || begins_mark(here) && !last {
            return Ok(if last { Some(token) } else { (begin > at).then_some(begin) });
        }
        match here[0] {
            b',' if self.unclosed > 0 => Err(BROKEN_VALUE),
            b',' => {
                (self.line, self.calm) = (Line::Begun, 0);
                Ok(Some(token + 1))
            }
            b'[' => match begins_array(here, last)? {
                None => Ok(None),
                Some(true) => {
                    (self.array, self.line, self.calm) = (Some(Array::default()), Line::Begun, 0);
                    Ok(Some(token + 1))
                }
                Some(false) => self.text(block, token..token, last, purge),
            },
            b'{' => match value(here) {
                Value::Partial if !last => Ok(None),
                Value::Whole(length) => self.object(block, begin, token..token + length, last, purge),
                Value::Partial if spans_lines(here) => Err(BROKEN_VALUE),
                Value::Partial | Value::Broken => self.text(block, token..token, last, purge),
            },
            _ => self.text(block, token..token, last, purge),
        }
    }

    /// Reads an object with the separator behind it. `begin`: where its line begins, or the blanks before it.
    fn object(
        &mut self,
        block: &[u8],
        begin: usize,
        range: Range<usize>,
        last: bool,
        purge: &mut Purge<'_>,
    ) -> Result<Option<usize>, FormatError> {
        let behind = match Behind::of(&block[range.end..], last) {
            Some(behind) if behind.is_text => return self.text(block, range, last, purge),
            Some(behind) => behind,
            None => return Ok(None),
        };
        if behind.has_comma && self.unclosed > 0 {
            return Err(BROKEN_VALUE);
        }
        let record = &block[range.clone()];
        let alone = self.line == Line::Fresh && behind.feed && !behind.has_comma;
        let calm = alone && memchr2(b'\n', b'\r', record).is_none();
        self.calm = if calm { self.calm + 1 } else { 0 };
        let removed = purge.record(record) == Verdict::Remove;
        let stays = !removed || self.line == Line::Begun;
        // Something that stays on the line needs the line end.
        let end = range.end + if removed && stays { behind.length } else { behind.length + behind.line_end };
        self.line = match (stays, behind.line_end > 0) {
            (false, true) => Line::Fresh,
            (false, false) => Line::Emptied,
            (true, ends) if ends && !removed => Line::Fresh,
            (true, _) => Line::Begun,
        };
        if removed {
            purge.gone.push(if stays { range.start } else { begin }..end);
        }
        if self.calm == CALM {
            (self.by_value, self.calm) = (false, 0);
        }
        Ok(Some(end))
    }

    /// Reads a line that is no value, or not only one: `known` is a value at its front, or empty.
    fn text(
        &mut self,
        block: &[u8],
        known: Range<usize>,
        last: bool,
        purge: &mut Purge<'_>,
    ) -> Result<Option<usize>, FormatError> {
        let end = match line_end(&block[known.end..], last) {
            Some(end) => known.end + end.end,
            None if last => block.len(),
            None => return Ok(None),
        };
        let line = &block[known.start..end];
        if is_binary(line) {
            return Err(FormatError::Unsupported(BINARY.into()));
        }
        if self.line != Line::Fresh && !(known.is_empty() && line.starts_with(b"{")) {
            return Err(TEXT_BEHIND);
        }
        let (closed, open) = brackets(line);
        let is_inside = self.unclosed > 0 && (closed > 0 || line.starts_with(b"\""));
        // What stands before such a line was inside of what it closes, if the beginning of the record is missing. The rest
        // of a line that lost its own beginning seldom begins with a key: that is inside of something, too.
        let goes_on = !known.is_empty() || matches!(line[0], b']' | b'}');
        let ends_something = closed > 0 && goes_on && purge.report.lines > purge.report.unreadable;
        if is_inside || ends_something || begins_with_key(line) || self.unclosed == MOST_UNCLOSED {
            return Err(BROKEN_VALUE);
        }
        self.unclosed += u32::from(open > 0);
        (self.line, self.calm) = (Line::Fresh, 0);
        purge.report.lines += 1;
        purge.report.count_unreadable(line, purge.matcher);
        Ok(Some(end))
    }
}

/// Whether a line begins with a string and a colon behind it.
fn begins_with_key(line: &[u8]) -> bool {
    line.starts_with(b"\"")
        && matches!(value(line), Value::Whole(length) if line[length..].trim_ascii_start().starts_with(b":"))
}
