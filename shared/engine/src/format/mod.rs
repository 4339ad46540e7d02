//! Finds and removes the records of subjects in one archive object. Pure: bytes in, bytes and counts out.
//!
//! 1. `detect` tells the codec and the content by magic bytes, never by a name. What it does not know is refused.
//! 2. `codec` turns the object into plain bytes and back, in chunks of constant size.
//! 3. `lines`, `values` and `csv` cut them into records, ask the matcher, and copy what survives byte for byte.
//! 4. `parquet` and `avro` do the same by row groups and by blocks, and copy what is untouched.
//! 5. Everything that happened is counted in a [`Report`]; an error means that nothing may be believed or kept.

mod avro;
mod blocks;
mod codec;
mod csv;
mod detect;
mod gzip;
mod inflate;
mod lines;
mod mark;
mod parquet;
mod report;
mod source;
mod splice;
mod values;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use report::{Codec, Content, Format, Report};

use crate::matching::Matcher;
use blocks::Blocks;
use mark::Mark;
use source::ByteSource;

/// What some programs put before UTF-8. It belongs to the file and to no record.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An object as the engine reads it: whole from the front, or by ranges. Calls block.
pub trait Object: Sync {
    /// Its length in bytes.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader from byte `from` to the last.
    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>>;

    /// Exactly these bytes.
    fn range(&self, range: Range<u64>) -> io::Result<Bytes>;
}

impl Object for Bytes {
    fn len(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let bytes = usize::try_from(from).ok().and_then(|from| self.as_ref().get(from..));
        Ok(Box::new(bytes.ok_or(io::ErrorKind::UnexpectedEof)?))
    }

    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        let beyond = |_| io::Error::from(io::ErrorKind::UnexpectedEof);
        let (start, end) =
            (usize::try_from(range.start).map_err(beyond)?, usize::try_from(range.end).map_err(beyond)?);
        if start > end || end > self.as_ref().len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.slice(start..end))
    }
}

/// A file of this machine.
#[derive(Debug)]
pub struct LocalFile {
    file: std::fs::File,
    len: u64,
}

impl LocalFile {
    /// Opens a file. Its length is taken now: a file that shrinks while it is read is an error.
    pub fn open(path: &std::path::Path) -> io::Result<Self> {
        let file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }
}

impl Object for LocalFile {
    fn len(&self) -> u64 {
        self.len
    }

    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        use std::io::Seek;
        let mut file = self.file.try_clone()?;
        file.seek(io::SeekFrom::Start(from))?;
        Ok(Box::new(file))
    }

    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        use std::os::unix::fs::FileExt;
        let len = range.end.checked_sub(range.start).filter(|_| range.end <= self.len);
        let mut bytes = vec![0; len.ok_or(io::ErrorKind::UnexpectedEof)? as usize];
        self.file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }
}

/// Why an object could not be dealt with. No message holds content or identifiers.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A format the engine does not know: the object stays as it is and is listed as residual.
    #[error("not supported: {0}")]
    Unsupported(Cow<'static, str>),
    /// The object breaks the rules of its own format: it stays as it is and is listed as residual.
    #[error("corrupt: {0}")]
    Corrupt(&'static str),
    /// Reading the object or writing the result failed; another try may succeed.
    #[error("reading or writing failed: {0}")]
    Io(io::Error),
}

/// Where reading or rewriting paused: what stands before this is dealt with, what follows is for the next go.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// So many plain bytes are dealt with; of Parquet, row groups.
    done: u64,
    report: Report,
    /// Where decoding goes on.
    mark: Mark,
    /// What the writing end has to know.
    kept: Option<Kept>,
    /// Where it is among JSON values.
    #[serde(default)]
    values: values::Values,
}

/// What the writing end needs to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    Gzip(splice::Kept),
    Parquet(parquet::Kept),
}

impl Kept {
    fn gzip(self) -> Option<splice::Kept> {
        if let Self::Gzip(kept) = self { Some(kept) } else { None }
    }

    fn parquet(self) -> Option<parquet::Kept> {
        if let Self::Parquet(kept) = self { Some(kept) } else { None }
    }
}

impl Pause {
    /// What was found up to here.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// How reading or rewriting ended.
#[derive(Debug)]
pub enum Rewritten {
    /// At the object's end.
    Whole(Report),
    /// On the way, as it was asked to.
    Paused(Pause),
}

/// What an object is, told by its first bytes and, of Parquet and Avro, by the columns that its footer or header names.
/// One that cannot be purged is an error, as far as that shows there.
pub fn detect(object: &dyn Object, matcher: &Matcher) -> Result<Format, FormatError> {
    let mut source = ByteSource::open(object, 0)?;
    let codec = detect::codec(source.head()?)?;
    let mut decoder = codec::Decoder::new(codec, source, false)?;
    let content = detect::content(decoder.head()?, matcher)?;
    check(object, content, codec, matcher)?;
    Ok(Format { content, codec })
}

fn check(object: &dyn Object, content: Content, codec: Codec, matcher: &Matcher) -> Result<(), FormatError> {
    match content {
        Content::Parquet | Content::Avro if codec != Codec::Plain => Err(as_a_whole(content)),
        Content::Parquet => parquet::check(object, matcher),
        Content::Avro => avro::check(object, matcher),
        Content::JsonLines | Content::JsonValues | Content::Csv => Ok(()),
    }
}

/// Formats that compress within.
fn as_a_whole(content: Content) -> FormatError {
    let what = if content == Content::Avro { "Avro" } else { "Parquet" };
    FormatError::Unsupported(format!("{what} that is compressed as a whole: decompress the object").into())
}

/// Reads an object and counts whose records it holds. Writes nothing.
pub fn scan(object: &dyn Object, matcher: &Matcher) -> Result<Report, FormatError> {
    match purge(object, None, matcher, None, &|| false)? {
        Rewritten::Whole(report) | Rewritten::Paused(Pause { report, .. }) => Ok(report),
    }
}

/// Writes the object without the records of the subjects: same codec, survivors byte for byte and in order.
/// On an error the caller discards what was written.
pub fn rewrite(
    object: &dyn Object,
    out: &mut (dyn Write + Send),
    matcher: &Matcher,
) -> Result<Report, FormatError> {
    match purge(object, Some(out), matcher, None, &|| false)? {
        Rewritten::Whole(report) | Rewritten::Paused(Pause { report, .. }) => Ok(report),
    }
}

/// Reads an object from where an earlier go paused, and until `pause` says so. A go begins where the one before
/// ended; zstd alone is decoded from the start again.
pub fn scan_from(
    object: &dyn Object,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    purge(object, None, matcher, from, pause)
}

/// Writes an object from where an earlier go paused, and until `pause` says so between two records. Joined, what all
/// goes wrote is what [`rewrite`] writes, but for how it is compressed. Each go decodes from the start again, but for
/// plain objects, and for Parquet, which pauses between two row groups.
pub fn rewrite_from(
    object: &dyn Object,
    out: &mut (dyn Write + Send),
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    purge(object, Some(out), matcher, from, pause)
}

fn purge(
    object: &dyn Object,
    out: Option<&mut (dyn Write + Send)>,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    let mut source = ByteSource::open(object, 0)?;
    let codec = detect::codec(source.head()?)?;
    let mut decoder = codec::Decoder::new(codec, source, out.is_some())?;
    let head = decoder.head()?.to_vec();
    let content = detect::content(&head, matcher)?;
    let format = Format { content, codec };
    match content {
        Content::Parquet | Content::Avro if codec != Codec::Plain => return Err(as_a_whole(content)),
        Content::Parquet => return parquet::purge(object, out, matcher, from, pause),
        Content::Avro => return avro::purge(object, out, matcher, from, pause),
        Content::JsonLines | Content::JsonValues | Content::Csv => {}
    }
    let begun = Report { format, ..Report::default() };
    let Pause { done, mut report, mark, kept, mut values } =
        from.unwrap_or(Pause { report: begun, ..Pause::default() });
    if mark != Mark::default() {
        decoder = codec::Decoder::resume(codec, object, mark)?;
    }
    let mut encoder =
        out.map(|out| codec::Encoder::new(codec, out, kept.and_then(Kept::gzip), done)).transpose()?;
    let (mut blocks, mut out) = (Blocks::new(&mut decoder, done)?, encoder.as_mut());
    if content != Content::Csv && blocks.is_at_start() && head.starts_with(BYTE_ORDER_MARK) {
        blocks.next()?;
        blocks.pass_on(BYTE_ORDER_MARK.len(), &[], out.as_deref_mut())?;
    }
    let paused = match content {
        Content::Csv => csv::purge(&mut blocks, &head, out, matcher, &mut report, pause)?,
        Content::JsonValues => values.purge(&mut blocks, out, matcher, &mut report, pause)?,
        _ => lines::purge(&mut blocks, out, matcher, &mut report, pause)?,
    };
    if let Some((done, mark)) = paused {
        let kept = encoder.map(codec::Encoder::pause).transpose()?.flatten().map(Kept::Gzip);
        return Ok(Rewritten::Paused(Pause { done, report, mark, kept, values }));
    }
    if let Some(encoder) = encoder {
        encoder.finish()?;
    }
    Ok(Rewritten::Whole(report))
}
