//! JSON's syntax around records: where values begin and end, and what separates them.

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::text::line_end;
use super::{BYTE_ORDER_MARK, FormatError};

pub(super) const BROKEN_ARRAY: FormatError = FormatError::Corrupt("a JSON array that breaks off");

/// What follows a record at the top level.
pub(super) struct Behind {
    /// Length of the blanks and the comma that go with the record.
    pub(super) length: usize,
    /// Length of the line end after these.
    pub(super) line_end: usize,
    /// Whether that is a line feed.
    pub(super) feed: bool,
    pub(super) has_comma: bool,
    /// Whether something follows on the same line that begins no value.
    pub(super) is_text: bool,
}

impl Behind {
    /// `None`: more bytes are needed.
    pub(super) fn of(bytes: &[u8], last: bool) -> Option<Self> {
        let spaces =
            |from: usize| from + bytes[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let mut length = spaces(0);
        let has_comma = bytes.get(length) == Some(&b',');
        if has_comma {
            length = spaces(length + 1);
        }
        let rest = &bytes[length..];
        let behind = Self { length, line_end: 0, feed: false, has_comma, is_text: false };
        match rest.first() {
            None => last.then_some(behind),
            Some(b'\n' | b'\r') => {
                let end = line_end(rest, last)?;
                Some(Self { line_end: end.len(), feed: rest[end].ends_with(b"\n"), ..behind })
            }
            Some(_) if has_comma => Some(behind),
            // Columns, of which nobody knows which are one row's.
            Some(_) if bytes[..length].contains(&b'\t') => Some(Self { is_text: true, ..behind }),
            Some(b'{' | b'[') => Some(Self { length: 0, ..behind }),
            Some(_) if rest.starts_with(BYTE_ORDER_MARK) => Some(Self { length: 0, ..behind }),
            Some(_) if begins_mark(rest) && !last => None,
            Some(_) => Some(Self { is_text: true, ..behind }),
        }
    }
}

/// What the bytes begin with.
pub(super) enum Value {
    /// A value of this length in bytes.
    Whole(usize),
    /// An incomplete value.
    Partial,
    /// No value.
    Broken,
}

pub(super) fn value(bytes: &[u8]) -> Value {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Value::Whole(values.byte_offset()),
        Some(Err(error)) if !error.is_eof() => Value::Broken,
        Some(Err(_)) | None => Value::Partial,
    }
}

/// Whether the first bytes of an object begin such values rather than lines. `whole`: they are the entire object.
pub(super) fn begin(head: &[u8], whole: bool) -> bool {
    let head = head.trim_ascii_start();
    match head.first() {
        Some(b'[') => is_array(head, whole),
        Some(b'{') => match value(head) {
            Value::Whole(end) => {
                let behind = head[end..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                memchr2(b'\n', b'\r', &head[..end]).is_some() || matches!(behind, Some(b'{' | b'[' | b','))
            }
            // Longer than `head`, and over several lines.
            Value::Partial => !whole && spans_lines(head),
            Value::Broken => false,
        },
        _ => false,
    }
}

/// Whether a bracket begins an array, and not just text in brackets. `None`: more bytes are needed.
pub(super) fn begins_array(bytes: &[u8], last: bool) -> Result<Option<bool>, FormatError> {
    let first = 1 + blanks(&bytes[1..]);
    let wait = if last { Err(BROKEN_ARRAY) } else { Ok(None) };
    if !matches!(bytes.get(first), Some(b'{' | b'[')) {
        // Text may begin so, unless it is an array to its end.
        return match value(bytes) {
            Value::Whole(length) => Ok(Behind::of(&bytes[length..], last).map(|behind| !behind.is_text)),
            Value::Partial => wait,
            Value::Broken => Ok(Some(false)),
        };
    }
    match value(&bytes[first..]) {
        Value::Whole(length) => match bytes.get(first + length + blanks(&bytes[first + length..])) {
            Some(b',' | b']') => Ok(Some(true)),
            Some(_) => Err(BROKEN_ARRAY),
            None => wait,
        },
        Value::Partial => wait,
        Value::Broken => Ok(Some(false)),
    }
}

/// Whether the first bytes of an object are an array, be it a broken one.
pub(super) fn is_array(head: &[u8], whole: bool) -> bool {
    !matches!(begins_array(head, whole), Ok(Some(false)))
}

/// Whether more than blanks follows the first line.
pub(super) fn spans_lines(bytes: &[u8]) -> bool {
    memchr2(b'\n', b'\r', bytes).is_some_and(|end| !bytes[end..].trim_ascii().is_empty())
}

/// Length of the leading white space.
pub(super) fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// Length of the leading white space and byte order marks.
pub(super) fn blanks_and_marks(bytes: &[u8]) -> usize {
    let mut at = blanks(bytes);
    while bytes[at..].starts_with(BYTE_ORDER_MARK) {
        at += BYTE_ORDER_MARK.len();
        at += blanks(&bytes[at..]);
    }
    at
}

/// Whether bytes may be the beginning of a byte order mark.
pub(super) fn begins_mark(bytes: &[u8]) -> bool {
    bytes.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(bytes)
}
