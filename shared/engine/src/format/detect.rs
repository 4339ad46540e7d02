//! Detects an object's format by its first bytes.

use memchr::{memchr, memchr2_iter};
use serde_json::Value;

use super::codec::HEAD;
use super::text::is_binary;
use super::{BYTE_ORDER_MARK, Codec, Content, FormatError, avro, csv, parquet, syntax, zlib};
use crate::matching::{Matcher, has_controls};

/// Formats that occur in archives but that the engine does not read. They are named so that the residual says what the
/// object is.
const REFUSED: &[(&[u8], &str)] = &[
    (b"PARE", parquet::ENCRYPTED),
    (b"ORC", "ORC: have the engine that wrote it delete the rows, or write it anew as Parquet or Avro"),
    (b"ARROW1", "Arrow"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"LZIP", "lzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4, legacy frames"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"070701", "cpio"),
    (b"070702", "cpio"),
    (b"070707", "cpio"),
    (b"\xc7\x71", "cpio"),
    (b"\x71\xc7", "cpio"),
    (b"!<arch>\n", "ar"),
    (b"WARC/", "WARC"),
    (b"%PDF-", "PDF"),
    (b"SEQ\x04", SEQUENCE),
    (b"SEQ\x05", SEQUENCE),
    (b"SEQ\x06", SEQUENCE),
    (b"RCF\x01", "Hive RCFile"),
    (b"\x1e{", "JSON text sequences (RFC 7464)"),
    (b"\x82SNAPPY\0", "Snappy as Java's SnappyOutputStream writes it"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\xff\xfe\0\0", UTF_32),
    (b"\0\0\xfe\xff", UTF_32),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
];

const SEQUENCE: &str = "Hadoop sequence file";
const UTF_16: &str = "UTF-16 text";
const UTF_32: &str = "UTF-32 text";
const TAR: &str = "tar: store its files as objects of their own";
const RAW: &str = "raw Snappy, which nothing marks: have it written framed, or by another codec";
const BULK: &str = "Elasticsearch's bulk format: a document that goes would leave its action to the next";
const HADOOP: &str = "Hadoop's block compression (Snappy, LZ4 or LZO)";
const BGZF: &str = "BGZF: gzip in blocks that an index counts";
const NO_JSON: &str = "text that is no JSON, and no CSV with a column that a rule names";
pub(super) const BINARY: &str = "binary data of an unknown format";

/// Detects the compression by the object's first bytes.
pub(super) fn codec(head: &[u8]) -> Result<Codec, FormatError> {
    match head {
        // The extra field of SAM/BAM's specification, 4.1.
        [0x1f, 0x8b, 8, 4, _, _, _, _, _, _, 6, 0, b'B', b'C', ..] => {
            Err(FormatError::Unsupported(BGZF.into()))
        }
        [0x1f, 0x8b, ..] => Ok(Codec::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Codec::Zstd),
        // A skippable frame may come first (RFC 8878, 3.1.2).
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Codec::Zstd),
        // A block, or the end of a stream without one.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y', ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Ok(Codec::Bzip2),
        // Text may begin so, too: Hive writes `x`, and \x01 behind it.
        [0x78, 0x01 | 0x5e, ..] if !is_text(head) || zlib::begins(head, head.len() < HEAD) => Ok(Codec::Zlib),
        [0x78, 0x9c | 0xda, ..] => Ok(Codec::Zlib),
        [0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Ok(Codec::Snappy),
        _ => Ok(Codec::Plain),
    }
}

/// Detects the content by the first plain bytes. They are JSON lines if one of the first lines begins with `{` or an array,
/// so that a broken first line does not hide the rest. An object of blank lines only counts as JSON lines too: it holds no
/// records. If the rules say that text has no header, all text is delimited text.
pub(super) fn content(head: &[u8], matcher: &Matcher) -> Result<Content, FormatError> {
    let refused = |name: &'static str| Err(FormatError::Unsupported(name.into()));
    let whole = head.len() < HEAD;
    if let Some(name) = foreign(head, whole) {
        return refused(name);
    }
    // Hive writes control characters between cells.
    if head.starts_with(avro::MAGIC) && !(matcher.headerless().is_some() && is_text(head)) {
        return Ok(Content::Avro);
    }
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    if head.starts_with(b"PAR1") && !(is_text(head) && memchr(b'\n', head).is_some()) {
        return Ok(Content::Parquet);
    }
    if is_bulk(head) {
        return refused(BULK);
    }
    if let Some(dialect) = matcher.headerless() {
        twice(head)?;
        if memchr(0, head).is_some() {
            return refused(BINARY);
        }
        return csv::numbered(head, whole, dialect, matcher).map(|_| Content::Delimited);
    }
    // Before looking for lines that begin values: such a line may be inside a quoted cell.
    let is_json =
        head.trim_ascii_start().first().is_none_or(|&byte| byte == b'{') || syntax::begin(head, whole);
    if !is_json && csv::has_header(head, matcher) {
        return Ok(Content::Csv);
    }
    let starts = std::iter::once(0).chain(memchr2_iter(b'\n', b'\r', head).map(|at| at + 1));
    if !is_json && !starts.map(|start| &head[start..]).any(|line| begins_value(line, whole)) {
        twice(head)?;
        let what = if memchr(0, head).is_some() || has_controls(head) { BINARY } else { NO_JSON };
        return refused(
            REFUSED.iter().find(|(magic, _)| head.starts_with(magic)).map_or(what, |(_, name)| name),
        );
    }
    if has_controls(head)
        && head.split_inclusive(|&byte| byte == b'\n').any(|line| has_controls(line) && is_binary(line))
    {
        return refused(BINARY);
    }
    Ok(if syntax::begin(head, whole) { Content::JsonValues } else { Content::JsonLines })
}

/// Whether a line begins a JSON value that may hold records.
fn begins_value(line: &[u8], whole: bool) -> bool {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match line.get(blanks) {
        Some(b'{') => true,
        Some(b'[') => syntax::is_array(&line[blanks..], whole),
        _ => false,
    }
}

/// The name of a format that the engine does not read.
fn foreign(head: &[u8], whole: bool) -> Option<&'static str> {
    // Digits may be a date, and letters a header such as `ORCID`.
    let is_one = |magic: &[u8]| {
        head.starts_with(magic)
            && match magic {
                [b'0', ..] => head.get(6..18).is_some_and(|more| more.iter().all(u8::is_ascii_hexdigit)),
                _ if magic.iter().all(u8::is_ascii_alphanumeric) => !is_text(head),
                _ => true,
            }
    };
    let known = REFUSED.iter().find(|(magic, _)| is_one(magic)).map(|(_, name)| *name);
    known
        .or_else(|| is_tar(head).then_some(TAR))
        .or_else(|| wide(head))
        .or_else(|| is_hadoop(head).then_some(HADOOP))
        .or_else(|| (whole && is_raw_snappy(head)).then_some(RAW))
}

/// Whether bytes are UTF-8 without NUL, but for a character that is cut off at their end.
fn is_text(bytes: &[u8]) -> bool {
    memchr(0, bytes).is_none()
        && str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Whether the first bytes are a tar's header: by its magic, or in the old format by its checksum.
fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.first_chunk::<512>() else { return false };
    let sum = str::from_utf8(&header[148..156]).unwrap_or_default().trim_matches(['\0', ' ']);
    let wanted = u32::from_str_radix(sum, 8).ok();
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = header[148..156].iter().map(|&byte| u32::from(byte)).sum();
    &header[257..262] == b"ustar" && header.contains(&0) || wanted == Some(sum - own + 8 * u32::from(b' '))
}

/// The name of an encoding with several bytes to a character, by the zeros in the first ones.
fn wide(head: &[u8]) -> Option<&'static str> {
    let zeros: Vec<bool> = head.iter().take(64).map(|&byte| byte == 0).collect();
    let fits = |size: usize, text: usize| {
        zeros.len() >= 2 * size
            && zeros
                .chunks_exact(size)
                .all(|unit| unit.iter().enumerate().all(|(at, &zero)| zero == (at != text)))
    };
    if fits(4, 0) || fits(4, 3) {
        return Some(UTF_32);
    }
    (fits(2, 0) || fits(2, 1)).then_some(UTF_16)
}

/// Whether the first bytes are the length of a block in plain bytes, and of its compressed bytes (big-endian).
fn is_hadoop(head: &[u8]) -> bool {
    let length = |at: usize| head[at..].first_chunk().map(|bytes| u64::from(u32::from_be_bytes(*bytes)));
    let lengths = (head.len() > 8).then(|| length(0).zip(length(4))).flatten();
    // LZ4 and Snappy grow what does not compress by less than a sixth.
    lengths.is_some_and(|(plain, packed)| {
        head[0] == 0 && head[4] == 0 && packed > 0 && packed <= plain + plain / 6 + 64
    })
}

/// Whether the first value is an action of a bulk request.
fn is_bulk(head: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(head).into_iter::<Value>();
    let Some(Ok(Value::Object(first))) = values.next() else { return false };
    first.len() == 1
        && ["index", "create", "update", "delete"]
            .iter()
            .filter_map(|action| first.get(*action)?.as_object())
            .any(|target| {
                target.keys().all(|key| key.starts_with('_') || key == "routing" || key == "pipeline")
            })
}

fn is_raw_snappy(object: &[u8]) -> bool {
    // Snappy packs at most 64 bytes into three.
    let plausible =
        snap::raw::decompress_len(object).is_ok_and(|plain| plain > 0 && plain <= 22 * object.len());
    plausible && snap::raw::Decoder::new().decompress_vec(object).is_ok()
}

/// Refuses plain bytes that are compressed data again.
fn twice(head: &[u8]) -> Result<(), FormatError> {
    match codec(head)? {
        Codec::Plain => Ok(()),
        _ => Err(FormatError::Unsupported("data compressed twice".into())),
    }
}
