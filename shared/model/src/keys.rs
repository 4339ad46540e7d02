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

    /// The patterns.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
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

/// Whether a pattern matches some key that begins with `prefix`.
pub fn fits_below(pattern: &str, prefix: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // Whether the characters so far lead to each place in the pattern, a star standing for none yet.
    let mut places = vec![false; pattern.len() + 1];
    places[0] = true;
    pass_stars(&pattern, &mut places);
    for char in prefix.chars() {
        let mut next = vec![false; places.len()];
        for (at, wanted) in pattern.iter().enumerate().filter(|(at, _)| places[*at]) {
            next[at] |= *wanted == '*';
            next[at + 1] |= *wanted == '?' || *wanted == char;
        }
        places = next;
        pass_stars(&pattern, &mut places);
    }
    places.contains(&true)
}

fn pass_stars(pattern: &[char], places: &mut [bool]) {
    for (at, _) in pattern.iter().enumerate().filter(|(_, wanted)| **wanted == '*') {
        places[at + 1] |= places[at];
    }
}

/// Whether a pattern matches all keys that begin with `prefix` and fit another pattern, if there is one, but for short
/// ones: it matches even one in which what the wildcards stand for occurs in no pattern.
pub fn covers(pattern: &str, prefix: &str, other: Option<&str>) -> bool {
    const STRANGE: char = '\u{fffff}';
    let any: String = std::iter::repeat_n(STRANGE, pattern.len()).collect();
    let key = match other {
        None => format!("{prefix}{any}"),
        Some(other) => other.replace('*', &any).replace('?', &STRANGE.to_string()),
    };
    fits(pattern, &key)
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

    #[test]
    fn a_pattern_reaches_below_a_prefix_if_some_key_there_fits() {
        for (pattern, prefix, wanted) in [
            ("a/b.orc", "a/", true),
            ("a/b.orc", "", true),
            ("a/b.orc", "b/", false),
            ("a/b.orc", "a/b.orc/", false),
            ("*.orc", "a/", true),
            ("a*", "ab/", true),
            ("?/c*", "a/b", false),
            ("?/*", "a/b", true),
            ("a/?", "a/bc", false),
        ] {
            assert_eq!(fits_below(pattern, prefix), wanted, "{pattern} {prefix}");
        }
    }

    #[test]
    fn a_pattern_covers_a_prefix_if_it_says_nothing_of_what_is_behind() {
        for (pattern, prefix, other, wanted) in [
            ("*", "", None, true),
            ("**?*", "", None, true),
            ("*", "a/b", None, true),
            ("a/*", "a/", None, true),
            ("*/*", "a/", None, true),
            ("a/?*", "a/b/", None, true),
            ("*/*", "", None, false),
            ("*.orc", "a/", None, false),
            ("a/b*", "a/", None, false),
            ("a/????", "a/", None, false),
            ("*.orc", "a/", Some("*.orc"), true),
            ("*c", "a/", Some("a/?.orc"), true),
            ("b*", "", Some("*.orc"), false),
        ] {
            assert_eq!(covers(pattern, prefix, other), wanted, "{pattern} {prefix} {other:?}");
        }
    }
}
