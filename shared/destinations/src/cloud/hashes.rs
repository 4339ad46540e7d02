//! A long list of hashes in a reply, read as it comes: of each hash, eight bytes are kept.

use std::fmt;

/// Digits of a SHA-256 in hex.
const DIGITS: usize = 64;

/// SHA-256 hashes that a reply lists, by their first eight bytes. `Debug` shows their number.
#[derive(Clone, Default, PartialEq)]
pub struct Hashes(Vec<u64>);

impl Hashes {
    /// Whether a hash, in hex, is one of them.
    pub fn hold(&self, hash: &str) -> bool {
        beginning(hash.as_bytes()).is_some_and(|beginning| self.0.binary_search(&beginning).is_ok())
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hashes({})", self.0.len())
    }
}

/// The first eight bytes of a hash in hex; none, if the text is none.
fn beginning(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.len() == DIGITS)?;
    let is_hash = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hash.then(|| u64::from_str_radix(&digits[..16], 16).ok()).flatten()
}

/// Takes the hashes out of JSON that comes in parts. What is left is the same JSON without them.
#[derive(Default)]
pub struct HashReader {
    found: Vec<u64>,
    rest: Vec<u8>,
    /// The string that is being read, without its quotes.
    string: Option<Vec<u8>>,
    escaped: bool,
    /// Whether the last value was a hash, so that the comma after it goes, too.
    after_hash: bool,
}

impl HashReader {
    /// Reads the next part.
    pub fn read(&mut self, part: &[u8]) {
        for &byte in part {
            match (&mut self.string, byte) {
                (Some(string), b'"') if !self.escaped => {
                    self.after_hash = false;
                    match beginning(string) {
                        Some(beginning) => {
                            self.found.push(beginning);
                            self.after_hash = !self.takes_comma_before();
                        }
                        None => self.rest.extend([b"\"", &string[..], b"\""].concat()),
                    }
                    self.string = None;
                }
                (Some(string), _) => {
                    string.push(byte);
                    self.escaped = byte == b'\\' && !self.escaped;
                }
                (None, b'"') => self.string = Some(Vec::new()),
                (None, b',') if self.after_hash => self.after_hash = false,
                (None, _) => {
                    self.after_hash &= byte.is_ascii_whitespace();
                    self.rest.push(byte);
                }
            }
        }
    }

    /// Takes away the comma before a hash that goes, if there is one: of the two beside it, one stays.
    fn takes_comma_before(&mut self) -> bool {
        let text = self.rest.trim_ascii_end();
        let comma = text.ends_with(b",").then_some(text.len() - 1);
        comma.inspect(|at| self.rest.truncate(*at)).is_some()
    }

    /// Bytes that are kept of what was read, without the hashes.
    pub fn kept(&self) -> usize {
        self.rest.len() + self.string.as_ref().map_or(0, Vec::len)
    }

    /// The hashes, and the JSON without them.
    pub fn end(mut self) -> (Hashes, Vec<u8>) {
        self.found.sort_unstable();
        (Hashes(self.found), self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_taken_out_wherever_the_parts_end() {
        let hash = |digit: &str| digit.repeat(DIGITS);
        let json = format!(
            r#"{{"other": "a\"b", "hashes": ["{}" ,"{}","short", "{}"], "n": 1}}"#,
            hash("a"),
            hash("B"),
            hash("0")
        );
        for cut in 0..json.len() {
            let mut reader = HashReader::default();
            reader.read(&json.as_bytes()[..cut]);
            reader.read(&json.as_bytes()[cut..]);
            let (hashes, rest) = reader.end();
            assert!([hash("a"), hash("b"), hash("0")].iter().all(|hash| hashes.hold(hash)), "{cut}");
            assert!(!hashes.hold(&hash("c")) && !hashes.hold("short") && !hashes.hold(""), "{cut}");
            let rest: serde_json::Value = serde_json::from_slice(&rest).expect("JSON");
            assert_eq!(rest, serde_json::json!({ "other": "a\"b", "hashes": ["short"], "n": 1 }));
        }
    }

    #[test]
    fn a_list_of_nothing_else_is_left_empty() {
        let mut reader = HashReader::default();
        reader.read(format!(r#"{{"hashes": ["{0}","{0}" , "{0}"]}}"#, "f".repeat(DIGITS)).as_bytes());
        let (hashes, rest) = reader.end();
        let rest: serde_json::Value = serde_json::from_slice(&rest).expect("JSON");
        assert_eq!((rest, hashes.0.len()), (serde_json::json!({ "hashes": [] }), 3));
    }
}
