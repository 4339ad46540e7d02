//! Writes one gzip member (RFC 1952) from the members that are read, and compresses only what it must.
//!
//! 1. The reader records the compressed data on a `tape`, cut into segments of some 16 KiB that begin and end between
//!    two symbols. A segment that loses no line is *copied* from the tape bit for bit (by `bits`, since its offset
//!    within a byte changes).
//! 2. Before a line to be removed, the block is closed with its own end-of-block code, and an encoder takes over, which
//!    knows the previous 32 KiB. It continues until 32 KiB after the line: up to there, matches may refer to the line
//!    or across it. Then the next segment's block header is repeated, and copying resumes.
//! 3. A segment that begins a member refers to nothing before it and may be copied at once. The members' data become
//!    one stream: no copied block is marked as the last one; an empty block at the end is. Some readers lose what
//!    follows the first member.
//! 4. Where removed lines are close together, the encoder continues: at worst, everything is compressed again.
//! 5. At a pause, the encoder writes what is left up to the current line and ends on a byte boundary. Checksum and
//!    length are carried over, and the trailer at the end covers the whole.

mod bits;
mod tape;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::ops::Range;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};
use serde::{Deserialize, Serialize};

use super::inflate::WINDOW;
use bits::Bits;
pub(super) use tape::Tape;
use tape::{Segment, TapePart};

/// The default level of `gzip` itself.
const LEVEL: u32 = 6;
/// Deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const BUFFER: usize = 64 << 10;
/// Plain bytes per segment: smaller segments cut closer to a line, larger ones cost less.
pub(super) const SEGMENT: usize = 16 << 10;
/// Fewer plain bytes than this are not worth copying, because the encoder must be set up again after them.
const WORTH: u64 = 16 << 10;
/// Plain bytes to keep before those passed on: a whole segment may have to be encoded again, including its last match,
/// and the encoder needs the bytes before it.
pub(super) const HISTORY: usize = WINDOW + SEGMENT + 512;

/// What a member needs to resume after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    crc: u32,
    length: u64,
    clean: u64,
}

/// Plain bytes, and the position of the first one in the whole object.
#[derive(Clone, Copy)]
pub(super) struct Plain<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) start: u64,
}

impl<'b> Plain<'b> {
    pub(super) fn get(self, range: Range<u64>) -> &'b [u8] {
        &self.bytes[(range.start - self.start) as usize..(range.end - self.start) as usize]
    }
}

pub(super) struct GzipMember<W> {
    out: Bits<W>,
    deflate: Compress,
    buffer: Vec<u8>,
    crc: Hasher,
    length: u64,
    /// The next plain byte to write.
    at: u64,
    /// From this plain byte on, nothing refers back to a removed line.
    clean: u64,
    state: State,
}

enum State {
    /// The end-of-block code and its length in bits, if a block is open.
    Copying(Option<(u32, u32)>),
    Encoding,
}

impl<W: Write> GzipMember<W> {
    /// Starts a new member, or resumes one that was paused before plain byte `at`.
    pub(super) fn new(mut out: W, kept: Option<Kept>, at: u64) -> io::Result<Self> {
        let (crc, length, clean, state) = match kept {
            Some(Kept { crc, length, clean }) => {
                (Hasher::new_with_initial_len(crc, length), length, clean, State::Encoding)
            }
            None => {
                out.write_all(&HEADER)?;
                (Hasher::new(), 0, 0, State::Copying(None))
            }
        };
        let deflate = Compress::new(Compression::new(LEVEL), false);
        let buffer = Vec::with_capacity(BUFFER);
        Ok(Self { out: Bits::new(out), deflate, buffer, crc, length, at, clean, state })
    }

    /// Writes the plain bytes of a range except those to be removed, which are in order. A segment that the range ends
    /// within is written with the next range.
    pub(super) fn write_without(
        &mut self,
        plain: Plain<'_>,
        range: Range<u64>,
        gone: impl Iterator<Item = Range<u64>>,
        tape: &mut Tape,
    ) -> io::Result<()> {
        let mut from = range.start;
        for gone in gone {
            self.sum(plain.get(from..gone.start));
            self.go_on(plain, gone.start, tape)?;
            self.encode_to(plain, gone.start)?;
            (self.at, from) = (gone.end, gone.end);
            self.clean = gone.end + WINDOW as u64;
        }
        self.sum(plain.get(from..range.end));
        self.go_on(plain, range.end, tape)?;
        tape.tidy();
        Ok(())
    }

    /// Writes what was passed on but not yet written, up to `end`.
    pub(super) fn settle(&mut self, plain: Plain<'_>, end: u64) -> io::Result<()> {
        self.encode_to(plain, end)
    }

    /// Ends the output so far, so that another writer can resume. Call [`Self::settle`] first.
    pub(super) fn pause(mut self) -> io::Result<Kept> {
        self.deflate(&[], FlushCompress::Sync)?;
        self.out.flush()?;
        Ok(Kept { crc: self.crc.finalize(), length: self.length, clean: self.clean })
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        match self.state {
            State::Encoding => self.deflate(&[], FlushCompress::Finish)?,
            State::Copying(Some(_)) => return Err(io::Error::other("a block that does not end")),
            // The last block: fixed codes, and their end-of-block code.
            State::Copying(None) => self.out.put(0b011, 3 + 7)?,
        }
        self.out.align()?;
        self.out.bytes(&self.crc.finalize().to_le_bytes())?;
        // The length modulo 2^32, as the RFC requires.
        self.out.bytes(&(self.length as u32).to_le_bytes())?;
        self.out.flush()
    }

    fn sum(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// Advances towards `end` as far as possible, copying where it can.
    fn go_on(&mut self, plain: Plain<'_>, end: u64, tape: &mut Tape) -> io::Result<()> {
        loop {
            if matches!(self.state, State::Copying(_)) {
                let at = |at| move |segment: &Segment| segment.plain.start == at && segment.plain.end <= end;
                while let Some(segment) = tape.pop_if(at(self.at)) {
                    self.copy(&segment, tape)?;
                }
                if tape.begins_at() == self.at {
                    return Ok(());
                }
                // The tape no longer has what comes next.
                self.encode_to(plain, self.at)?;
            }
            let (at, clean) = (self.at, self.clean);
            let late =
                |segment: &Segment| segment.plain.start >= if segment.fresh { at } else { clean.max(at) };
            while tape.pop_if(|segment| !late(segment)).is_some() {}
            match tape.first() {
                Some(segment) if segment.plain.start + WORTH <= end => {
                    self.encode_to(plain, segment.plain.start)?;
                    self.copy_from(segment)?;
                }
                _ => return self.encode_to(plain, end),
            }
        }
    }

    /// Prepares to copy from this segment on.
    fn copy_from(&mut self, segment: &Segment) -> io::Result<()> {
        self.deflate(&[], FlushCompress::Sync)?;
        self.state = State::Copying(None);
        if let TapePart::Later(codes) = &segment.part {
            let (bytes, bits) = &codes.header;
            self.header(bytes, bits.clone())?;
        }
        Ok(())
    }

    fn copy(&mut self, segment: &Segment, tape: &Tape) -> io::Result<()> {
        let (bytes, bits) = tape.bits(segment);
        match &segment.part {
            TapePart::Stored => self.stored(bytes)?,
            TapePart::First(_) => self.header(bytes, bits)?,
            TapePart::Later(_) => self.out.copy(bytes, bits)?,
        }
        self.state = State::Copying(match &segment.part {
            TapePart::First(codes) | TapePart::Later(codes) if !segment.closes => Some(codes.end),
            _ => None,
        });
        self.at = segment.plain.end;
        Ok(())
    }

    /// Writes bits that begin with a block's header, but clears its last-block flag.
    fn header(&mut self, bytes: &[u8], bits: Range<u64>) -> io::Result<()> {
        self.out.put(0, 1)?;
        self.out.copy(bytes, bits.start + 1..bits.end)
    }

    /// Writes a stored block. It has at most 65,535 bytes, because they come from a stored block.
    fn stored(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.put(0, 3)?;
        self.out.align()?;
        let length = bytes.len() as u64;
        self.out.put(length | (!length & 0xffff) << 16, 32)?;
        self.out.bytes(bytes)
    }

    /// Compresses from the current position up to `end`.
    fn encode_to(&mut self, plain: Plain<'_>, end: u64) -> io::Result<()> {
        if let State::Copying(open) = self.state {
            if let Some((code, bits)) = open {
                self.out.put(u64::from(code), bits)?;
            }
            if !self.out.is_aligned() {
                self.stored(&[])?;
            }
            // Nothing in the previous 32 KiB was removed, or copying would not have begun, except at a new member.
            let whole = self.clean.saturating_sub(WINDOW as u64);
            let known = self.at.saturating_sub(WINDOW as u64).max(whole);
            self.deflate.reset();
            if known < self.at {
                self.deflate.set_dictionary(plain.get(known..self.at)).map_err(io::Error::other)?;
            }
            self.state = State::Encoding;
        }
        self.deflate(plain.get(self.at..end), FlushCompress::None)?;
        self.at = end;
        Ok(())
    }

    fn deflate(&mut self, mut input: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            self.buffer.clear();
            let before = self.deflate.total_in();
            let status =
                self.deflate.compress_vec(input, &mut self.buffer, flush).map_err(io::Error::other)?;
            input = &input[(self.deflate.total_in() - before) as usize..];
            self.out.bytes(&self.buffer)?;
            let room_left = self.buffer.len() < self.buffer.capacity();
            let through = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => input.is_empty() && room_left,
            };
            if through {
                return Ok(());
            }
        }
    }
}
