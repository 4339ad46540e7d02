//! Reads zlib (RFC 1950): one stream, and nothing behind it. Its library's reader takes a stream that ends too early for
//! whole.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::source::ByteSource;

pub(super) struct ZlibReader<'o> {
    source: ByteSource<'o>,
    inflate: Decompress,
    has_ended: bool,
}

impl<'o> ZlibReader<'o> {
    pub(super) fn new(source: ByteSource<'o>) -> Self {
        Self { source, inflate: Decompress::new(true), has_ended: false }
    }
}

impl Read for ZlibReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.source.chunk()?;
            let is_last = input.is_empty();
            if self.has_ended {
                return if is_last { Ok(0) } else { Err(io::ErrorKind::InvalidData.into()) };
            }
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(input, out, FlushDecompress::None)?;
            let (read, written) = (self.inflate.total_in() - read, self.inflate.total_out() - written);
            self.source.consume(read as usize);
            self.has_ended = status == Status::StreamEnd;
            if written > 0 || out.is_empty() {
                return Ok(written as usize);
            }
            if is_last && !self.has_ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Whether the first bytes of an object begin such a stream: they decompress, as far as they go. `whole`: to its end.
pub(super) fn begins(head: &[u8], whole: bool) -> bool {
    let (mut inflate, mut out) = (Decompress::new(true), vec![0; 64 << 10]);
    loop {
        let rest = &head[inflate.total_in() as usize..];
        let before = inflate.total_in() + inflate.total_out();
        match inflate.decompress(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return true,
            Ok(_) if inflate.total_in() + inflate.total_out() == before => return !whole,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}
