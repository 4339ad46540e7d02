//! Consecutive JSON values: arrays, objects over several lines, and objects without line feeds between them.
//!
//! 1. A record is an object at the top level, or an element of an array at the top level. It ends where its value ends.
//! 2. A record is removed with the separator before it (in an array) or the line feed after it (at the top level, if
//!    nothing else is on its line), so that an array stays an array and a line stays a line. White space around
//!    elements stays.
//! 3. Bytes that are not a value are unreadable up to the line on which the error shows. A truncated or broken array is
//!    refused: where its records end would be a guess.
//!
//! Objects on one line each are faster to read as lines: see [`super::lines`], which calls this module for a line that
//! is not a single object.

use std::ops::Range;

use memchr::{memchr, memchr_iter};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::blocks::Blocks;
use super::codec::Encoder;
use super::mark::Mark;
use super::{FormatError, Report};
use crate::matching::{Matcher, Verdict};

/// Whether the first bytes of an object begin such values rather than lines. `whole`: they are the entire object.
pub(super) fn begin(head: &[u8], whole: bool) -> bool {
    let head = head.trim_ascii_start();
    match head.first() {
        Some(b'[') => begins_array(&head[1..]),
        Some(b'{') => match value(head) {
            Value::Whole(end) => {
                let behind = &head[end..];
                let behind = &behind[behind.iter().take_while(|&&byte| is_blank(byte)).count()..];
                memchr(b'\n', &head[..end]).is_some() || matches!(behind.first(), Some(b'{' | b'[' | b','))
            }
            // Longer than `head`, and over several lines.
            Value::Partial => !whole && memchr(b'\n', head).is_some(),
            Value::Broken(_) => false,
        },
        _ => false,
    }
}

/// Whether the bytes after a bracket are an array's first element or end, and not just text in brackets.
fn begins_array(behind: &[u8]) -> bool {
    match value(behind) {
        Value::Whole(end) => matches!(behind[end..].trim_ascii_start().first(), Some(b',' | b']') | None),
        Value::Partial => true,
        Value::Broken(_) => behind.trim_ascii_start().starts_with(b"]"),
    }
}

/// Reads the records of one line that is not a single object. Returns the report of this line and the ranges to remove,
/// or `None` if the line has no readable record.
pub(super) fn of_line(line: &[u8], matcher: &Matcher) -> Option<(Report, Vec<Range<usize>>)> {
    let (mut report, mut gone) = (Report::default(), Vec::new());
    let mut values = Values::default();
    let end = line.trim_ascii_end().len();
    let read = values.block(&line[..end], true, matcher, &mut report, &mut gone);
    let readable = report.lines - report.unreadable;
    (read.is_ok() && values.array.is_none() && readable > 0).then_some(())?;
    if report.leaves_nothing() {
        gone = std::iter::once(0..line.len()).collect();
    }
    // The caller counts the line itself.
    report.lines -= 1;
    Some((report, gone))
}

const BROKEN_ARRAY: FormatError = FormatError::Corrupt("a JSON array that breaks off");

/// Position among the values.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Values {
    array: Option<Array>,
    /// Whether something else is on this line already, which needs the line feed after the next record too.
    mid_line: bool,
}

/// The array being read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Array {
    /// Whether an element was read, so that a comma precedes the next.
    begun: bool,
    /// Whether an element was kept, so that the next kept one needs a comma.
    stays: bool,
}

impl Values {
    /// Processes the values. Returns the checkpoint, if `pause` asked for one.
    pub(super) fn purge(
        &mut self,
        blocks: &mut Blocks<'_, '_>,
        mut out: Option<&mut Encoder<'_>>,
        matcher: &Matcher,
        report: &mut Report,
        pause: &dyn Fn() -> bool,
    ) -> Result<Option<(u64, Mark)>, FormatError> {
        let mut gone = Vec::new();
        loop {
            let (block, last) = blocks.next()?;
            gone.clear();
            let done = self.block(block, last, matcher, report, &mut gone)?;
            blocks.pass_on(done, &gone, out.as_deref_mut())?;
            if last {
                report.bytes = blocks.read();
                return if self.array.is_some() { Err(BROKEN_ARRAY) } else { Ok(None) };
            }
            if done > 0
                && pause()
                && let Some(place) = blocks.pause(out.as_deref_mut(), report)?
            {
                return Ok(Some(place));
            }
        }
    }

    /// Processes all whole values in the block. Returns how many bytes that is; with `last`, all of them.
    fn block(
        &mut self,
        block: &[u8],
        last: bool,
        matcher: &Matcher,
        report: &mut Report,
        gone: &mut Vec<Range<usize>>,
    ) -> Result<usize, FormatError> {
        let (mut at, mut hits) = (0, Vec::new());
        loop {
            let token = at + blanks(&block[at..]);
            if token == block.len() {
                return Ok(if last { token } else { at });
            }
            let next = match &mut self.array {
                Some(array) => match array.element(block, token, last)? {
                    Step::Wait => None,
                    Step::Close => {
                        self.array = None;
                        Some(token + 1)
                    }
                    Step::Element(range) => {
                        report.lines += 1;
                        let record = &block[range.clone()];
                        let verdict = matcher.line(record, &mut hits);
                        let from = if array.begun { at } else { token };
                        report.decided(verdict, &hits, record, matcher);
                        match verdict {
                            Verdict::Remove => gone.push(from..range.end),
                            // Every element before it was removed with its separator, so this one's separator goes too.
                            _ if array.begun && !array.stays => gone.push(from..range.start),
                            _ => {}
                        }
                        array.begun = true;
                        array.stays |= verdict != Verdict::Remove;
                        Some(range.end)
                    }
                },
                None => {
                    self.mid_line &= memchr(b'\n', &block[at..token]).is_none();
                    match block[token] {
                        b',' => Some(token + 1),
                        b'[' => {
                            (self.array, self.mid_line) = (Some(Array::default()), true);
                            Some(token + 1)
                        }
                        first => match value(&block[token..]) {
                            Value::Partial if first == b'{' && !last => None,
                            Value::Whole(length) if first == b'{' => {
                                let end = token + length;
                                match separator(&block[end..], last) {
                                    None => None,
                                    Some(behind) => {
                                        let ends_line = block[end..end + behind].ends_with(b"\n");
                                        let takes_feed = ends_line && !self.mid_line;
                                        let behind = end + behind - usize::from(ends_line && !takes_feed);
                                        self.mid_line = !takes_feed;
                                        report.lines += 1;
                                        let record = &block[token..end];
                                        let verdict = matcher.line(record, &mut hits);
                                        report.decided(verdict, &hits, record, matcher);
                                        if verdict == Verdict::Remove {
                                            gone.push(token..behind);
                                        }
                                        Some(behind)
                                    }
                                }
                            }
                            value => unreadable(&block[token..], value, last).map(|length| {
                                let line = &block[token..token + length];
                                self.mid_line = !line.ends_with(b"\n");
                                report.lines += 1;
                                report.count_unreadable(line, matcher);
                                token + length
                            }),
                        },
                    }
                }
            };
            match next {
                Some(next) => at = next,
                None => return Ok(at),
            }
        }
    }
}

enum Step {
    /// More bytes are needed.
    Wait,
    Close,
    /// An element, without the comma before it.
    Element(Range<usize>),
}

impl Array {
    /// Reads the next step of the array: an element with its comma, or the end.
    fn element(self, block: &[u8], token: usize, last: bool) -> Result<Step, FormatError> {
        let more = |step| if last { Err(BROKEN_ARRAY) } else { Ok(step) };
        let start = match (block[token], self.begun) {
            (b']', _) => return Ok(Step::Close),
            (b',', true) => token + 1 + blanks(&block[token + 1..]),
            (_, false) => token,
            (_, true) => return Err(BROKEN_ARRAY),
        };
        match value(&block[start..]) {
            // A number may continue in the next block.
            Value::Whole(length) if last || start + length < block.len() => {
                Ok(Step::Element(start..start + length))
            }
            Value::Whole(_) | Value::Partial => more(Step::Wait),
            Value::Broken(_) => Err(BROKEN_ARRAY),
        }
    }
}

/// What the bytes begin with.
enum Value {
    /// A value of this length in bytes.
    Whole(usize),
    /// An incomplete value.
    Partial,
    /// No value; the error shows on this line, counted from 1.
    Broken(usize),
}

fn value(bytes: &[u8]) -> Value {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Value::Whole(values.byte_offset()),
        Some(Err(error)) if !error.is_eof() => Value::Broken(error.line()),
        Some(Err(_)) | None => Value::Partial,
    }
}

/// How many of these bytes, which do not begin with a whole value, are unreadable. A value that breaks off is
/// unreadable up to the line on which it breaks, since another record may begin there. `None`: more bytes are needed.
fn unreadable(bytes: &[u8], value: Value, last: bool) -> Option<usize> {
    if let Value::Broken(line @ 2..) = value
        && let Some(feed) = memchr_iter(b'\n', bytes).nth(line - 2)
    {
        return Some(feed + 1);
    }
    let rest = match value {
        Value::Partial => None,
        _ => memchr(b'\n', bytes).map(|feed| feed + 1),
    };
    rest.or(last.then_some(bytes.len()))
}

/// Length of the separator after a record: blanks, a comma, a line feed. `None`: more bytes are needed.
fn separator(bytes: &[u8], last: bool) -> Option<usize> {
    let blanks = |from: usize| from + bytes[from..].iter().take_while(|&&byte| is_blank(byte)).count();
    let mut at = blanks(0);
    if bytes.get(at) == Some(&b',') {
        at = blanks(at + 1);
    }
    match bytes.get(at) {
        Some(b'\n') => Some(at + 1),
        // The next record is on the same line.
        Some(_) if memchr(b',', &bytes[..at]).is_some() => Some(at),
        Some(_) => Some(0),
        None => last.then_some(at),
    }
}

/// Length of the leading white space.
fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| is_blank(byte) || byte == b'\n').count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}
