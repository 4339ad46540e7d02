//! Reads gzip (RFC 1952) of one member or many, straight from the source's buffer into the caller's.
//!
//! 1. A member is inflated; its length and CRC-32 are checked by the inflater, or the object is corrupt.
//! 2. Behind a member comes another, or zeros up to the end (padding, as `gzip` itself allows), or nothing.
//! 3. An end anywhere else is a truncated object.

use flate2::{Decompress, FlushDecompress, Status};

use super::FormatError;
use super::source::{Source, judge};

pub(super) const CORRUPT: &str = "gzip data that does not decompress";
const TRUNCATED: &str = "gzip data that ends too early";
const GARBAGE: &str = "something other than gzip behind gzip data";

/// The largest window of deflate, as a power of two.
const WINDOW_BITS: u8 = 15;

pub(super) struct GzipReader<'o> {
    source: Source<'o>,
    inflate: Decompress,
    state: State,
}

enum State {
    InMember,
    BehindMember,
    InPadding,
}

impl<'o> GzipReader<'o> {
    pub(super) fn new(source: Source<'o>) -> Self {
        Self { source, inflate: Decompress::new_gzip(WINDOW_BITS), state: State::InMember }
    }

    /// Fills `out` as far as the data goes; less than full is the end.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<usize, FormatError> {
        let mut filled = 0;
        while filled < out.len() {
            let input = self.source.chunk().map_err(|error| judge(error, CORRUPT))?;
            match self.state {
                State::InMember => {
                    let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
                    let status = self
                        .inflate
                        .decompress(input, &mut out[filled..], FlushDecompress::None)
                        .map_err(|_| FormatError::Corrupt(CORRUPT))?;
                    let read = (self.inflate.total_in() - read) as usize;
                    let written = (self.inflate.total_out() - written) as usize;
                    if read == 0 && written == 0 && status != Status::StreamEnd {
                        let why = if input.is_empty() { TRUNCATED } else { CORRUPT };
                        return Err(FormatError::Corrupt(why));
                    }
                    self.source.consume(read);
                    filled += written;
                    if status == Status::StreamEnd {
                        self.state = State::BehindMember;
                    }
                }
                State::BehindMember | State::InPadding if input.is_empty() => break,
                State::BehindMember if input[0] != 0 => {
                    self.inflate.reset(true);
                    self.state = State::InMember;
                }
                State::BehindMember | State::InPadding => {
                    if input.iter().any(|&byte| byte != 0) {
                        return Err(FormatError::Corrupt(GARBAGE));
                    }
                    let zeros = input.len();
                    self.source.consume(zeros);
                    self.state = State::InPadding;
                }
            }
        }
        Ok(filled)
    }
}
