//! JSON lines, in blocks of whole lines.
//!
//! 1. A buffer is filled; what stands up to its last line feed is a block of whole lines. The rest moves to
//!    the front for the next block. A line longer than the buffer makes the buffer grow.
//! 2. The matcher names the lines of a block that go.
//! 3. What stands between them is written as it is.

use std::ops::Range;

use memchr::memrchr;

use super::codec::{Decoder, Encoder};
use super::{Format, FormatError, Report};
use crate::matching::{Matcher, Verdict};

/// Bytes of a block: small enough for a core's own cache, large enough that a block costs nothing.
const BLOCK: usize = 256 << 10;
/// The longest line that is dealt with: a bound to the memory one object can ask for.
const MAX_LINE: usize = 128 << 20;

pub(super) fn purge(
    decoder: &mut Decoder<'_>,
    mut out: Option<&mut Encoder<'_>>,
    matcher: &Matcher,
    format: Format,
) -> Result<Report, FormatError> {
    let mut report = Report { format, ..Report::default() };
    let mut buffer = vec![0; BLOCK];
    let mut held = 0;
    let mut gone = Vec::new();
    let mut scan = matcher.blocks();
    loop {
        let filled = decoder.fill(&mut buffer[held..])?;
        report.bytes += filled as u64;
        let end = held + filled;
        let last = end < buffer.len();
        let whole = if last { end } else { memrchr(b'\n', &buffer[held..end]).map_or(0, |at| held + at + 1) };
        let block = &buffer[..whole];
        gone.clear();
        report.lines += scan.block(block, |line, verdict, hits| match verdict {
            Verdict::Keep => {}
            Verdict::Remove => {
                report.count(hits);
                gone.push(line);
            }
            Verdict::Unreadable => {
                report.unreadable += 1;
                report.suspect += u64::from(matcher.raw_bytes_hold_an_identifier(&block[line]));
            }
        });
        if let Some(out) = &mut out {
            write_without(block, &gone, out)?;
        }
        if last {
            return Ok(report);
        }
        buffer.copy_within(whole..end, 0);
        held = end - whole;
        if held > buffer.len() / 2 {
            if held > MAX_LINE {
                return Err(FormatError::Unsupported("a line longer than 128 MiB"));
            }
            buffer.resize(buffer.len() * 2, 0);
        } else if held < BLOCK / 2 && buffer.len() > BLOCK {
            buffer.truncate(BLOCK);
            buffer.shrink_to_fit();
        }
    }
}

fn write_without(block: &[u8], gone: &[Range<usize>], out: &mut Encoder<'_>) -> Result<(), FormatError> {
    let mut from = 0;
    for gone in gone {
        out.write(&block[from..gone.start])?;
        from = gone.end;
    }
    out.write(&block[from..])
}
