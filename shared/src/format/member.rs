//! Writes one gzip member (RFC 1952), with pauses: what follows a pause may be written by another process.
//!
//! 1. A pause ends the deflate block with a full flush, so that what follows needs nothing of what was before.
//! 2. Checksum and length are kept across it, and the trailer at the end speaks for the whole.

use std::io::{self, Write};

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};
use serde::{Deserialize, Serialize};

/// The level of `gzip` itself when nothing is said.
const LEVEL: u32 = 6;
/// Deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const BUFFER: usize = 64 << 10;

/// What a member needs to go on after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    crc: u32,
    length: u64,
}

pub(super) struct Member<W> {
    out: W,
    deflate: Compress,
    crc: Hasher,
    length: u64,
    buffer: Vec<u8>,
}

impl<W: Write> Member<W> {
    /// A new member, or one that was paused.
    pub(super) fn new(mut out: W, kept: Option<Kept>) -> io::Result<Self> {
        let (crc, length) = match kept {
            Some(kept) => (Hasher::new_with_initial_len(kept.crc, kept.length), kept.length),
            None => {
                out.write_all(&HEADER)?;
                (Hasher::new(), 0)
            }
        };
        let deflate = Compress::new(Compression::new(LEVEL), false);
        Ok(Self { out, deflate, crc, length, buffer: Vec::with_capacity(BUFFER) })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.length += bytes.len() as u64;
        self.deflate(bytes, FlushCompress::None)
    }

    /// Ends what was written so far, so that it can be gone on from.
    pub(super) fn pause(mut self) -> io::Result<Kept> {
        self.deflate(&[], FlushCompress::Full)?;
        self.out.flush()?;
        Ok(Kept { crc: self.crc.finalize(), length: self.length })
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.deflate(&[], FlushCompress::Finish)?;
        self.out.write_all(&self.crc.finalize().to_le_bytes())?;
        // The length modulo 2^32, as the RFC wants it.
        self.out.write_all(&(self.length as u32).to_le_bytes())?;
        self.out.flush()
    }

    fn deflate(&mut self, mut input: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            self.buffer.clear();
            let before = self.deflate.total_in();
            let status =
                self.deflate.compress_vec(input, &mut self.buffer, flush).map_err(io::Error::other)?;
            input = &input[(self.deflate.total_in() - before) as usize..];
            self.out.write_all(&self.buffer)?;
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
