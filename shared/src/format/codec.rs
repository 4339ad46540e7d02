//! From an object's bytes to plain ones and back, by codec.

use std::io::{self, Read, Write};

use flate2::{Compression, write::GzEncoder};

use super::gzip::GzipReader;
use super::source::{Source, judge};
use super::{Codec, FormatError};

const BAD_ZSTD: &str = "zstd data that does not decompress or ends too early";
/// The level of `gzip` itself when nothing is said.
const GZIP_LEVEL: u32 = 6;

/// Plain bytes of an object.
pub(super) struct Decoder<'o> {
    inner: Inner<'o>,
    head: Vec<u8>,
    given: usize,
}

enum Inner<'o> {
    Plain(Source<'o>),
    Gzip(Box<GzipReader<'o>>),
    Zstd(Box<zstd::stream::read::Decoder<'o, io::BufReader<Source<'o>>>>),
}

/// Plain bytes that are enough to tell the content.
const HEAD: usize = 64 << 10;

impl<'o> Decoder<'o> {
    pub(super) fn new(codec: Codec, source: Source<'o>) -> Result<Self, FormatError> {
        let inner = match codec {
            Codec::Plain => Inner::Plain(source),
            Codec::Gzip => Inner::Gzip(Box::new(GzipReader::new(source))),
            Codec::Zstd => Inner::Zstd(Box::new(
                zstd::stream::read::Decoder::new(source).map_err(|error| judge(error, BAD_ZSTD))?,
            )),
        };
        Ok(Self { inner, head: Vec::new(), given: 0 })
    }

    /// The first plain bytes; they are given again by `fill`. To be called first.
    pub(super) fn head(&mut self) -> Result<&[u8], FormatError> {
        let mut head = vec![0; HEAD];
        let filled = self.inner.fill(&mut head)?;
        head.truncate(filled);
        self.head = head;
        Ok(&self.head)
    }

    /// Fills `out` as far as the object goes; less than full is the end.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<usize, FormatError> {
        let left = &self.head[self.given..];
        let from_head = left.len().min(out.len());
        out[..from_head].copy_from_slice(&left[..from_head]);
        self.given += from_head;
        Ok(from_head + self.inner.fill(&mut out[from_head..])?)
    }
}

impl Inner<'_> {
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, FormatError> {
        match self {
            Self::Plain(source) => fill(source, out),
            Self::Gzip(reader) => reader.fill(out),
            Self::Zstd(reader) => fill(reader, out),
        }
    }
}

fn fill(reader: &mut impl Read, out: &mut [u8]) -> Result<usize, FormatError> {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(judge(error, BAD_ZSTD)),
        }
    }
    Ok(filled)
}

/// Writes plain bytes as the codec wants them.
pub(super) enum Encoder<'w> {
    Plain(&'w mut (dyn Write + Send)),
    /// One member whatever the source had: some readers lose what stands behind a first one.
    Gzip(Box<GzEncoder<&'w mut (dyn Write + Send)>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, &'w mut (dyn Write + Send)>>),
}

impl<'w> Encoder<'w> {
    pub(super) fn new(codec: Codec, out: &'w mut (dyn Write + Send)) -> Result<Self, FormatError> {
        Ok(match codec {
            Codec::Plain => Self::Plain(out),
            Codec::Gzip => Self::Gzip(Box::new(GzEncoder::new(out, Compression::new(GZIP_LEVEL)))),
            Codec::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                let mut encoder = zstd::stream::write::Encoder::new(out, level).map_err(FormatError::Io)?;
                encoder.include_checksum(true).map_err(FormatError::Io)?;
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
        }
        .map_err(FormatError::Io)
    }

    pub(super) fn finish(self) -> Result<(), FormatError> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.finish().and_then(|out| out.flush()),
            Self::Zstd(out) => out.finish().and_then(|out| out.flush()),
        }
        .map_err(FormatError::Io)
    }
}
