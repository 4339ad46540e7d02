//! The reason that somebody gives for a change. It is kept where no identifier may be, so it must not name a person.

use crate::subject::Subject;

/// An identifier of this many bytes is found within a word, too.
const LONG: usize = 6;

/// The fewest digits of a telephone number, after a `+` and without one.
const PHONE: (usize, usize) = (7, 8);

/// Why a reason is refused, worded to follow its name; none, if it is valid. Never repeats it.
pub fn fault(reason: &str, subjects: &[Subject]) -> Option<&'static str> {
    let lower = reason.to_lowercase();
    if subjects.iter().any(|subject| names(&lower, &subject.id.to_lowercase())) {
        return Some("names one of the subjects: it must name nobody");
    }
    if reason.split_whitespace().any(is_address) {
        return Some("holds what looks like an email address: it must name nobody");
    }
    has_phone(reason).then_some("holds what looks like a telephone number: it must name nobody")
}

/// Whether a text holds an identifier: a short one as a word of its own.
fn names(text: &str, id: &str) -> bool {
    let id = id.trim();
    !id.is_empty()
        && text.match_indices(id).any(|(at, _)| {
            let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            id.len() >= LONG
                || !is_part(text[..at].chars().next_back()) && !is_part(text[at + id.len()..].chars().next())
        })
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| {
        name.ends_with(char::is_alphanumeric) && host.starts_with(char::is_alphanumeric)
    })
}

/// Whether a text holds a run of digits as long as a telephone number's, however they are set apart. Days, and numbers that
/// follow a letter or `#`, as a ticket's do, are none.
fn has_phone(text: &str) -> bool {
    let words = text.split_whitespace().map(|word| if is_day(word) { "/day/" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    let (mut digits, mut plus, mut before) = (0, false, ' ');
    let mut counts = true;
    for c in text.chars() {
        match c {
            '0'..='9' => {
                // What begins behind a letter is a number of something else.
                counts &= digits > 0 || !(before.is_alphabetic() || before == '#');
                digits += 1;
                if counts && digits >= if plus { PHONE.0 } else { PHONE.1 } {
                    return true;
                }
            }
            '+' => (digits, plus, counts) = (0, true, true),
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' if digits > 0 => {}
            '(' => {}
            _ => (digits, plus, counts) = (0, false, true),
        }
        before = c;
    }
    false
}

/// Whether a word is a day: three numbers with one sign between them, one of them a year.
fn is_day(word: &str) -> bool {
    let word = word.trim_matches(|c: char| matches!(c, ',' | ';' | '(' | ')')).trim_end_matches('.');
    ['-', '.', '/'].iter().any(|sign| {
        let parts: Vec<_> = word.split(*sign).collect();
        let is_number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3
            && parts.iter().all(is_number)
            && matches!(
                [parts[0].len(), parts[1].len(), parts[2].len()],
                [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4]
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_nobody() {
        let subjects = [Subject::user("u7"), Subject::user("customer-4711")];
        for reason in [
            "asked by phone",
            "asked on 2026-11-29, again on 30.11.2026",
            "ticket 12345, INC0012345678, #123456789",
            "the u77 form",
            "see 2026-11-29 12:30",
            "by @support",
            "",
        ] {
            assert_eq!(fault(reason, &subjects), None, "{reason}");
        }
        for (reason, says) in [
            ("U7 asked", "one of the subjects"),
            ("(u7)", "one of the subjects"),
            ("case of xCUSTOMER-4711x", "one of the subjects"),
            ("ada@example.com asked", "an email address"),
            ("from <ada@example>", "an email address"),
            ("call +44 20 7946 0000", "a telephone number"),
            ("call (020) 7946-0000", "a telephone number"),
            ("call 9123 4567 on 2026-11-29", "a telephone number"),
        ] {
            assert!(fault(reason, &subjects).is_some_and(|fault| fault.contains(says)), "{reason}");
        }
    }
}
