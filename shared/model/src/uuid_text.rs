//! UUIDs as identifiers. A UUID may be written in many ways, and all of them are the same person's: Apple's devices write
//! capitals, .NET braces, and some databases no hyphens.

use std::borrow::Cow;

use uuid::Uuid;

/// The UUID that a text is: with or without hyphens, in braces or as a URN, in letters of any case.
#[inline]
pub fn parse(text: &[u8]) -> Option<Uuid> {
    let bare = match text {
        [b'{', bare @ .., b'}'] => bare,
        _ => match text.split_at_checked(9) {
            Some((scheme, uuid)) if scheme.eq_ignore_ascii_case(b"urn:uuid:") => uuid,
            _ => text,
        },
    };
    if matches!(bare.len(), 32 | 36) { Uuid::try_parse_ascii(bare).ok() } else { None }
}

/// An identifier as it is compared: a UUID in lower case with hyphens and without white space around it, all else as it is.
pub fn canonical(id: &str) -> Cow<'_, str> {
    match parse(id.trim().as_bytes()) {
        Some(uuid) if *uuid.hyphenated().encode_lower(&mut [0; 36]) != *id => uuid.to_string().into(),
        _ => id.into(),
    }
}

/// How else events usually write an identifier that is a UUID: in lower case, and in upper case as Apple's devices do.
pub fn spellings(id: &str) -> impl Iterator<Item = String> {
    let uuid = parse(id.trim().as_bytes()).into_iter();
    uuid.flat_map(|uuid| [format!("{uuid:x}"), format!("{uuid:X}")]).filter(move |text| text != id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

    #[test]
    fn a_uuid_is_one_in_every_spelling() {
        let written = [
            UUID.to_owned(),
            UUID.to_uppercase(),
            UUID.replace('-', ""),
            format!("{{{UUID}}}"),
            format!("URN:uuid:{UUID}"),
            format!(" {UUID}\n"),
        ];
        for text in written {
            assert_eq!(canonical(&text), UUID, "{text}");
            let others: Vec<_> = spellings(&text).collect();
            assert!(!others.is_empty() && !others.contains(&text), "{others:?}");
            assert!(others.iter().all(|other| canonical(other) == UUID));
        }
    }

    #[test]
    fn what_is_no_uuid_stays_as_it_is() {
        for id in
            ["", " u7 ", "Ada@Example.com", "a0eebc99", &UUID.replace('a', "g"), &UUID[1..], &"{}".repeat(18)]
        {
            assert_eq!(canonical(id), id);
            assert_eq!(spellings(id).count(), 0);
        }
    }
}
