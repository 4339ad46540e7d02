//! JSON lines.
//!
//! 1. What stands in a block up to its last line feed are whole lines; the rest waits for the next block.
//! 2. The matcher names the lines that go.
//! 3. What stands between them is written as it is.

use memchr::memrchr;

use super::blocks::Blocks;
use super::codec::Encoder;
use super::mark::Mark;
use super::{FormatError, Report};
use crate::matching::{Matcher, Verdict};

/// Resume through the lines. Answers where it paused, if `pause` wanted it to.
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
        blocks.pass_on(whole, &gone, out.as_deref_mut())?;
        if last {
            report.bytes = blocks.read();
            return Ok(None);
        }
        if whole > 0
            && pause()
            && let Some(place) = blocks.mark(out.is_some())
        {
            blocks.settle(out)?;
            report.bytes = place.0;
            return Ok(Some(place));
        }
    }
}
