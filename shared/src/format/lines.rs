//! JSON lines.
//!
//! 1. What stands in a block up to its last line feed are whole lines; the rest waits for the next block.
//! 2. The matcher names the lines that go.
//! 3. What stands between them is written as it is.

use memchr::memrchr;

use super::blocks::Blocks;
use super::codec::{Decoder, Encoder};
use super::{FormatError, Report};
use crate::matching::{Matcher, Verdict};

/// Goes through the lines from plain byte `from` on. Answers where it paused, if `pause` wanted it to.
pub(super) fn purge(
    decoder: &mut Decoder<'_>,
    mut out: Option<&mut Encoder<'_>>,
    matcher: &Matcher,
    report: &mut Report,
    from: u64,
    pause: &dyn Fn() -> bool,
) -> Result<Option<u64>, FormatError> {
    let mut blocks = Blocks::new(decoder);
    while blocks.place() < from {
        let left = from - blocks.place();
        let (block, last) = blocks.next()?;
        let known = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        blocks.consume(known);
        if last && blocks.place() < from {
            return Err(FormatError::Corrupt("it ends before the place where its rewrite paused"));
        }
    }
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
        blocks.pass_on(whole, &gone, out.as_deref_mut())?;
        if last {
            report.bytes = blocks.read();
            return Ok(None);
        }
        if whole > 0 && pause() {
            blocks.settle(out)?;
            return Ok(Some(blocks.place()));
        }
    }
}
