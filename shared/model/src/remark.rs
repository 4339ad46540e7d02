//! What somebody writes about a regulation or a change: it stays for years, which identifiers never do. So a text that names a
//! person by an identifier is refused.

use unicode_normalization::UnicodeNormalization;

use crate::failure::{Failure, Result};
use crate::name::reads_as_stored;
use crate::subject::{Named, Subject};

/// The most characters of a text.
pub const MAX_TEXT: usize = 200;

/// How many characters an identifier has that may not even be part of a word. Shorter ones are in many words.
const TELLING: usize = 4;

/// A text without white space around it; none, if it is empty.
///
/// # Errors
/// `Invalid`, naming the field and never what it holds, if the text is too long, is not one plain line, holds one of these
/// identifiers, or looks like an email address or a telephone number.
pub fn check(field: &'static str, text: &str, named: &[Named]) -> Result<Option<String>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let refuse = |fault: &str| Err(Failure::invalid(format!("{field} {fault}")).field(field));
    if text.chars().count() > MAX_TEXT {
        return refuse("must have at most 200 characters");
    }
    if !reads_as_stored(text) {
        return refuse(
            "must not have control characters, line breaks or characters that change the writing direction",
        );
    }
    match fault(text, named.iter().map(|one| &one.subject)) {
        Some(fault) => refuse(fault),
        None => Ok(Some(text.to_owned())),
    }
}

/// Why a text may not be kept, worded to follow its field's name: it holds an identifier of these subjects, or looks like an
/// email address or a telephone number. Never repeats it.
pub fn fault<'a>(text: &str, subjects: impl IntoIterator<Item = &'a Subject>) -> Option<&'static str> {
    let folded = fold(text);
    if subjects.into_iter().any(|subject| holds(&folded, &fold(&subject.id))) {
        return Some("names somebody whom it is about: it is kept for years, identifiers are not");
    }
    if has_address(&folded) {
        return Some("looks like an email address: it is kept for years, identifiers are not");
    }
    has_number(&folded).then_some("looks like a telephone number: it is kept for years, identifiers are not")
}

/// A text in the one form of all that differ in case, in how Unicode writes a letter, or in white space around it. Accents are
/// signs of their own in it.
fn fold(text: &str) -> String {
    text.trim().nfkd().flat_map(char::to_lowercase).nfkd().collect()
}

/// Whether a text holds an identifier: anywhere, or if it is short, as a word.
fn holds(text: &str, id: &str) -> bool {
    if id.is_empty() {
        return false;
    }
    let is_long = id.chars().count() >= TELLING;
    let ends = |side: Option<char>| is_long || !side.is_some_and(char::is_alphanumeric);
    text.match_indices(id)
        .any(|(at, _)| ends(text[..at].chars().next_back()) && ends(text[at + id.len()..].chars().next()))
}

/// Whether something stands on both sides of an `@`.
fn has_address(text: &str) -> bool {
    let beside = |letter: Option<char>| letter.is_some_and(|letter| !letter.is_whitespace());
    text.match_indices('@')
        .any(|(at, _)| beside(text[..at].chars().next_back()) && beside(text[at + 1..].chars().next()))
}

/// What is written between a telephone number's digits.
fn separates(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}')
}

/// Whether a text holds what has the form of a telephone number: international, with the 0 of national calls, in groups between
/// spaces, or as North America writes it. Days and the numbers of tickets mostly have none of these.
fn has_number(text: &str) -> bool {
    let digits_of = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let is_international = |(at, _)| {
        let behind = &text[at + 1..];
        let end = behind.find(|c: char| !c.is_ascii_digit() && !separates(c)).unwrap_or(behind.len());
        digits_of(&behind[..end]) >= FEWEST
    };
    if text.match_indices('+').any(is_international) {
        return true;
    }
    let words: Vec<&str> =
        text.split_whitespace().map(|word| if is_day(word) { "|" } else { word }).collect();
    let text = words.join(" ");
    let mut rest = text.as_str();
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        let run = &rest[begin..];
        let end = run.find(|c: char| !c.is_ascii_digit() && !separates(c)).unwrap_or(run.len());
        // Behind or before a letter it is a part of a ticket's name.
        let before = rest[..begin].chars().next_back();
        let after = run[end..].chars().next().filter(|_| run[..end].ends_with(|c: char| c.is_ascii_digit()));
        let joined = [before, after].into_iter().flatten().any(char::is_alphanumeric);
        if !joined && is_number(&run[..end]) {
            return true;
        }
        rest = &run[end..];
    }
    false
}

/// The fewest digits of a telephone number with its country code.
const FEWEST: usize = 7;

/// Whether a run of digits and separators is a telephone number.
fn is_number(run: &str) -> bool {
    let lengths: Vec<usize> =
        run.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|length| *length > 0).collect();
    let digits: String = run.chars().filter(char::is_ascii_digit).collect();
    let many = digits.len();
    let is_called = |rest: Option<&str>| rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('0'));
    let abroad = is_called(digits.strip_prefix("00")) && (9..=17).contains(&many);
    let at_home = is_called(digits.strip_prefix('0')) && (9..=13).contains(&many);
    let spaced = run.chars().all(|c| c.is_ascii_digit() || c == ' ');
    let grouped = spaced && lengths.len() > 2 && (9..=15).contains(&many) && lengths.iter().all(|n| *n <= 4);
    let in_america = match lengths.as_slice() {
        [3, 3, 4] | [1, 3, 3, 4] => true,
        [10] => !digits.starts_with(['0', '1']),
        [11] => digits.starts_with('1'),
        _ => false,
    };
    abroad || at_home || grouped || in_america
}

/// Whether a word is a day, as in `29.11.2026` or `2026-11-29`.
fn is_day(word: &str) -> bool {
    let word = word.trim_matches(['(', ')', ',', ';', ':', '.']);
    let parts: Vec<&str> = word.split(['.', '-', '/']).collect();
    let digits = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    digits && matches!(lengths.as_slice(), [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 2 | 4])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str, ids: &[&str]) -> Option<String> {
        let named: Vec<Named> = ids.iter().map(|id| Subject::user(*id).into()).collect();
        check("file.reference", text, &named).err().map(|failure| {
            assert_eq!(failure.field, Some("file.reference"));
            failure.public
        })
    }

    #[test]
    fn what_names_nobody_is_kept() {
        for text in [
            "Ticket 4711",
            "INC0012345678",
            "CASE-2026-000123",
            "Case 00001234",
            "REQ-2026-110001",
            "passport seen 01.12.2026 14:30, and again 2026-12-03",
            "Art. 17(1)(a) GDPR",
            "Cal. Civ. Code § 1798.105",
            "counsel @ the court",
            "§ 35 BDSG, 12 345",
            "by letter of 3/4/2026; 20 pages",
            "c56a4180-65aa-42ec-a945-5fd21dec0538",
        ] {
            assert_eq!(refused(text, &["u7", "ada-lovelace"]), None, "{text}");
        }
        assert_eq!(check("file.channel", "  by post ", &[]).expect("good").as_deref(), Some("by post"));
        assert_eq!(check("file.channel", " ", &[]).expect("good"), None);
    }

    #[test]
    fn what_names_a_person_is_refused_and_not_repeated() {
        for (text, id, said) in [
            ("about ADA-LOVELACE2", "ada-lovelace", "names somebody"),
            ("Jose\u{301} wrote", "JOS\u{c9}", "names somebody"),
            ("\u{ff41}\u{ff44}\u{ff41}1 wrote", "ADA1", "names somebody"),
            ("for U7.", "u7", "names somebody"),
            ("7", "7", "names somebody"),
            ("ada@example.com", "u7", "an email address"),
            ("write to <Ada@Example>", "u7", "an email address"),
            ("call +49 (30) 1234-56", "u7", "a telephone number"),
            ("tel.+4930123456", "u7", "a telephone number"),
            ("0049 30 123456", "u7", "a telephone number"),
            ("030/1234567", "u7", "a telephone number"),
            ("01.12.2026 06 12 34 56 78", "u7", "a telephone number"),
            ("612 345 678", "u7", "a telephone number"),
            ("(415) 555-0123", "u7", "a telephone number"),
            ("4155550123", "u7", "a telephone number"),
            ("1-415-555-0123", "u7", "a telephone number"),
            ("two\nlines", "u7", "must not have"),
            ("a\u{202e}b", "u7", "must not have"),
            (&"x".repeat(201), "u7", "at most 200"),
        ] {
            let fault = refused(text, &[id]).expect(text);
            assert!(fault.starts_with("file.reference ") && fault.contains(said), "{text}: {fault}");
            assert!(!fault.contains(text.trim()) || text == "7", "{fault}");
        }
        assert_eq!(refused("u77 and 17 of 7th", &["u7", "7"]), None, "short ones are in many words");
    }

    proptest! {
        /// Wherever an identifier stands, and in whatever case, its text is refused; nothing panics.
        #[test]
        fn no_text_with_an_identifier_is_kept(before in "\\PC{0,20}", id in "[a-z0-9._-]{4,20}", after in "\\PC{0,20}") {
            let text = format!("{before}{}{after}", id.to_uppercase());
            prop_assert!(check("reason", &text, &[Subject::user(id).into()]).is_err());
            let _ = check("reason", &before, &[Subject::user(after).into()]);
        }

        /// A number in international form is refused, however it is grouped.
        #[test]
        fn no_international_number_is_kept(number in "\\+[1-9]([ /.-]?[0-9]){7,13}", before in "[a-z ]{0,9}") {
            let text = format!("{before}{number}");
            prop_assert!(check("reason", &text, &[]).is_err());
        }
    }
}
