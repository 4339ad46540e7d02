mod people;

use std::io::Write;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;

use super::entry::{Entry, Named};
use super::file::File;
use super::ledger::{Closed, Ledger};
use super::message::{Message, Subjects};
use super::{Account, MAX_BATCH};
use crate::failure::{Failure, FailureKind};
use crate::subject::Subject;

/// What the lines of a file are, when it arrives in pieces of this many bytes.
fn read_in(bytes: &[u8], column: Option<&str>, piece: usize) -> Result<Vec<(u64, Entry)>, Failure> {
    let (mut file, mut entries) = (File::new(Named::ByUserId(column.map(str::to_owned))), Vec::new());
    let mut sink = |line, entry| {
        entries.push((line, entry));
        Ok(())
    };
    for piece in bytes.chunks(piece.max(1)) {
        file.push(piece, &mut sink)?;
    }
    file.finish(&mut sink)?;
    Ok(entries)
}

fn read(text: &str) -> Vec<(u64, Entry)> {
    read_in(text.as_bytes(), None, 7).expect("a file that can be read")
}

fn refusal(text: &str, column: Option<&str>) -> String {
    let failure = read_in(text.as_bytes(), column, 7).expect_err("a file that cannot be read");
    assert_eq!(failure.kind, FailureKind::Invalid);
    failure.public
}

fn id(line: u64, id: &str) -> (u64, Entry) {
    (line, Entry::Person(vec![Subject::user(id)]))
}

fn refused(entries: &[(u64, Entry)]) -> Vec<(u64, &str)> {
    let refused = entries.iter().filter_map(|(line, entry)| match entry {
        Entry::Refused(reason) => Some((*line, reason.as_ref())),
        _ => None,
    });
    refused.collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn one_column_needs_no_header() {
    assert_eq!(read("u1\nu 2\r\n\n\"u,3\"\n"), [id(1, "u1"), id(2, "u 2"), (3, Entry::Blank), id(4, "u,3")]);
    assert_eq!(read("u1"), [id(1, "u1")]);
    assert_eq!(read(""), []);
}

#[test]
fn a_header_is_told_by_a_usual_name_whatever_stands_between_the_cells() {
    for text in [
        "\u{feff}name,User ID\nAda,u1\n",
        "name;user_id\r\nAda;u1\r\n",
        "id\tuserId\n0\tu1\n",
        "\"userId\"|\"a|b\"\nu1|x\n",
    ] {
        assert_eq!(read(text), [(1, Entry::Header), id(2, "u1")], "{text}");
    }
    let named = read_in(b"mail,userId\nu1,x\n", Some("mail"), 100).expect("readable");
    assert_eq!(named, [(1, Entry::Header), id(2, "u1")]);
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_as_a_whole() {
    assert!(refusal("name,mail\nAda,u1\n", None).contains("name the column"));
    assert!(refusal("userId,user_id\na,b\n", None).contains("two columns"));
    assert!(refusal("userId\nu1\n", Some("mail")).contains("names no column"));
    assert!(refusal("\"u1\nu2\n", None).contains("not closed"));
    assert!(refusal("PAR1\0\0\n", None).contains("neither CSV nor JSON"));
    assert!(refusal(&"x".repeat(70_000), None).contains("first line"));
}

#[test]
fn a_bad_row_takes_none_of_its_neighbours_with_it() {
    let entries = read("name,userId\nAda,u1\nBob\n,\nEve,x,u9\n\"a\nb\",u2\n\"Zoe\nMay,u3\nTom,u4\n");
    let good: Vec<_> = entries.iter().filter(|(_, e)| matches!(e, Entry::Person(_))).cloned().collect();
    assert_eq!(good, [id(2, "u1"), id(6, "u2"), id(9, "u3"), id(10, "u4")]);
    let expected = [
        (3, "has another number of cells than the first line: 1, not 2"),
        (4, "is empty"),
        (5, "has another number of cells than the first line: 3, not 2"),
        (8, "opens a quote that is not closed"),
    ];
    assert_eq!(refused(&entries), expected);
}

#[test]
fn json_lines_are_objects() {
    let text = concat!(
        r#"{"userId": "u1"}"#,
        "\r\n",
        r#"{"traits": {"userId": "x"}, "user_id": 123}"#,
        "\n  \n",
        r#"{"userId": "u2", "id": "x"}"#,
        "\n",
        r#"{"userId": ["u3"]}"#,
        "\nu4\n",
        r#"{"email": "u5"}"#,
        "\n",
        r#"{"userId": 1.5}"#,
        "\n",
        r#"{"userId": " "}"#,
    );
    let entries = read(text);
    assert_eq!(entries[..4], [id(1, "u1"), id(2, "123"), (3, Entry::Blank), id(4, "u2")]);
    assert_eq!(refused(&entries).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    let named = read_in(br#"{"userId": "x", "mail": "u1"}"#, Some("mail"), 100).expect("readable");
    assert_eq!(named, [id(1, "u1")]);
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let long = "x".repeat(70_000);
    let entries = read_in(format!("u1\n{long}\nu2\n").as_bytes(), None, 1_000).expect("readable");
    assert_eq!(entries[0], id(1, "u1"));
    assert_eq!(refused(&entries), [(2, "has more than 65536 bytes")]);
    assert_eq!(entries[2], id(3, "u2"));
    let almost = "x".repeat(2_000);
    let entries = read(&format!("u1\n{almost}\n"));
    assert_eq!(refused(&entries), [(2, "has 2000 bytes; at most 1024")]);
}

#[test]
fn gzip_is_unpacked_in_one_member_or_many_and_a_torn_one_is_refused() {
    let whole = gzip(b"u1\nu2\n");
    assert_eq!(read_in(&whole, None, 1).expect("readable"), [id(1, "u1"), id(2, "u2")]);
    let two = [whole.clone(), gzip(b"u3\n")].concat();
    assert_eq!(read_in(&two, None, 3).expect("readable").len(), 3);
    let failure = read_in(&whole[..whole.len() - 9], None, 5).expect_err("torn");
    assert!(failure.public.contains("not sound"), "{failure}");
}

#[test]
fn no_reason_repeats_what_stands_there() {
    let secret = "ada@example.com";
    for text in [
        format!("userId\n{secret},1\n\"{secret}\n"),
        format!("{{\"{secret}\": 1}}\n{{\"userId\": {{\"{secret}\": 1}}}}\n{secret}\n"),
        format!("userId\n{secret}{}\n", "x".repeat(2_000)),
    ] {
        let entries = read(&text);
        assert!(!refused(&entries).is_empty());
        assert!(!format!("{:?}", refused(&entries)).contains("ada"), "{:?}", refused(&entries));
    }
    for body in [
        format!(r#"{{"regulationType": "{secret}", "subjectType": "USER_ID", "subjectIds": []}}"#),
        format!(r#"{{"regulationType": "DELETE_ONLY", "subjectType": "{secret}", "subjectIds": []}}"#),
        format!(r#"{{"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": "{secret}"}}"#),
        format!(r#"{{"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "{secret}": 1}}"#),
        secret.to_owned(),
    ] {
        let failure = Message::parse(&body).err().expect("invalid");
        assert!(!format!("{failure:?}").contains("ada"), "{failure:?}");
    }
}

#[test]
fn a_message_has_subjects_or_a_file() {
    let with = |rest: &str| {
        Message::parse(&format!(r#"{{"regulationType": "DELETE_ONLY", "subjectType": "USER_ID"{rest}}}"#))
    };
    let listed = with(r#", "subjectIds": ["u1"]"#).expect("valid");
    assert!(listed.subjects == Subjects::Listed(vec!["u1".to_owned()]));
    assert!(with(r#", "file": {"bucket": "b", "key": "k", "column": "mail"}"#).is_ok());
    assert!(with("").is_err() && with(r#", "subjectIds": [], "file": {"bucket": "b", "key": "k"}"#).is_err());
    let alone = |rest: &str| Message::parse(&format!(r#"{{"regulationType": "DELETE_ONLY"{rest}}}"#));
    let people =
        alone(r#", "subjects": [{"userId": "u1", "ids": {"crm": "1", "crm": "2"}}]"#).expect("valid");
    assert!(people.named == Named::ByAll { suppressed: false });
    assert!(
        people.subjects
            == Subjects::Listed(vec![r#"{"userId": "u1", "ids": {"crm": "1", "crm": "2"}}"#.to_owned()])
    );
    assert!(alone(r#", "file": {"bucket": "b", "key": "k"}"#).is_ok());
    assert!(alone(r#", "file": {"bucket": "b", "key": "k", "column": "mail"}"#).is_err());
    assert!(alone(r#", "subjectIds": ["u1"]"#).is_err() && with(r#", "subjects": []"#).is_err());
    let many = format!(r#", "subjectIds": {:?}"#, vec!["u"; 5_001]);
    assert!(with(&many).err().expect("too many").public.contains("5001 subjects"));
}

/// The people of a regulation, each with all identifiers.
type People = Vec<Vec<Subject>>;

/// Keeps the account of lines, and returns the regulations that they are cut into.
fn account(entries: impl IntoIterator<Item = (u64, Entry)>) -> Result<(Vec<People>, Closed), Failure> {
    let (mut ledger, mut cuts) = (Ledger::default(), Vec::new());
    for (line, entry) in entries {
        cuts.extend(ledger.enter(line, entry)?);
    }
    let (last, closed) = ledger.close();
    cuts.extend(last);
    Ok((cuts, closed))
}

#[test]
fn every_line_is_counted_once() {
    let entries = read("userId\nu1\n\nu2\nu1\n\"\"\n,\nu3\n");
    let (cuts, closed) = account(entries).expect("few");
    assert_eq!(cuts, [["u1", "u2", "u3"].map(|id| vec![Subject::user(id)])]);
    let expected =
        Account { lines: 8, subjects: 3, duplicates: 1, refused: 2, blank: 1, header: 1, regulations: 1 };
    assert_eq!(closed.account, expected);
    assert_eq!(closed.refusals.iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [6, 7]);
}

#[test]
fn lines_that_name_nobody_are_taken_out_as_they_come_and_end_at_a_million() {
    let mut ledger = Ledger::default();
    let mut taken = 0;
    for line in 1..=MAX_BATCH {
        ledger.enter(line, Entry::Refused("is empty".into())).expect("taken");
        while let Some(refusals) = ledger.take_refusals(1_000) {
            assert_eq!(refusals[0].line, taken + 1, "in order");
            taken += 1_000;
        }
        assert!(line - taken < 1_000, "no more than an item of them is in memory");
    }
    let failure = ledger.enter(MAX_BATCH + 1, Entry::Refused("is empty".into())).expect_err("too many");
    assert_eq!(failure.kind, FailureKind::Invalid);
}

#[test]
fn a_million_subjects_are_cut_into_two_hundred_regulations_and_one_more_is_refused() {
    let ids = |count: u64| (1..=count).map(|n| (n, Entry::Person(vec![Subject::user(n.to_string())])));
    let (cuts, closed) = account(ids(MAX_BATCH)).expect("as many as may be");
    assert_eq!((cuts.len(), closed.account.regulations, closed.account.subjects), (200, 200, MAX_BATCH));
    assert!(cuts.iter().all(|cut| cut.len() == 5_000));
    let failure = account(ids(MAX_BATCH + 1)).err().expect("one too many");
    assert!(failure.public.contains("more than 1000000"), "{failure}");
}

#[test]
fn long_identifiers_make_smaller_regulations() {
    let ids = (1..=5_000).map(|n| (n, Entry::Person(vec![Subject::user(format!("{n:0>1000}"))])));
    let (cuts, _) = account(ids).expect("few");
    assert_eq!(cuts.iter().map(Vec::len).collect::<Vec<_>>(), [3_475, 1_525]);
}

proptest! {
    /// Whatever the `csv` crate writes is read back, whatever the pieces it arrives in, packed or not.
    #[test]
    fn what_is_written_is_read(
        ids in vec("[^\r\n\0]{1,12}", 1..40),
        notes in vec("[a-z,\"\n ]{0,8}", 40),
        quotes in any::<bool>(),
        crlf in any::<bool>(),
        bom in any::<bool>(),
        packed in any::<bool>(),
        delimiter in prop::sample::select(b",;\t|".to_vec()),
        piece in 1_usize..200,
    ) {
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(if quotes { QuoteStyle::Always } else { QuoteStyle::Necessary })
            .terminator(if crlf { Terminator::CRLF } else { Terminator::Any(b'\n') })
            .from_writer(if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() });
        writer.write_record(["note", "userId"]).expect("memory takes it");
        for (id, note) in ids.iter().zip(&notes) {
            writer.write_record([note, id]).expect("memory takes it");
        }
        let bytes = writer.into_inner().expect("memory takes it");
        let bytes = if packed { gzip(&bytes) } else { bytes };
        let entries = read_in(&bytes, None, piece).expect("a file that can be read");
        prop_assert_eq!(entries.len(), ids.len() + 1);
        for ((_, entry), id) in entries[1..].iter().zip(&ids) {
            match entry {
                Entry::Person(read) => prop_assert_eq!(&read[0].id, id),
                Entry::Refused(_) | Entry::Blank => prop_assert!(id.trim().is_empty()),
                Entry::Header => prop_assert!(false, "a second header"),
            }
        }
    }

    /// However damaged a file is, the pieces in which it arrives change nothing, and every line is passed on once and
    /// in order.
    #[test]
    fn pieces_change_nothing(text in "([a\",;\r\n{}:0-9]|userId|\\{\"id\":\"x\"\\}\n){0,60}", piece in 1_usize..20) {
        let whole = read_in(text.as_bytes(), None, usize::MAX);
        prop_assert_eq!(&read_in(text.as_bytes(), None, piece), &whole);
        if let Ok(entries) = whole {
            prop_assert!(entries.is_sorted_by(|(a, _), (b, _)| a < b));
        }
    }
}
