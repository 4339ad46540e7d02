//! Detects an object's format by its first bytes.

use memchr::{memchr, memchr_iter};

use super::codec::HEAD;
use super::{BYTE_ORDER_MARK, Codec, Content, FormatError, avro, csv, values};
use crate::matching::Matcher;

/// Formats that occur in archives but that the engine does not read. They are named so that the residual says what the
/// object is.
const REFUSED: &[(&[u8], &str)] = &[
    (b"PARE", "encrypted Parquet"),
    (b"ORC", "ORC: have the engine that wrote it delete the rows, or write it anew as Parquet or Avro"),
    (b"ARROW1", "Arrow"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"LZIP", "lzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x82SNAPPY\0", "Snappy as Java's SnappyOutputStream writes it"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
];

const BINARY: &str = "binary data of an unknown format";

/// Detects the compression by the object's first bytes.
pub(super) fn codec(head: &[u8]) -> Result<Codec, FormatError> {
    match head {
        [0x1f, 0x8b, ..] => Ok(Codec::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Codec::Zstd),
        // A skippable frame may come first (RFC 8878, 3.1.2).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Codec::Zstd),
        // A block, or the end of a stream without one.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Ok(Codec::Bzip2),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Ok(Codec::Zlib),
        [0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Ok(Codec::Snappy),
        _ => Ok(Codec::Plain),
    }
}

/// Detects the content by the first plain bytes. They are JSON lines if one of the first lines begins with `{`, so that
/// a broken first line does not hide the rest. An object of blank lines only counts as JSON lines too: it holds no
/// records. If the rules say that text has no header, all text is delimited text.
pub(super) fn content(head: &[u8], matcher: &Matcher) -> Result<Content, FormatError> {
    if let Some((_, name)) = REFUSED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(FormatError::Unsupported((*name).into()));
    }
    if head.starts_with(avro::MAGIC) {
        return Ok(Content::Avro);
    }
    let whole = head.len() < HEAD;
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    if head.starts_with(b"PAR1") {
        return Ok(Content::Parquet);
    }
    if let Some(dialect) = matcher.headerless() {
        twice(head)?;
        if memchr(0, head).is_some() {
            return Err(FormatError::Unsupported(BINARY.into()));
        }
        return csv::numbered(head, whole, dialect, matcher).map(|_| Content::Delimited);
    }
    let starts = std::iter::once(0).chain(memchr_iter(b'\n', head).map(|at| at + 1));
    let first_byte =
        |at: usize| head[at..].iter().find(|byte| !byte.is_ascii_whitespace() || **byte == b'\n');
    let mut opens = starts.map(first_byte).map(|byte| byte == Some(&b'{'));
    let is_text = controls(head) * 4 <= head.len();
    if values::begin(head, whole) {
        return Ok(Content::JsonValues);
    }
    if head.trim_ascii_start().first().is_none_or(|&byte| byte == b'{') {
        return Ok(Content::JsonLines);
    }
    // Before looking for lines that begin with `{`: such a line may be inside a quoted cell.
    if csv::has_header(head, matcher) {
        return Ok(Content::Csv);
    }
    if is_text && opens.any(|opens| opens) {
        return Ok(Content::JsonLines);
    }
    twice(head)?;
    let what = if memchr(0, head).is_some() {
        BINARY
    } else {
        "text that is no JSON, and no CSV with a column that a rule names"
    };
    Err(FormatError::Unsupported(what.into()))
}

/// Refuses plain bytes that are compressed data again.
fn twice(head: &[u8]) -> Result<(), FormatError> {
    match codec(head)? {
        Codec::Plain => Ok(()),
        _ => Err(FormatError::Unsupported("data compressed twice".into())),
    }
}

/// Number of control characters that do not occur in text; NUL does not count.
fn controls(head: &[u8]) -> usize {
    head.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace() && **byte != 0).count()
}
