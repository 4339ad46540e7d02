//! Writes bits, lowest first (RFC 1951, 3.1.1).

use std::io::{self, Write};
use std::ops::Range;

const BUFFER: usize = 64 << 10;

pub(super) struct Bits<W> {
    out: W,
    bytes: Vec<u8>,
    /// Fewer than 8 bits, which do not fill a byte yet.
    held: u64,
    count: u32,
}

impl<W: Write> Bits<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, bytes: Vec::with_capacity(BUFFER + 8), held: 0, count: 0 }
    }

    /// Writes up to 56 bits; the bits above `count` must be zero.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, count: u32) -> io::Result<()> {
        self.held |= bits << self.count;
        self.count += count;
        let whole = self.count / 8;
        self.bytes.extend_from_slice(&self.held.to_le_bytes());
        self.bytes.truncate(self.bytes.len() - 8 + whole as usize);
        // In two steps, because the shift may be 64 bits in all.
        self.held = self.held >> (whole * 4) >> (whole * 4);
        self.count %= 8;
        if self.bytes.len() >= BUFFER { self.drain() } else { Ok(()) }
    }

    /// Writes these bits of some bytes.
    pub(super) fn copy(&mut self, from: &[u8], bits: Range<u64>) -> io::Result<()> {
        let mut at = bits.start;
        while at < bits.end {
            let rest = &from[(at / 8) as usize..];
            let word = rest.first_chunk().copied().unwrap_or_else(|| {
                let mut word = [0; 8];
                word[..rest.len()].copy_from_slice(rest);
                word
            });
            let count = (bits.end - at).min(56);
            let word = u64::from_le_bytes(word) >> (at % 8);
            self.put(word & ((1 << count) - 1), count as u32)?;
            at += count;
        }
        Ok(())
    }

    pub(super) fn is_aligned(&self) -> bool {
        self.count == 0
    }

    /// Writes zeros up to the next byte boundary.
    pub(super) fn align(&mut self) -> io::Result<()> {
        self.put(0, (8 - self.count) % 8)
    }

    /// Writes whole bytes. The position must be at a byte boundary.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        debug_assert!(self.is_aligned(), "bytes begin where a byte begins");
        self.drain()?;
        self.out.write_all(bytes)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.out.flush()
    }

    fn drain(&mut self) -> io::Result<()> {
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}
