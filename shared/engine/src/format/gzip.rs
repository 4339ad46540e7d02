//! Reads gzip (RFC 1952) of one or more members, straight from the source's buffer into the caller's.
//!
//! 1. A member's header is skipped and its data inflated. If CRC-32 or length differ, the object is corrupt.
//! 2. After a member comes another, or zeros up to the end (padding, as `gzip` itself allows), or nothing.
//! 3. An end anywhere else means that the object is truncated.

use super::FormatError;
use super::inflate::{HEADER, Inflate, Pause};
use super::mark::{Inside, Mark};
use super::source::{ByteSource, judge};
use super::splice::{SEGMENT, Tape};

pub(super) const CORRUPT: &str = "gzip data that does not decompress";
const TRUNCATED: &str = "gzip data that ends too early";
const GARBAGE: &str = "something other than gzip behind gzip data";

pub(super) struct GzipReader<'o> {
    source: ByteSource<'o>,
    inflate: Inflate,
    state: State,
    crc: crc32fast::Hasher,
    length: u32,
    /// Plain bytes of all members returned so far.
    given: u64,
    tape: Option<Tape>,
}

enum State {
    Header,
    Data,
    Behind,
    Padding,
}

impl<'o> GzipReader<'o> {
    /// With a `tape`, the compressed data read is recorded there.
    pub(super) fn new(source: ByteSource<'o>, tape: Option<Tape>) -> Self {
        let (inflate, crc) = (Inflate::new(), crc32fast::Hasher::new());
        Self { source, inflate, state: State::Header, crc, length: 0, given: 0, tape }
    }

    pub(super) fn tape(&mut self) -> Option<&mut Tape> {
        self.tape.as_mut()
    }

    /// Resumes where another reader stopped.
    pub(super) fn resume(source: ByteSource<'o>, inside: Inside) -> Result<Self, FormatError> {
        let crc = crc32fast::Hasher::new_with_initial_len(inside.crc, u64::from(inside.length));
        let inflate = Inflate::recall(inside.memory).map_err(|_| FormatError::Corrupt(CORRUPT))?;
        Ok(Self { source, inflate, state: State::Data, crc, length: inside.length, given: 0, tape: None })
    }

    /// What another reader needs to resume here; `window` is the last plain bytes returned. `None`: not within a
    /// member's data.
    pub(super) fn mark(&self, plain: u64, window: &[u8]) -> Option<Mark> {
        let memory = self.inflate.memory().filter(|_| matches!(self.state, State::Data))?;
        let (crc, length) = (self.crc.clone().finalize(), self.length);
        let inside = Some(Inside { memory, crc, length, window: window.to_vec() });
        Some(Mark { plain, raw: self.source.position(), inside })
    }

    /// Fills `buffer` from `at`. A partial fill means the end. The plain bytes before `at` must be those returned
    /// before, as far back as deflate may reach. Returns the number of bytes written.
    pub(super) fn fill(&mut self, buffer: &mut [u8], at: usize) -> Result<usize, FormatError> {
        let start = at;
        let mut at = at;
        while at < buffer.len() {
            match self.state {
                State::Header => {
                    self.header()?;
                    self.inflate.reset();
                    (self.crc, self.length, self.state) = (crc32fast::Hasher::new(), 0, State::Data);
                    if let Some(tape) = &mut self.tape {
                        tape.member_begins();
                    }
                }
                State::Data => {
                    let (input, ends) = self.source.window(HEADER).map_err(|error| judge(error, CORRUPT))?;
                    let stop = if self.tape.is_some() { at + SEGMENT } else { buffer.len() };
                    let (read, place, pause) = self
                        .inflate
                        .run(input, ends, buffer, at, stop)
                        .map_err(|_| FormatError::Corrupt(CORRUPT))?;
                    self.given += (place - at) as u64;
                    if let Some(tape) = &mut self.tape {
                        tape.add(&input[..read], self.inflate.unread());
                        let plain = self.given + self.inflate.pending() as u64;
                        match pause {
                            Pause::Full | Pause::Hungry => tape.between_symbols(plain),
                            Pause::Begun(block) => tape.block_begins(block),
                            Pause::Ended | Pause::End => tape.block_ends(plain),
                        }
                    }
                    self.source.consume(read);
                    self.crc.update(&buffer[at..place]);
                    self.length = self.length.wrapping_add((place - at) as u32);
                    at = place;
                    if pause == Pause::End {
                        self.trailer()?;
                    }
                }
                State::Behind | State::Padding => {
                    let (input, _) = self.source.window(1).map_err(|error| judge(error, CORRUPT))?;
                    match input {
                        [] => break,
                        [0, ..] => {
                            if input.iter().any(|&byte| byte != 0) {
                                return Err(FormatError::Corrupt(GARBAGE));
                            }
                            let zeros = input.len();
                            self.source.consume(zeros);
                            self.state = State::Padding;
                        }
                        _ if matches!(self.state, State::Behind) => self.state = State::Header,
                        _ => return Err(FormatError::Corrupt(GARBAGE)),
                    }
                }
            }
        }
        Ok(at - start)
    }

    /// Reads magic, method, flags, time, extra flags and system; then the fields that the flags announce.
    fn header(&mut self) -> Result<(), FormatError> {
        const CHECK: u8 = 1 << 1;
        const EXTRA: u8 = 1 << 2;
        const NAME: u8 = 1 << 3;
        const COMMENT: u8 = 1 << 4;
        let mut crc = crc32fast::Hasher::new();
        let fixed: [u8; 10] = self.bytes(&mut crc)?;
        let [0x1f, 0x8b, 8, flags, ..] = fixed else {
            let behind_another = fixed[..2] != [0x1f, 0x8b];
            return Err(FormatError::Corrupt(if behind_another { GARBAGE } else { CORRUPT }));
        };
        if flags & 0b1110_0000 != 0 {
            return Err(FormatError::Corrupt(CORRUPT));
        }
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes(self.bytes(&mut crc)?) {
                self.bytes::<1>(&mut crc)?;
            }
        }
        for text in [NAME, COMMENT] {
            while flags & text != 0 && self.bytes(&mut crc)? != [0] {}
        }
        if flags & CHECK != 0 {
            let wanted = crc.clone().finalize() as u16;
            if u16::from_le_bytes(self.bytes(&mut crc)?) != wanted {
                return Err(FormatError::Corrupt(CORRUPT));
            }
        }
        Ok(())
    }

    fn trailer(&mut self) -> Result<(), FormatError> {
        let mut unused = crc32fast::Hasher::new();
        let crc = u32::from_le_bytes(self.bytes(&mut unused)?);
        let length = u32::from_le_bytes(self.bytes(&mut unused)?);
        if crc != self.crc.clone().finalize() || length != self.length {
            return Err(FormatError::Corrupt(CORRUPT));
        }
        self.state = State::Behind;
        Ok(())
    }

    /// Exactly the next `N` bytes.
    ///
    /// # Errors
    /// `Corrupt`, if the object ends before them; `Io`, if reading fails.
    fn bytes<const N: usize>(&mut self, crc: &mut crc32fast::Hasher) -> Result<[u8; N], FormatError> {
        let (input, _) = self.source.window(N).map_err(|error| judge(error, CORRUPT))?;
        let bytes = *input.first_chunk().ok_or(FormatError::Corrupt(TRUNCATED))?;
        crc.update(&bytes);
        self.source.consume(N);
        Ok(bytes)
    }
}
