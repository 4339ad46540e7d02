//! Tests of objects made of lines, one test per case.

mod csv;
mod foreign;
mod lines;
mod pauses;
mod shapes;
mod values;

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::matching::tests::Dice;
use crate::matching::{SubjectSet, Verdict};
use model::rules::Rules;
use model::subject::{Subject, SubjectType};

/// A matcher for user `u7` (index 0), user `ada@example.com` (1), and anonymous `a7` (2).
fn matcher() -> Matcher {
    let anonymous = Subject { kind: SubjectType::AnonymousId, id: "a7".into() };
    let subjects = [Subject::user("u7"), Subject::user("ada@example.com"), anonymous];
    Matcher::new(&Rules::segment(), &SubjectSet::new(subjects))
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 1).unwrap()
}

fn bzip2(plain: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

fn snappy(plain: &[u8]) -> Vec<u8> {
    let mut out = snap::write::FrameEncoder::new(Vec::new());
    out.write_all(plain).unwrap();
    out.into_inner().unwrap()
}

/// A codec, how it packs, and how its usual reader unpacks.
type Packing = (Codec, fn(&[u8]) -> Vec<u8>, fn(&[u8]) -> Vec<u8>);

fn all(mut reader: impl Read) -> Vec<u8> {
    let mut plain = Vec::new();
    reader.read_to_end(&mut plain).unwrap();
    plain
}

const PACKINGS: [Packing; 6] = [
    (Codec::Plain, <[u8]>::to_vec, <[u8]>::to_vec),
    (Codec::Gzip, gzip, gunzip),
    (Codec::Zstd, zstd, |bytes| zstd::decode_all(bytes).unwrap()),
    (Codec::Bzip2, bzip2, |bytes| all(bzip2::read::MultiBzDecoder::new(bytes))),
    (Codec::Zlib, zlib, |bytes| all(flate2::read::ZlibDecoder::new(bytes))),
    (Codec::Snappy, snappy, |bytes| all(snap::read::FrameDecoder::new(bytes))),
];

/// Scans and rewrites, checks that both report the same, and returns the output.
fn purged(object: impl Into<Bytes>) -> Result<(Vec<u8>, Report), FormatError> {
    let (object, matcher) = (object.into(), matcher());
    let scanned = scan(&object, &matcher);
    let mut out = Vec::new();
    let rewritten = rewrite(&object, &mut out, &matcher);
    assert_eq!(format!("{scanned:?}"), format!("{rewritten:?}"));
    Ok((out, rewritten?))
}

const MIXED: &str =
    "{\"userId\":\"u1\"}\n{\"userId\":\"u7\"}\n{\"userId\":\"u2\"}\n{\"anonymousId\":\"a7\"}\n";
const KEPT: &str = "{\"userId\":\"u1\"}\n{\"userId\":\"u2\"}\n";

fn check_mixed(report: &Report, codec: Codec) {
    assert_eq!(report.format, Format { content: Content::JsonLines, codec });
    assert_eq!((report.lines, report.removed, report.bytes), (4, 2, MIXED.len() as u64));
    assert_eq!(report.hits, [(0, 1), (2, 1)].into());
    assert!(!report.leaves_nothing());
}

#[test]
fn an_object_of_each_codec_comes_out_as_it_went_in() {
    for (codec, pack, unpack) in PACKINGS {
        let (out, report) = purged(pack(MIXED.as_bytes())).unwrap();
        assert_eq!(unpack(&out), KEPT.as_bytes());
        check_mixed(&report, codec);
    }
}

#[test]
fn many_members_and_frames_are_read_to_the_end_and_written_as_one() {
    // A line may span two members.
    let (a, b) = MIXED.as_bytes().split_at(21);
    let empty = gzip(b"");
    let (out, report) = purged([gzip(a), empty.clone(), gzip(b), vec![0; 512]].concat()).unwrap();
    assert_eq!(gunzip(&out), KEPT.as_bytes());
    check_mixed(&report, Codec::Gzip);

    let skippable = [&b"\x50\x2a\x4d\x18\x03\0\0\0"[..], b"abc"].concat();
    let (out, report) = purged([skippable, zstd(a), zstd(b)].concat()).unwrap();
    assert_eq!(zstd::decode_all(&out[..]).unwrap(), KEPT.as_bytes());
    check_mixed(&report, Codec::Zstd);

    for (codec, pack, unpack) in [PACKINGS[3], PACKINGS[5]] {
        let (out, report) = purged([pack(a), pack(b)].concat()).unwrap();
        assert_eq!(unpack(&out), KEPT.as_bytes());
        check_mixed(&report, codec);
    }
}

#[test]
fn corrupt_or_truncated_data_is_refused() {
    let long = MIXED.repeat(5000);
    for whole in [gzip, zstd, bzip2, zlib].map(|pack| pack(long.as_bytes())) {
        for cut in [10, 11, 19, whole.len() / 2, whole.len() - 9, whole.len() - 4, whole.len() - 1] {
            let error = purged(whole[..cut].to_vec()).unwrap_err();
            assert!(matches!(error, FormatError::Corrupt(_)), "{cut}: {error}");
        }
        let mut broken = whole.clone();
        let middle = broken.len() / 2;
        broken[middle] ^= 0x55;
        // zstd has no checksum here: the format itself may miss a change.
        if whole[0] != 0x28 {
            assert!(matches!(purged(broken), Err(FormatError::Corrupt(_))));
        }
        let behind = [whole, b"no such thing".to_vec()].concat();
        assert!(matches!(purged(behind), Err(FormatError::Corrupt(_))));
    }
}

#[test]
fn an_unknown_codec_is_refused_by_name() {
    for (magic, name) in [
        (
            &b"ORC\x08\0"[..],
            "ORC: have the engine that wrote it delete the rows, or write it anew as Parquet or Avro",
        ),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\xff\xfe{\0\"\0", "UTF-16 text"),
        (b"\x93NUMPY\x01\0", "binary data of an unknown format"),
        (
            b"<html><body>\n</body></html>\n",
            "text that is no JSON, and no CSV with a column that a rule names",
        ),
    ] {
        let error = purged(magic.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), format!("not supported: {name}"));
    }
    let error = purged(gzip(&gzip(b"{}"))).unwrap_err();
    assert_eq!(error.to_string(), "not supported: data compressed twice");
}

#[test]
fn snappy_that_breaks_off_within_a_frame_or_is_damaged_is_refused() {
    let whole = snappy(MIXED.repeat(5000).as_bytes());
    for cut in [12, 20, whole.len() / 2, whole.len() - 1] {
        assert!(matches!(purged(whole[..cut].to_vec()), Err(FormatError::Corrupt(_))), "{cut}");
    }
    let mut broken = whole.clone();
    broken[whole.len() / 2] ^= 0x55;
    assert!(matches!(purged(broken), Err(FormatError::Corrupt(_))));
}

#[test]
fn empty_objects_have_no_records() {
    for empty in [Vec::new(), gzip(b""), zstd(b""), bzip2(b""), zlib(b""), snappy(b"")] {
        let (_, report) = purged(empty).unwrap();
        assert_eq!((report.lines, report.removed, report.bytes), (0, 0, 0));
        assert!(!report.leaves_nothing());
    }
}

#[test]
fn when_every_line_goes_nothing_is_left() {
    let (out, report) = purged("{\"userId\":\"u7\"}\r\n{\"userId\":\"u7\"}").unwrap();
    assert!(out.is_empty() && report.leaves_nothing());
    let (_, report) = purged("{\"userId\":\"u7\"}\n\n").unwrap();
    assert!(!report.leaves_nothing(), "a blank line is left");
}

#[test]
fn a_source_that_ends_early_or_fails_is_an_io_error_not_corruption() {
    struct Short(Vec<u8>, bool);
    impl Object for Short {
        fn len(&self) -> u64 {
            self.0.len() as u64 + 10
        }
        fn reader(&self, _: u64) -> io::Result<Box<dyn Read + Send + '_>> {
            struct Fails;
            impl Read for Fails {
                fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                    Err(io::ErrorKind::ConnectionReset.into())
                }
            }
            let read = self.0.as_slice();
            Ok(if self.1 { Box::new(read.chain(Fails)) } else { Box::new(read) })
        }
        fn range(&self, _: Range<u64>) -> io::Result<Bytes> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let lines = MIXED.repeat(100_000);
    for (_, pack, _) in PACKINGS {
        let bytes = pack(lines.as_bytes());
        let cut = bytes[..bytes.len() - 10].to_vec();
        for fails in [true, false] {
            let error = scan(&Short(cut.clone(), fails), &matcher()).unwrap_err();
            assert!(matches!(error, FormatError::Io(_)), "{error}");
        }
    }
}

#[test]
fn a_twenty_megabyte_line_is_a_line() {
    let long = "x".repeat(20 << 20);
    let lines = format!(
        "{MIXED}{{\"x\":\"{long}\",\"userId\":\"u7\"}}\n{{\"y\":\"{long}\",\"userId\":\"u1\"}}\n{MIXED}"
    );
    for object in [lines.clone().into_bytes(), gzip(lines.as_bytes())] {
        let packed = object[0] == 0x1f;
        let (out, report) = purged(object).unwrap();
        let out = if packed { gunzip(&out) } else { out };
        assert!(out == format!("{KEPT}{{\"y\":\"{long}\",\"userId\":\"u1\"}}\n{KEPT}").into_bytes());
        assert_eq!((report.lines, report.removed), (10, 5));
    }
}

#[test]
fn a_record_beyond_all_measure_is_refused_not_kept_in_memory() {
    let mut zeros = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zeros.write_all(b"{\"x\":\"").unwrap();
    for _ in 0..160 {
        zeros.write_all(&[b'0'; 1 << 20]).unwrap();
    }
    let error = scan(&Bytes::from(zeros.finish().unwrap()), &matcher()).unwrap_err();
    assert_eq!(error.to_string(), "not supported: a record longer than 128 MiB");
}

#[test]
fn a_hundred_thousand_ids_and_blank_ones_work() {
    let ids = (0..100_000)
        .map(|n| Subject::user(format!("user-{n}")))
        .chain([Subject::user(""), Subject::user(" ")]);
    let subjects = SubjectSet::new(ids);
    assert_eq!(subjects.len(), 100_000);
    let matcher = Matcher::new(&Rules::segment(), &subjects);
    let lines: String = (0..2000).map(|n| format!("{{\"userId\":\"user-{}\"}}\n", n * 100)).collect();
    let report = scan(&Bytes::from(lines + "{\"userId\":\"\"}\n"), &matcher).unwrap();
    assert_eq!((report.removed, report.hits.len(), report.lines), (1000, 1000, 2001));
}

#[test]
fn folded_and_trimmed_rules_find_what_exact_ones_do_not() {
    let rules = r#"[{"path":"context.traits.email","type":"USER_ID","foldCase":true,"trim":true}]"#;
    let subjects = SubjectSet::new([Subject::user("Ada@Example.com"), Subject::user("ada@example.com ")]);
    let matcher = Matcher::new(&serde_json::from_str(rules).unwrap(), &subjects);
    let object = "{\"context\":{\"traits\":{\"email\":\" ADA@example.COM\"}}}\n{\"email\":\"ada@example.com\"}\n\
                  {\"context\":[{\"traits\":{\"email\":[\"\",\"ada@example.com\"]}}]}\n";
    let report = scan(&Bytes::from(object), &matcher).unwrap();
    assert_eq!((report.removed, report.hits), (2, [(0, 2), (1, 2)].into()));
}

#[test]
fn a_strict_matcher_counts_every_unreadable_line() {
    let object = Bytes::from("{\"x\":1 \"u7\"}\n{\"x\":1}\n");
    assert_eq!(scan(&object, &matcher()).unwrap().unreadable, 0, "whole at both ends");
    let report = scan(&object, &matcher().strict()).unwrap();
    assert_eq!((report.unreadable, report.suspect, report.removed), (1, 1, 0));
}

#[test]
fn errors_never_show_content() {
    let mut broken = gzip(MIXED.repeat(1000).as_bytes());
    let end = broken.len() - 5;
    broken[end] ^= 1;
    for object in [broken, b"<x>u7</x>".to_vec(), b"PAR1 u7 ada@example.com PAR1".to_vec()] {
        let error = purged(object).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("u7") && !shown.contains("ada"), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// For any lines, codec and cuts between members: the kept lines remain byte for byte and in order.
    #[test]
    fn survivors_are_byte_identical_and_in_order(seed: u64) {
        let mut dice = Dice(seed);
        let matcher = Matcher::new(&Rules::segment(), &crate::matching::tests::subjects());
        let garbage = ["", "  \r", "oops", "# {u7}", "[ERROR] \"u7\"", "null", "{\"a\":tru}", "{\"x\":\"\0\"}"];
        let mut plain = b"{}\n".to_vec();
        let mut kept = plain.clone();
        for at in (0..dice.roll(3000)).rev() {
            let mut line = dice.line();
            let mut verdict = matcher.line(&line, &mut Vec::new());
            if verdict == Verdict::Unreadable {
                (line, verdict) = (garbage[dice.roll(garbage.len())].into(), Verdict::Keep);
            }
            if at > 0 || dice.roll(2) == 0 {
                line.push(b'\n');
            }
            plain.extend_from_slice(&line);
            if verdict != Verdict::Remove {
                kept.extend(line);
            }
        }
        let (a, b) = plain.split_at(dice.roll(plain.len()));
        let (codec, pack, unpack) = PACKINGS[dice.roll(PACKINGS.len())];
        let packed = if codec == Codec::Zlib { zlib(&plain) } else { [pack(a), pack(b)].concat() };
        let mut out = Vec::new();
        let report = rewrite(&Bytes::from(packed), &mut out, &matcher).unwrap();
        prop_assert_eq!(report.format.codec, codec);
        prop_assert!(unpack(&out) == kept);
    }
}
