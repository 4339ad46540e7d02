//! JSON lines.
//!
//! 1. A block has whole lines up to its last line feed; the rest waits for the next block.
//! 2. The matcher names the lines to remove.
//! 3. A line that is not a single object may be several, or an array: `values` reads it.
//! 4. Everything else is written as it is.

use memchr::memrchr;

use super::blocks::Blocks;
use super::codec::Encoder;
use super::mark::Mark;
use super::{FormatError, Report, values};
use crate::matching::{Matcher, Verdict};

/// Processes the lines. Returns the checkpoint, if `pause` asked for one.
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
            Verdict::Opaque => report.opaque += 1,
            Verdict::Shared => report.shared += 1,
            Verdict::Unreadable => match values::of_line(&block[line.clone()], matcher) {
                None => report.count_unreadable(&block[line], matcher),
                Some((of_line, ranges)) => {
                    report.merge(&of_line);
                    gone.extend(
                        ranges.into_iter().map(|gone| line.start + gone.start..line.start + gone.end),
                    );
                }
            },
        });
        blocks.pass_on(whole, &gone, out.as_deref_mut())?;
        if last {
            report.bytes = blocks.read();
            return Ok(None);
        }
        if whole > 0
            && pause()
            && let Some(place) = blocks.pause(out.as_deref_mut(), report)?
        {
            return Ok(Some(place));
        }
    }
}
