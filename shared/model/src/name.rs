//! Names that people give to destinations, sources and tokens. They stand in lists, exports and certificates.

use crate::failure::{Failure, Result};

/// The longest name, in bytes.
const MAX_NAME: usize = 100;

/// Checks a name: 1 to 100 bytes of one line that reads as it is stored.
///
/// # Errors
/// `Invalid` for the field `name`.
pub fn check(name: &str) -> Result<()> {
    let wrong = |message: &str| Err(Failure::invalid(message).field("name"));
    if name.trim().is_empty() || name.len() > MAX_NAME {
        return wrong("name must have 1 to 100 characters");
    }
    if !reads_as_stored(name) {
        return wrong(
            "name must not have control characters, line breaks or characters that change the writing direction",
        );
    }
    Ok(())
}

/// Whether a text reads as it is stored: one line without control characters or characters that change the writing
/// direction.
pub(crate) fn reads_as_stored(text: &str) -> bool {
    !text.chars().any(|letter| letter.is_control() || rearranges(letter))
}

/// Whether a character breaks the line or changes the direction of the text around it: see
/// <https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing>.
fn rearranges(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_is_stored() {
        for good in ["Braze", "=1+1", "Čeština – ქართული – عربي", &"x".repeat(100)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "a\nb",
            "a\u{1b}[31m",
            "a\0",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{2028}b",
            &"x".repeat(101),
        ] {
            assert_eq!(check(bad).map_err(|failure| failure.field), Err(Some("name")), "{bad:?}");
        }
    }
}
