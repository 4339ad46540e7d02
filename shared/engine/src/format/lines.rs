//! JSON, read as lines where each is an object, and as values elsewhere.
//!
//! 1. A block has whole lines up to its last line feed; the rest waits for the next block, and so do the last one or two
//!    lines that are not whole by themselves, as the next may continue them.
//! 2. The matcher names the lines to remove. Blank lines are unreadable, and stay.
//! 3. At the first other line that is not a single object, [`Values`] take over, from the line before it if that is not
//!    whole either: the fast matcher parses no line that has the ends of an object and nobody's id.
//! 4. Everything but the removed records is written as it is.

use memchr::{memchr_iter, memrchr};

use super::blocks::Blocks;
use super::codec::Encoder;
use super::mark::Mark;
use super::values::{Purge, Values};
use super::{FormatError, Report, Take};
use crate::matching::{BlockScan, Matcher, Verdict};

/// Processes the records, and hands those that go to `take`. Returns the checkpoint, if `pause` asked for one.
pub(super) fn purge(
    values: &mut Values,
    blocks: &mut Blocks<'_, '_>,
    mut out: Option<&mut Encoder<'_>>,
    matcher: &Matcher,
    report: &mut Report,
    pause: &dyn Fn() -> bool,
    mut take: Option<Take<'_>>,
) -> Result<Option<(u64, Mark)>, FormatError> {
    let mut scan = matcher.blocks();
    let mut gone = Vec::new();
    loop {
        let (block, last) = blocks.next()?;
        gone.clear();
        let mut purge = Purge { matcher, report: &mut *report, gone: &mut gone, hits: Vec::new() };
        let mut done = 0;
        loop {
            let by_value = values.by_value;
            done = match by_value {
                true => values.block(block, done, last, &mut purge)?,
                false => done + lines(values, &mut scan, &block[done..], done, last, &mut purge),
            };
            if values.by_value == by_value {
                break;
            }
        }
        if let Some(take) = &mut take {
            // Where a separator goes alone, nothing is left of the range.
            let records = gone.iter().map(|gone| without_separators(&block[gone.clone()]));
            records.filter(|record| !record.is_empty()).for_each(take);
        }
        blocks.pass_on(done, &gone, out.as_deref_mut())?;
        if last {
            report.bytes = blocks.read();
            return values.end().map(|()| None);
        }
        if done > 0
            && pause()
            && let Some(place) = blocks.pause(out.as_deref_mut(), report)?
        {
            return Ok(Some(place));
        }
    }
}

/// Decides about lines up to the first that is not an object, where values begin. Returns how many bytes that is. The bytes
/// begin at `start` of the block.
fn lines(
    values: &mut Values,
    scan: &mut BlockScan<'_>,
    bytes: &[u8],
    start: usize,
    last: bool,
    purge: &mut Purge<'_>,
) -> usize {
    let bytes = &bytes[..if last { bytes.len() } else { decided(bytes, purge.matcher) }];
    let mut stop = None;
    let lines = scan.block_until(bytes, |line, verdict, hits| match verdict {
        Verdict::Keep => true,
        Verdict::Remove => {
            purge.report.count(hits);
            purge.gone.push(start + line.start..start + line.end);
            true
        }
        Verdict::Opaque | Verdict::Shared => {
            purge.report.decided(verdict, hits, &bytes[line], purge.matcher);
            true
        }
        Verdict::Unreadable if bytes[line.clone()].trim_ascii().is_empty() => {
            purge.report.unreadable += 1;
            true
        }
        Verdict::Unreadable => {
            stop = Some(line.start);
            false
        }
    });
    let Some(stop) = stop else {
        purge.report.lines += lines;
        return bytes.len();
    };
    values.by_value = true;
    let begin = last_line(&bytes[..stop], purge.matcher).unwrap_or(stop);
    // The blank lines between the two are a part of the value, too.
    purge.report.unreadable -= memchr_iter(b'\n', &bytes[begin..stop]).count().saturating_sub(1) as u64;
    purge.report.lines += memchr_iter(b'\n', &bytes[..begin]).count() as u64;
    begin
}

/// How many of these bytes are lines that can be decided before more is read. A last line that is no object may be the
/// second of a value, whose first has the ends of an object.
fn decided(bytes: &[u8], matcher: &Matcher) -> usize {
    let whole = memrchr(b'\n', bytes).map_or(0, |feed| feed + 1);
    let Some(second) = last_line(&bytes[..whole], matcher) else { return whole };
    last_line(&bytes[..second], matcher).unwrap_or(second)
}

/// Where the last line begins that is not blank, if it is not an object.
fn last_line(lines: &[u8], matcher: &Matcher) -> Option<usize> {
    let text = lines.trim_ascii_end();
    let start = memrchr(b'\n', text).map_or(0, |feed| feed + 1);
    let is_object = text.is_empty() || matcher.line(&text[start..], &mut Vec::new()) != Verdict::Unreadable;
    (!is_object).then_some(start)
}

/// A record without the commas and the white space around it.
fn without_separators(record: &[u8]) -> &[u8] {
    let separates = |byte: &u8| *byte == b',' || byte.is_ascii_whitespace();
    let start = record.iter().position(|byte| !separates(byte)).unwrap_or(record.len());
    let end = record.iter().rposition(|byte| !separates(byte)).map_or(start, |last| last + 1);
    &record[start..end]
}
