//! JSON lines.
//!
//! 1. What stands in a block up to its last line feed are whole lines; the rest waits for the next block.
//! 2. The matcher names the lines that go.
//! 3. What stands between them is written as it is.

use std::ops::Range;

use memchr::memrchr;

use super::blocks::Blocks;
use super::codec::Encoder;
use super::mark::Mark;
use super::{FormatError, Report};
use crate::matching::{Matcher, Verdict};

/// Goes through the lines. Answers where it paused, if `pause` wanted it to.
pub(super) fn purge(
    blocks: &mut Blocks<'_, '_>,
    mut out: Option<&mut Encoder<'_>>,
    matcher: &Matcher,
    report: &mut Report,
    pause: &dyn Fn() -> bool,
) -> Result<Option<(u64, Mark)>, FormatError> {
    let mut scan = matcher.blocks();
    let mut gone = Vec::new();
    loop {
        let (block, last) = blocks.next()?;
        let whole = if last { block.len() } else { memrchr(b'\n', block).map_or(0, |at| at + 1) };
        let block = &block[..whole];
        gone.clear();
        report.lines += scan.block(block, |line, verdict, hits| match verdict {
            Verdict::Keep => {}
            Verdict::Remove => {
                report.count(hits);
                gone.push(line);
            }
            Verdict::Unreadable => report.count_unreadable(&block[line], matcher),
        });
        if let Some(out) = &mut out {
            write_without(block, &gone, out)?;
        }
        blocks.consume(whole);
        if last {
            report.bytes = blocks.read();
            return Ok(None);
        }
        if whole > 0
            && pause()
            && let Some(place) = blocks.mark(out.is_some())
        {
            report.bytes = place.0;
            return Ok(Some(place));
        }
    }
}

/// Writes a block without these ranges, which are in order.
pub(super) fn write_without(
    block: &[u8],
    gone: &[Range<usize>],
    out: &mut Encoder<'_>,
) -> Result<(), FormatError> {
    let mut from = 0;
    for gone in gone {
        out.write(&block[from..gone.start])?;
        from = gone.end;
    }
    out.write(&block[from..])
}
