//! Tells text that is no JSON value from binary data, and from parts of a broken value.

use std::ops::Range;

use memchr::memchr2;

use super::BYTE_ORDER_MARK;
use super::syntax::{Value, value};
use crate::matching::has_controls;

/// Whether bytes that are no JSON value are no text either. What is in the strings of a JSON object, or of one that is cut
/// off, may be anything: it does no harm to the records around it.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    if !has_controls(bytes) && simdutf8::basic::from_utf8(bytes).is_ok() {
        return false;
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii();
    let tame = |&byte: &u8| if byte < b' ' && byte != b'\t' || byte >= 128 { b'?' } else { byte };
    let tame: Vec<u8> = bytes.iter().map(tame).collect();
    let fits = match value(&tame) {
        Value::Whole(length) => length == tame.len(),
        Value::Partial => true,
        Value::Broken => false,
    };
    !(tame.starts_with(b"{") && fits)
}

/// How many brackets a line closes that others opened, and how many it leaves open. A string ends with the line.
pub(super) fn brackets(line: &[u8]) -> (usize, usize) {
    let (mut closed, mut open, mut in_string, mut escaped) = (0, 0, false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => open += 1,
            b'}' | b']' if !in_string && open > 0 => open -= 1,
            b'}' | b']' if !in_string => closed += 1,
            _ => {}
        }
    }
    (closed, open)
}

/// The first line end in these bytes: a line feed with the carriage returns before it, or a bare carriage return. `None`,
/// if there is none, or if more bytes must tell which it is.
pub(super) fn line_end(bytes: &[u8], last: bool) -> Option<Range<usize>> {
    let start = memchr2(b'\n', b'\r', bytes)?;
    let returns = bytes[start..].iter().take_while(|&&byte| byte == b'\r').count();
    match bytes.get(start + returns) {
        Some(b'\n') => Some(start..start + returns + 1),
        None if !last => None,
        _ => Some(start..start + 1),
    }
}
