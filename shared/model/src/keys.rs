//! Patterns of an archive's keys.

use serde::Deserialize;

/// The most patterns of a list.
const MAX_PATTERNS: usize = 64;
/// The longest key that S3 takes, in bytes, and the longest pattern.
pub const MAX_LENGTH: usize = 1024;

/// Patterns of whole keys: `*` stands for any characters, `/` too, and `?` for one, as in `aws s3 sync --exclude`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any pattern matches a key.
    pub fn fit(&self, key: &str) -> bool {
        self.0.iter().any(|pattern| fits(pattern, key))
    }
}

impl TryFrom<Vec<String>> for Patterns {
    type Error = &'static str;

    fn try_from(patterns: Vec<String>) -> Result<Self, Self::Error> {
        if patterns.len() > MAX_PATTERNS {
            return Err("include and exclude take at most 64 patterns each");
        }
        if patterns.iter().any(|pattern| pattern.is_empty() || pattern.len() > MAX_LENGTH) {
            return Err("include and exclude take patterns of 1 to 1024 bytes");
        }
        Ok(Self(patterns))
    }
}

/// Whether a pattern matches a whole key. A star takes as little as it can, and more when what follows does not match: only the
/// last star is ever tried again.
pub fn fits(pattern: &str, key: &str) -> bool {
    let (mut pattern, mut key) = (pattern.chars(), key.chars());
    let mut star = None;
    loop {
        let here = key.clone();
        match (pattern.next(), key.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((pattern.clone(), here.clone()));
                key = here;
            }
            (Some(wanted), Some(char)) if wanted == '?' || wanted == char => {}
            _ => {
                let Some((behind, from)) = &mut star else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, key) = (behind.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for (pattern, key, wanted) in [
            ("a/b.gz", "a/b.gz", true),
            ("a/b.gz", "a/b.gz2", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("*.crc", "a/b/.part-0.crc", true),
            ("*.crc", "a.crc/b", false),
            ("*/_SUCCESS", "day=1/_SUCCESS", true),
            ("*/_SUCCESS", "_SUCCESS", false),
            ("a/*/b*c", "a/x/y/bbcac", true),
            ("a/*/b*c", "a/x/y/bbcab", false),
            ("?.json", "ü.json", true),
            ("?.json", ".json", false),
            ("**a", "ba", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, key), wanted, "{pattern} {key}");
        }
        // In time proportional to the product of both lengths, not exponential.
        assert!(!fits(&"*a".repeat(500), &format!("{}b", "a".repeat(1023))));
    }
}
