//! An object's plain bytes through one buffer, in blocks that the content's reader cuts into records.

use std::ops::Range;

use super::codec::{Decoder, Encoder, HISTORY};
use super::mark::Mark;
use super::splice::{self, Plain};
use super::{FormatError, Report};

/// Block size in bytes: small enough for a core's own cache, large enough that the cost per block is negligible.
const BLOCK: usize = 384 << 10;
/// The longest record that is processed, in bytes: bounds the memory that one object can require.
pub(super) const MAX_RECORD: usize = 128 << 20;

/// A window on the plain bytes, preceded by the bytes that decoder and encoder may refer back to. Its buffer grows for
/// a long record and shrinks after it.
pub(super) struct Blocks<'d, 'o> {
    decoder: &'d mut Decoder<'o>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    read: u64,
}

impl<'d, 'o> Blocks<'d, 'o> {
    /// Starts after `done` plain bytes, which are in the decoder's history or are decoded again and skipped.
    pub(super) fn new(decoder: &'d mut Decoder<'o>, done: u64) -> Result<Self, FormatError> {
        let (history, read) = decoder.history();
        let mut buffer = vec![0; BLOCK.max(history.len() * 2)];
        buffer[..history.len()].copy_from_slice(&history);
        let again = history.len().min(usize::try_from(read.saturating_sub(done)).unwrap_or(usize::MAX));
        let (start, end) = (history.len() - again, history.len());
        let mut blocks = Self { decoder, buffer, start, end, read };
        while blocks.place() < done {
            let at = blocks.place();
            let (block, last) = blocks.next()?;
            let known = block.len().min(usize::try_from(done - at).unwrap_or(usize::MAX));
            blocks.consume(known);
            if last && blocks.place() < done {
                return Err(FormatError::Corrupt("it ends before the place where an earlier go paused"));
            }
        }
        Ok(blocks)
    }

    /// A checkpoint after the consumed bytes. `None`, if none is possible here or its window would be longer than a
    /// block.
    fn mark(&self, rewriting: bool) -> Option<(u64, Mark)> {
        let window = &self.buffer[self.start.min(self.end.saturating_sub(HISTORY))..self.end];
        let mark = self.decoder.mark(self.place(), self.read, window, rewriting)?;
        (window.len() <= BLOCK).then(|| (self.place(), mark))
    }

    /// Whether nothing has been consumed, in this invocation or an earlier one.
    pub(super) fn is_at_start(&self) -> bool {
        self.place() == 0
    }

    /// Returns the unconsumed bytes with more after them, and whether they reach the end of the object.
    pub(super) fn next(&mut self) -> Result<(&[u8], bool), FormatError> {
        let before = if self.decoder.tape().is_some() { splice::HISTORY } else { 0 };
        let keep = self.start.saturating_sub(before).min(self.end.saturating_sub(HISTORY));
        self.buffer.copy_within(keep..self.end, 0);
        (self.start, self.end) = (self.start - keep, self.end - keep);
        if self.end > self.buffer.len() / 2 {
            if self.buffer.len() >= MAX_RECORD {
                return Err(FormatError::Unsupported("a record longer than 128 MiB".into()));
            }
            self.buffer.resize(MAX_RECORD.min(self.buffer.len() * 2), 0);
        } else if self.end < BLOCK / 2 && self.buffer.len() > BLOCK {
            self.buffer.truncate(BLOCK);
            self.buffer.shrink_to_fit();
        }
        let filled = self.decoder.fill(&mut self.buffer, self.end)?;
        self.read += filled as u64;
        self.end += filled;
        Ok((&self.buffer[self.start..self.end], self.end < self.buffer.len()))
    }

    /// Marks bytes of the last block as processed.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Writes bytes of the last block except the ranges to be removed, which are in order, and marks them as processed.
    pub(super) fn pass_on(
        &mut self,
        bytes: usize,
        gone: &[Range<usize>],
        out: Option<&mut Encoder<'_>>,
    ) -> Result<(), FormatError> {
        if let Some(out) = out {
            let at = self.place();
            let gone = gone.iter().map(|gone| at + gone.start as u64..at + gone.end as u64);
            let plain = Plain { bytes: &self.buffer[..self.end], start: self.read - self.end as u64 };
            out.write_without(plain, at..at + bytes as u64, gone, self.decoder.tape())?;
        }
        self.consume(bytes);
        Ok(())
    }

    /// Pauses after the consumed bytes: writes everything processed and sets `report.bytes` accordingly. Returns the
    /// checkpoint, or `None` if another invocation cannot resume here.
    pub(super) fn pause(
        &self,
        out: Option<&mut Encoder<'_>>,
        report: &mut Report,
    ) -> Result<Option<(u64, Mark)>, FormatError> {
        let Some(place) = self.mark(out.is_some()) else { return Ok(None) };
        self.settle(out)?;
        report.bytes = place.0;
        Ok(Some(place))
    }

    fn settle(&self, out: Option<&mut Encoder<'_>>) -> Result<(), FormatError> {
        let plain = Plain { bytes: &self.buffer[..self.end], start: self.read - self.end as u64 };
        out.map_or(Ok(()), |out| out.settle(plain, self.place()))
    }

    /// How many plain bytes are processed.
    pub(super) fn place(&self) -> u64 {
        self.read - (self.end - self.start) as u64
    }

    /// Plain bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }
}
