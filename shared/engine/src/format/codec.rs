//! Converts an object's bytes to plain bytes and back, by codec.

use std::io::{self, BufReader, Read, Write};
use std::ops::Range;

use super::gzip::GzipReader;
use super::mark::Mark;
use super::source::{ByteSource, judge};
use super::splice::{GzipMember, Kept, Plain, Tape};
use super::zlib::ZlibReader;
use super::{Codec, FormatError, Object};

const BROKEN: &str = "compressed data that does not decompress or ends too early";

/// Decodes an object to plain bytes.
pub(super) struct Decoder<'o> {
    inner: Inner<'o>,
    head: Vec<u8>,
    given: usize,
    /// The plain bytes before the first one that `fill` returns, and the total number of plain bytes before it.
    history: Vec<u8>,
    plain: u64,
}

enum Inner<'o> {
    Plain(ByteSource<'o>),
    Gzip(Box<GzipReader<'o>>),
    Zstd(Box<zstd::stream::read::Decoder<'o, BufReader<ByteSource<'o>>>>),
    Bzip2(Box<bzip2::bufread::MultiBzDecoder<BufReader<ByteSource<'o>>>>),
    Zlib(Box<ZlibReader<'o>>),
    Snappy(Box<snap::read::FrameDecoder<ByteSource<'o>>>),
}

/// How far back a decoder may refer to its output, in bytes.
pub(super) const HISTORY: usize = super::inflate::WINDOW;
/// Plain bytes that suffice to detect the content.
pub(super) const HEAD: usize = 64 << 10;

impl<'o> Decoder<'o> {
    /// `taped`: records the compressed data read, for an encoder that can copy it.
    pub(super) fn new(codec: Codec, source: ByteSource<'o>, taped: bool) -> Result<Self, FormatError> {
        let inner = match codec {
            Codec::Plain => Inner::Plain(source),
            Codec::Gzip => Inner::Gzip(Box::new(GzipReader::new(source, taped.then(Tape::new)))),
            Codec::Zstd => Inner::Zstd(Box::new(
                zstd::stream::read::Decoder::new(source).map_err(|error| judge(error, BROKEN))?,
            )),
            Codec::Bzip2 => {
                Inner::Bzip2(Box::new(bzip2::bufread::MultiBzDecoder::new(BufReader::new(source))))
            }
            Codec::Zlib => Inner::Zlib(Box::new(ZlibReader::new(source))),
            Codec::Snappy => Inner::Snappy(Box::new(snap::read::FrameDecoder::new(source))),
        };
        Ok(Self { inner, head: Vec::new(), given: 0, history: Vec::new(), plain: 0 })
    }

    /// Resumes from a mark.
    pub(super) fn resume(codec: Codec, object: &'o dyn Object, mark: Mark) -> Result<Self, FormatError> {
        let source = ByteSource::open(object, mark.raw)?;
        let Some(mut inside) = mark.inside else {
            return Ok(Self { plain: mark.plain, ..Self::new(codec, source, false)? });
        };
        let history = std::mem::take(&mut inside.window);
        let inner = Inner::Gzip(Box::new(GzipReader::resume(source, inside)?));
        Ok(Self { inner, head: Vec::new(), given: 0, history, plain: mark.plain })
    }

    /// The bytes to put before the first `fill`, and the total number of plain bytes before it.
    pub(super) fn history(&mut self) -> (Vec<u8>, u64) {
        (std::mem::take(&mut self.history), self.plain)
    }

    /// A mark to resume from after plain byte `done`. `given` plain bytes were returned so far; `window` holds the last
    /// of them. `None`: not here, but after some more bytes; zlib, of which a file has one stream, cannot pause when
    /// rewriting. For gzip when rewriting, whose encoder needs what came before, and for the other codecs the mark is
    /// the start of the object.
    pub(super) fn mark(&self, done: u64, given: u64, window: &[u8], rewriting: bool) -> Option<Mark> {
        match &self.inner {
            Inner::Plain(_) => Some(Mark { plain: done, raw: done, inside: None }),
            Inner::Gzip(reader) if !rewriting => reader.mark(given, window),
            Inner::Zlib(_) if rewriting => None,
            _ => Some(Mark::default()),
        }
    }

    /// The first plain bytes, which `fill` returns again. Call this first.
    pub(super) fn head(&mut self) -> Result<&[u8], FormatError> {
        let mut head = vec![0; HEAD];
        let filled = self.inner.fill(&mut head, 0)?;
        head.truncate(filled);
        self.head = head;
        Ok(&self.head)
    }

    /// The compressed data read, if it is recorded.
    pub(super) fn tape(&mut self) -> Option<&mut Tape> {
        match &mut self.inner {
            Inner::Gzip(reader) => reader.tape(),
            _ => None,
        }
    }

    /// Fills `buffer` from `at`. A partial fill means the end of the object. The [`HISTORY`] bytes before `at` must be
    /// those returned before. Returns the number of bytes written.
    pub(super) fn fill(&mut self, buffer: &mut [u8], at: usize) -> Result<usize, FormatError> {
        let left = &self.head[self.given..];
        let from_head = left.len().min(buffer.len() - at);
        buffer[at..at + from_head].copy_from_slice(&left[..from_head]);
        self.given += from_head;
        if self.given < self.head.len() {
            return Ok(from_head);
        }
        Ok(from_head + self.inner.fill(buffer, at + from_head)?)
    }
}

impl Inner<'_> {
    fn fill(&mut self, buffer: &mut [u8], at: usize) -> Result<usize, FormatError> {
        match self {
            Self::Plain(source) => fill(source, &mut buffer[at..]),
            Self::Gzip(reader) => reader.fill(buffer, at),
            Self::Zstd(reader) => fill(reader, &mut buffer[at..]),
            Self::Bzip2(reader) => fill(reader, &mut buffer[at..]),
            Self::Zlib(reader) => fill(reader, &mut buffer[at..]),
            Self::Snappy(reader) => fill(reader, &mut buffer[at..]),
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
            Err(error) => return Err(judge(error, BROKEN)),
        }
    }
    Ok(filled)
}

/// Encodes plain bytes with a codec and writes them.
pub(super) enum Encoder<'w> {
    Plain(&'w mut (dyn Write + Send)),
    /// One member, however many the source had: some readers lose what follows the first one.
    Gzip(Box<GzipMember<&'w mut (dyn Write + Send)>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, &'w mut (dyn Write + Send)>>),
    Bzip2(Box<bzip2::write::BzEncoder<&'w mut (dyn Write + Send)>>),
    Zlib(Box<flate2::write::ZlibEncoder<&'w mut (dyn Write + Send)>>),
    Snappy(Box<snap::write::FrameEncoder<&'w mut (dyn Write + Send)>>),
}

impl<'w> Encoder<'w> {
    /// Starts at the beginning, or at plain byte `at` with the state from [`Self::pause`].
    pub(super) fn new(
        codec: Codec,
        out: &'w mut (dyn Write + Send),
        kept: Option<Kept>,
        at: u64,
    ) -> Result<Self, FormatError> {
        Ok(match codec {
            Codec::Plain => Self::Plain(out),
            Codec::Gzip => Self::Gzip(Box::new(GzipMember::new(out, kept, at).map_err(FormatError::Io)?)),
            Codec::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                let mut encoder = zstd::stream::write::Encoder::new(out, level).map_err(FormatError::Io)?;
                encoder.include_checksum(true).map_err(FormatError::Io)?;
                Self::Zstd(Box::new(encoder))
            }
            Codec::Bzip2 => {
                Self::Bzip2(Box::new(bzip2::write::BzEncoder::new(out, bzip2::Compression::best())))
            }
            Codec::Zlib => {
                Self::Zlib(Box::new(flate2::write::ZlibEncoder::new(out, flate2::Compression::default())))
            }
            Codec::Snappy => Self::Snappy(Box::new(snap::write::FrameEncoder::new(out))),
        })
    }

    /// Writes a range of plain bytes except the ranges to be removed, which are in order.
    pub(super) fn write_without(
        &mut self,
        plain: Plain<'_>,
        range: Range<u64>,
        gone: impl Iterator<Item = Range<u64>>,
        tape: Option<&mut Tape>,
    ) -> Result<(), FormatError> {
        let out: &mut dyn Write = match self {
            Self::Plain(out) => out,
            Self::Zstd(out) => out,
            Self::Bzip2(out) => out,
            Self::Zlib(out) => out,
            Self::Snappy(out) => out,
            Self::Gzip(out) => {
                let tape = tape.ok_or(FormatError::Io(io::ErrorKind::Unsupported.into()))?;
                return out.write_without(plain, range, gone, tape).map_err(FormatError::Io);
            }
        };
        let mut from = range.start;
        for gone in gone {
            out.write_all(plain.get(from..gone.start)).map_err(FormatError::Io)?;
            from = gone.end;
        }
        out.write_all(plain.get(from..range.end)).map_err(FormatError::Io)
    }

    /// Writes the bytes up to `end` that were waiting to be written with the next ones.
    pub(super) fn settle(&mut self, plain: Plain<'_>, end: u64) -> Result<(), FormatError> {
        match self {
            Self::Gzip(out) => out.settle(plain, end).map_err(FormatError::Io),
            _ => Ok(()),
        }
    }

    /// Ends the output so far, so that another encoder can continue. Call [`Self::settle`] first. What is
    /// compressed by zstd, bzip2 or Snappy continues in a new frame or stream.
    pub(super) fn pause(self) -> Result<Option<Kept>, FormatError> {
        match self {
            Self::Gzip(out) => out.pause().map(Some).map_err(FormatError::Io),
            other => other.finish().map(|()| None),
        }
    }

    pub(super) fn finish(self) -> Result<(), FormatError> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.finish(),
            Self::Zstd(out) => out.finish().and_then(|out| out.flush()),
            Self::Bzip2(out) => out.finish().and_then(|out| out.flush()),
            Self::Zlib(out) => out.finish().and_then(|out| out.flush()),
            Self::Snappy(out) => {
                out.into_inner().map_err(|error| error.into_error()).and_then(|out| out.flush())
            }
        }
        .map_err(FormatError::Io)
    }
}
