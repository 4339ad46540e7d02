//! Inflates raw deflate data (RFC 1951) in safe Rust, at nearly the speed of the best C decoders.
//!
//! 1. A block's code lengths become two tables. One lookup with the next 11 bits (9 for distances) gives the symbol and
//!    the lengths of its code and extra bits; longer codes go through a subtable.
//! 2. The fast loop runs while there are 32 bytes of input and some 300 bytes of room: bits are loaded 8 bytes at a
//!    time, literals decoded up to three per refill, and matches copied in chunks of 64 or 32 bytes that may write
//!    beyond the match's end.
//! 3. Near either end, the careful loop decodes symbol by symbol.
//! 4. The caller's buffer is the window: it keeps the last 32 KiB before the place where new bytes go.
//!
//! The tables and the loop are modelled on libdeflate (<https://github.com/ebiggers/libdeflate>).

mod fast;
mod tables;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use tables::{
    DIST_BITS, END, END_OF_BLOCK, LITERAL, LITLEN_BITS, SPECIAL, SUBTABLE, build, code_of, dist_entry,
    litlen_entry, subentry, value,
};

/// How far back a match may reach, in bytes.
pub(in crate::format) const WINDOW: usize = 32 << 10;
/// Input bytes that a block's header may need; unless the input ends, this many must be available.
pub(in crate::format) const HEADER: usize = 1 << 10;
/// The data is not valid deflate.
#[derive(Debug, PartialEq)]
pub(in crate::format) struct Malformed;

/// Why [`Inflate::run`] returned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::format) enum Pause {
    /// It reached `stop`, or the output is full.
    Full,
    /// It needs more input.
    Hungry,
    /// A block's header was read.
    Begun(Block),
    /// A block has ended.
    Ended,
    /// The last block has ended.
    End,
}

/// What a block's header says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::format) enum Block {
    Stored,
    /// `end`: the end-of-block code as it is written, and its length in bits.
    Codes {
        end: (u32, u32),
    },
}

enum State {
    Header,
    Stored(usize),
    Codes,
    /// After a block's last symbol.
    Behind,
    Ended,
}

/// A decoder between two calls.
pub(in crate::format) struct Inflate {
    litlen: Box<[u32; 4096]>,
    dist: Box<[u32; 1024]>,
    bits: u64,
    count: u32,
    last: bool,
    state: State,
    /// Remaining length, and distance, of a match that did not fit.
    pending: (usize, usize),
    lengths: Lengths,
}

/// The code lengths of a block: first those of literals and lengths, then those of distances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lengths {
    all: Vec<u8>,
    litlens: usize,
}

/// A decoder's entire state between two calls, except for its output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::format) struct Memory {
    bits: u64,
    count: u32,
    last: bool,
    pending: (usize, usize),
    /// Bytes left of a stored block.
    stored: Option<usize>,
    /// The code lengths, within a block of another kind.
    codes: Option<Lengths>,
}

/// The input, and how far it has been read.
struct Input<'i> {
    bytes: &'i [u8],
    at: usize,
    ends: bool,
}

impl Inflate {
    pub(in crate::format) fn new() -> Self {
        let (litlen, dist) = (Box::new([0; 4096]), Box::new([0; 1024]));
        Self {
            litlen,
            dist,
            bits: 0,
            count: 0,
            last: false,
            state: State::Header,
            pending: (0, 0),
            lengths: Lengths { all: Vec::new(), litlens: 0 },
        }
    }

    /// What another decoder needs to resume. `None`: right after a block, or at the end.
    pub(in crate::format) fn memory(&self) -> Option<Memory> {
        let Self { bits, count, last, pending, .. } = *self;
        let (stored, codes) = match self.state {
            State::Header => (None, None),
            State::Stored(left) => (Some(left), None),
            State::Codes => (None, Some(self.lengths.clone())),
            State::Behind | State::Ended => return None,
        };
        Some(Memory { bits: bits & ((1 << count) - 1), count, last, pending, stored, codes })
    }

    /// Resumes from this state.
    pub(in crate::format) fn recall(memory: Memory) -> Result<Self, Malformed> {
        let Memory { bits, count, last, pending, stored, codes } = memory;
        let mut inflate = Self { bits, count: count.min(63), last, pending, ..Self::new() };
        if let Some(left) = stored {
            inflate.state = State::Stored(left);
        }
        if let Some(lengths) = codes.filter(|lengths| lengths.litlens <= lengths.all.len()) {
            inflate.lengths = lengths;
            inflate.begin_codes()?;
        }
        Ok(inflate)
    }

    /// Resets for other data.
    pub(in crate::format) fn reset(&mut self) {
        (self.bits, self.count, self.last, self.state, self.pending) = (0, 0, false, State::Header, (0, 0));
    }

    /// How many bits of the input already read are not decoded yet.
    pub(in crate::format) fn unread(&self) -> u32 {
        self.count
    }

    /// How many bytes of the last match did not fit.
    pub(in crate::format) fn pending(&self) -> usize {
        self.pending.0
    }

    /// Inflates into `out` from `at`, with the previous output before it, up to the first end of a symbol at or after
    /// `stop`, a change of block, or the end of `out`. `ends`: no input follows. Returns the number of input bytes
    /// read, the new position in `out`, and why it stopped.
    pub(in crate::format) fn run(
        &mut self,
        bytes: &[u8],
        ends: bool,
        out: &mut [u8],
        mut at: usize,
        stop: usize,
    ) -> Result<(usize, usize, Pause), Malformed> {
        let mut input = Input { bytes, at: 0, ends };
        self.matched(out, &mut at)?;
        let pause = self.go_on(&mut input, out, &mut at, stop.min(out.len()))?;
        // Gives the whole bytes that were read ahead back to the input.
        input.at -= (self.count / 8) as usize;
        self.count %= 8;
        self.bits &= (1 << self.count) - 1;
        Ok((input.at, at, pause))
    }

    fn go_on(
        &mut self,
        input: &mut Input<'_>,
        out: &mut [u8],
        at: &mut usize,
        stop: usize,
    ) -> Result<Pause, Malformed> {
        loop {
            let short = !input.ends && input.bytes.len() - input.at < HEADER;
            match self.state {
                State::Behind => {
                    self.state = if self.last { State::Ended } else { State::Header };
                    return Ok(if self.last { Pause::End } else { Pause::Ended });
                }
                State::Ended => return Ok(Pause::End),
                _ if short => return Ok(Pause::Hungry),
                State::Header => return Ok(Pause::Begun(self.header(input)?)),
                State::Stored(0) => self.state = State::Behind,
                _ if *at >= stop => return Ok(Pause::Full),
                State::Stored(left) => {
                    let length = left.min(stop - *at).min(input.bytes.len() - input.at);
                    if length == 0 {
                        return Err(Malformed);
                    }
                    out[*at..*at + length].copy_from_slice(&input.bytes[input.at..input.at + length]);
                    (*at, input.at) = (*at + length, input.at + length);
                    self.state = State::Stored(left - length);
                }
                State::Codes => {
                    *at = self.fast(input, out, *at, stop)?;
                    // A few symbols: near the ends of the buffers, or across a block's end.
                    for _ in 0..fast::ROOM {
                        if *at >= stop || self.careful(input, out, at)?.is_break() {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Decodes one symbol; break: the block has ended, or there is too little input.
    fn careful(
        &mut self,
        input: &mut Input<'_>,
        out: &mut [u8],
        at: &mut usize,
    ) -> Result<ControlFlow<()>, Malformed> {
        if !matches!(self.state, State::Codes) || (!input.ends && input.bytes.len() - input.at < 32) {
            return Ok(ControlFlow::Break(()));
        }
        self.refill(input);
        let (bits, mut used) = (self.bits, 0);
        let mut entry = self.litlen[(bits & ((1 << LITLEN_BITS) - 1)) as usize];
        if entry & SUBTABLE != 0 && entry & LITERAL == 0 {
            used = LITLEN_BITS;
            entry = subentry(&self.litlen, entry, bits >> used);
        }
        if entry & LITERAL != 0 {
            self.take(used + (entry & 63))?;
            out[*at] = (entry >> 16) as u8;
            *at += 1;
            return Ok(ControlFlow::Continue(()));
        }
        if entry & END != 0 {
            self.take(used + (entry & 63))?;
            self.state = State::Behind;
            return Ok(ControlFlow::Break(()));
        }
        if entry & SPECIAL != 0 {
            return Err(Malformed);
        }
        let length = value(entry, bits >> used);
        used += entry & 63;
        let mut entry = self.dist[(bits >> used & ((1 << DIST_BITS) - 1)) as usize];
        if entry & SUBTABLE != 0 {
            used += DIST_BITS;
            entry = subentry(&self.dist, entry, bits >> used);
        }
        if entry & SPECIAL != 0 {
            return Err(Malformed);
        }
        self.pending = (length, value(entry, bits >> used));
        self.take(used + (entry & 63))?;
        self.matched(out, at)?;
        Ok(ControlFlow::Continue(()))
    }

    /// Writes as much of the pending match as fits.
    fn matched(&mut self, out: &mut [u8], at: &mut usize) -> Result<(), Malformed> {
        let (length, distance) = self.pending;
        let fits = length.min(out.len() - *at);
        if distance > *at {
            return Err(Malformed);
        }
        for place in *at..*at + fits {
            out[place] = out[place - distance];
        }
        *at += fits;
        self.pending.0 -= fits;
        Ok(())
    }

    /// Reads a block's header.
    fn header(&mut self, input: &mut Input<'_>) -> Result<Block, Malformed> {
        self.last = self.get(input, 1)? == 1;
        match self.get(input, 2)? {
            0 => {
                self.take(self.count % 8)?;
                let (length, check) = (self.get(input, 16)?, self.get(input, 16)?);
                if length ^ check != 0xffff {
                    return Err(Malformed);
                }
                // Gives the bytes in the bit buffer back to the input.
                input.at -= (self.count / 8) as usize;
                (self.bits, self.count) = (0, 0);
                self.state = State::Stored(length as usize);
                Ok(Block::Stored)
            }
            1 => {
                let lengths = (0..288 + 32).map(|symbol| match symbol {
                    144..256 => 9,
                    256..280 => 7,
                    288.. => 5,
                    _ => 8,
                });
                self.lengths.all.clear();
                self.lengths.all.extend(lengths);
                self.lengths.litlens = 288;
                self.begin_codes()
            }
            2 => {
                self.codes(input)?;
                self.begin_codes()
            }
            _ => Err(Malformed),
        }
    }

    /// Reads the code lengths of a dynamic block, which are compressed themselves.
    fn codes(&mut self, input: &mut Input<'_>) -> Result<(), Malformed> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let litlens = self.get(input, 5)? as usize + 257;
        let all = litlens + self.get(input, 5)? as usize + 1;
        let precodes = self.get(input, 4)? as usize + 4;
        // Like zlib, refuses more symbols than deflate has.
        if litlens > 286 || all - litlens > 30 {
            return Err(Malformed);
        }
        let mut lengths = [0; 19];
        for &symbol in &ORDER[..precodes] {
            lengths[symbol] = self.get(input, 3)? as u8;
        }
        let mut table = [0; 128];
        build(&mut table, 7, &lengths, |symbol| (symbol as u32) << 16)?;
        let mut lengths = [0u8; 286 + 30];
        let mut at = 0;
        while at < all {
            self.refill(input);
            let entry = table[(self.bits & 127) as usize];
            if entry & SPECIAL != 0 {
                return Err(Malformed);
            }
            self.take(entry & 63)?;
            let (length, times) = match entry >> 16 {
                16 if at == 0 => return Err(Malformed),
                16 => (lengths[at - 1], 3 + self.get(input, 2)?),
                17 => (0, 3 + self.get(input, 3)?),
                18 => (0, 11 + self.get(input, 7)?),
                length => (length as u8, 1),
            };
            let end = at + times as usize;
            lengths[..all].get_mut(at..end).ok_or(Malformed)?.fill(length);
            at = end;
        }
        if lengths[END_OF_BLOCK] == 0 {
            return Err(Malformed);
        }
        self.lengths.all.clear();
        self.lengths.all.extend_from_slice(&lengths[..all]);
        self.lengths.litlens = litlens;
        Ok(())
    }

    /// Builds the tables for the block's code lengths.
    fn begin_codes(&mut self) -> Result<Block, Malformed> {
        let (litlens, dists) = self.lengths.all.split_at(self.lengths.litlens);
        build(&mut self.litlen[..], LITLEN_BITS, litlens, litlen_entry)?;
        build(&mut self.dist[..], DIST_BITS, dists, dist_entry)?;
        self.state = State::Codes;
        Ok(Block::Codes { end: code_of(END_OF_BLOCK, litlens) })
    }

    /// Reads the next bits as a number.
    fn get(&mut self, input: &mut Input<'_>, bits: u32) -> Result<u32, Malformed> {
        self.refill(input);
        let number = (self.bits & ((1 << bits) - 1)) as u32;
        self.take(bits)?;
        Ok(number)
    }

    fn refill(&mut self, input: &mut Input<'_>) {
        while self.count < 56
            && let Some(&byte) = input.bytes.get(input.at)
        {
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            input.at += 1;
        }
    }

    /// Consumes bits. Missing bits mean that the data is truncated.
    fn take(&mut self, bits: u32) -> Result<(), Malformed> {
        self.count = self.count.checked_sub(bits).ok_or(Malformed)?;
        self.bits >>= bits;
        Ok(())
    }
}
