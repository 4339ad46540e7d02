//! Finds and removes subjects' records in one archive object. Pure: bytes in, bytes and counts out.
//!
//! 1. `detect` recognises codec and content by magic bytes, never by name. Unknown formats are refused.
//! 2. `codec` decodes the object to plain bytes and encodes them again, in chunks of constant size.
//! 3. `lines`, `values` and `csv` cut plain bytes into records, ask the matcher, and copy the kept records byte for
//!    byte. What is no record, `text` tells from binary data, which is refused wherever it stands.
//! 4. `parquet` and `avro` do the same by row group and by block, and copy untouched ones as they are.
//! 5. A [`Report`] counts everything that happened. After an error, discard all output and counts.

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
mod syntax;
mod text;
mod values;
mod zlib;

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
use values::Values;

/// The UTF-8 byte order mark that some programs write. It belongs to the file, not to a record.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An object as the engine reads it: from the front, or by ranges. Calls block.
pub trait Object: Sync {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether the object has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A reader from byte `from` to the end.
    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>>;

    /// Exactly the bytes of this range.
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

/// A file on this machine.
#[derive(Debug)]
pub struct LocalFile {
    file: std::fs::File,
    len: u64,
}

impl LocalFile {
    /// Opens a file and records its length: a file that shrinks while it is read is an error.
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

/// Why an object could not be processed. No message contains content or identifiers.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The engine does not know the format: the object stays as it is and is listed as residual.
    #[error("not supported: {0}")]
    Unsupported(Cow<'static, str>),
    /// The object breaks the rules of its own format: it stays as it is and is listed as residual.
    #[error("corrupt: {0}")]
    Corrupt(&'static str),
    /// Reading the object or writing the result failed; a retry may succeed.
    #[error("reading or writing failed: {0}")]
    Io(io::Error),
}

/// A checkpoint of a scan or rewrite: everything before it is processed, the rest is left to the next invocation.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// How much is processed: plain bytes; row groups for Parquet; bytes of the object for Avro.
    done: u64,
    report: Report,
    /// Where decoding resumes.
    mark: Mark,
    /// State of the writer.
    kept: Option<Kept>,
    /// Position among JSON values.
    #[serde(default)]
    values: Values,
}

/// What the writer needs to resume.
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
    /// The counts up to here.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// Takes a record's bytes.
pub type Take<'t> = &'t mut dyn FnMut(&[u8]);

/// How a scan or rewrite ended.
#[derive(Debug)]
pub enum Rewritten {
    /// At the end of the object.
    Whole(Report),
    /// Before the end, because `pause` asked for it.
    Paused(Pause),
}

/// Detects an object's format by its first bytes and, for Parquet and Avro, by the columns that the footer or header
/// names.
///
/// # Errors
/// `Unsupported` or `Corrupt`, if those bytes show that the object cannot be purged; `Io`, if reading fails.
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
        Content::JsonLines | Content::JsonValues | Content::Csv | Content::Delimited => Ok(()),
    }
}

/// The error for a Parquet or Avro object that is compressed as a whole: both formats compress internally.
fn as_a_whole(content: Content) -> FormatError {
    let what = if content == Content::Avro { "Avro" } else { "Parquet" };
    FormatError::Unsupported(format!("{what} that is compressed as a whole: decompress the object").into())
}

/// Reads an object and counts the records of each subject. Writes nothing.
pub fn scan(object: &dyn Object, matcher: &Matcher) -> Result<Report, FormatError> {
    match purge(object, None, matcher, None, &|| false, None)? {
        Rewritten::Whole(report) | Rewritten::Paused(Pause { report, .. }) => Ok(report),
    }
}

/// Writes the object without the subjects' records: same codec, kept records byte for byte and in order.
/// After an error, the caller discards what was written.
pub fn rewrite(
    object: &dyn Object,
    out: &mut (dyn Write + Send),
    matcher: &Matcher,
) -> Result<Report, FormatError> {
    match purge(object, Some(out), matcher, None, &|| false, None)? {
        Rewritten::Whole(report) | Rewritten::Paused(Pause { report, .. }) => Ok(report),
    }
}

/// Scans an object from the checkpoint `from` until `pause` returns true. Each invocation begins where the previous one
/// ended, except for codecs other than gzip, which are decoded from the start again.
pub fn scan_from(
    object: &dyn Object,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    purge(object, None, matcher, from, pause, None)
}

/// The same, and hands each JSON record of a subject to `take`. Records in which a subject is one of several people, and
/// those that cannot be compared, are only counted.
///
/// # Errors
/// As [`scan_from`]; `Unsupported` too, if it is no JSON.
pub fn take_from(
    object: &dyn Object,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
    take: Take<'_>,
) -> Result<Rewritten, FormatError> {
    purge(object, None, matcher, from, pause, Some(take))
}

/// Rewrites an object from the checkpoint `from` until `pause` returns true between two records. The joined output of
/// all invocations equals that of [`rewrite`], except for its compression. Each invocation decodes from the start
/// again, except for plain objects, and for Parquet and Avro, which pause between two row groups or blocks.
pub fn rewrite_from(
    object: &dyn Object,
    out: &mut (dyn Write + Send),
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    purge(object, Some(out), matcher, from, pause, None)
}

fn purge(
    object: &dyn Object,
    out: Option<&mut (dyn Write + Send)>,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
    take: Option<Take<'_>>,
) -> Result<Rewritten, FormatError> {
    let mut source = ByteSource::open(object, 0)?;
    let codec = detect::codec(source.head()?)?;
    let mut decoder = codec::Decoder::new(codec, source, out.is_some())?;
    let head = decoder.head()?.to_vec();
    let content = detect::content(&head, matcher)?;
    let format = Format { content, codec };
    if take.is_some() && !matches!(content, Content::JsonLines | Content::JsonValues) {
        return Err(FormatError::Unsupported(format!("{format}: JSON is looked into alone").into()));
    }
    match content {
        Content::Parquet | Content::Avro if codec != Codec::Plain => return Err(as_a_whole(content)),
        Content::Parquet => return parquet::purge(object, out, matcher, from, pause),
        Content::Avro => return avro::purge(object, out, matcher, from, pause),
        Content::JsonLines | Content::JsonValues | Content::Csv | Content::Delimited => {}
    }
    let begun = Pause {
        report: Report { format, ..Report::default() },
        values: Values::reading(content == Content::JsonValues),
        ..Pause::default()
    };
    let Pause { done, mut report, mark, kept, mut values } = from.unwrap_or(begun);
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
        Content::Csv => csv::purge(&mut blocks, &head, None, out, matcher, &mut report, pause)?,
        Content::Delimited => {
            let dialect = matcher.headerless().ok_or(FormatError::Corrupt("other rules than before"))?;
            let header = csv::numbered(&head, head.len() < codec::HEAD, dialect, matcher)?;
            csv::purge(&mut blocks, &head, Some(header), out, matcher, &mut report, pause)?
        }
        _ => lines::purge(&mut values, &mut blocks, out, matcher, &mut report, pause, take)?,
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
