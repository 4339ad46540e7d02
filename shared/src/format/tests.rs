//! What must hold for objects of lines, one test per case.

use std::io::Write;

use super::*;
use crate::matching::{Rules, SubjectSet};
use crate::subject::{Subject, SubjectType};

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

/// Scans and rewrites, checks that both report the same, gives what was written.
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
fn plain_gzip_and_zstd_come_out_as_they_went_in() {
    let (out, report) = purged(MIXED).unwrap();
    assert_eq!(out, KEPT.as_bytes());
    check_mixed(&report, Codec::Plain);

    let (out, report) = purged(gzip(MIXED.as_bytes())).unwrap();
    assert_eq!(gunzip(&out), KEPT.as_bytes());
    check_mixed(&report, Codec::Gzip);

    let (out, report) = purged(zstd(MIXED.as_bytes())).unwrap();
    assert_eq!(zstd::decode_all(&out[..]).unwrap(), KEPT.as_bytes());
    check_mixed(&report, Codec::Zstd);
}

#[test]
fn many_members_and_frames_are_read_to_the_end_and_written_as_one() {
    // A line may cross from one member to the next.
    let (a, b) = MIXED.as_bytes().split_at(21);
    let empty = gzip(b"");
    let (out, report) = purged([gzip(a), empty.clone(), gzip(b), vec![0; 512]].concat()).unwrap();
    assert_eq!(gunzip(&out), KEPT.as_bytes());
    check_mixed(&report, Codec::Gzip);

    let skippable = [&b"\x50\x2a\x4d\x18\x03\0\0\0"[..], b"abc"].concat();
    let (out, report) = purged([skippable, zstd(a), zstd(b)].concat()).unwrap();
    assert_eq!(zstd::decode_all(&out[..]).unwrap(), KEPT.as_bytes());
    check_mixed(&report, Codec::Zstd);
}

#[test]
fn corrupt_or_truncated_data_is_refused() {
    let long = MIXED.repeat(5000);
    for whole in [gzip(long.as_bytes()), zstd(long.as_bytes())] {
        for cut in [4, 11, 19, whole.len() / 2, whole.len() - 9, whole.len() - 4, whole.len() - 1] {
            let error = purged(whole[..cut].to_vec()).unwrap_err();
            assert!(matches!(error, FormatError::Corrupt(_)), "{cut}: {error}");
        }
        let mut broken = whole.clone();
        let middle = broken.len() / 2;
        broken[middle] ^= 0x55;
        // zstd has no checksum here: a change may go unseen by the format itself.
        if whole[0] == 0x1f {
            assert!(matches!(purged(broken), Err(FormatError::Corrupt(_))));
        }
        let behind = [whole, b"no such thing".to_vec()].concat();
        assert!(matches!(purged(behind), Err(FormatError::Corrupt(_))));
    }
}

#[test]
fn an_unknown_codec_is_refused_by_name() {
    for (magic, name) in [
        (&b"BZh91AY&SY"[..], "bzip2"),
        (b"Obj\x01\x04\x14", "Avro"),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\xff\xfe{\0\"\0", "UTF-16 text"),
        (b"\x93NUMPY\x01\0", "binary data of an unknown format"),
        (
            b"<html><body>\n</body></html>\n",
            "text that is no JSON lines, and no CSV with a column that a rule names",
        ),
    ] {
        let error = purged(magic.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), format!("not supported: {name}"));
    }
    let error = purged(gzip(&gzip(b"{}"))).unwrap_err();
    assert_eq!(error.to_string(), "not supported: data compressed twice");
}

#[test]
fn empty_objects_have_no_records() {
    for empty in [Vec::new(), gzip(b""), zstd(b"")] {
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
        fn reader(&self) -> io::Result<Box<dyn Read + Send + '_>> {
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
    for bytes in [lines.clone().into_bytes(), gzip(lines.as_bytes()), zstd(lines.as_bytes())] {
        let cut = bytes[..bytes.len() - 10].to_vec();
        for fails in [true, false] {
            let error = scan(&Short(cut.clone(), fails), &matcher()).unwrap_err();
            assert!(matches!(error, FormatError::Io(_)), "{error}");
        }
    }
}

const CSV: &str = "id,userId,\"anonymousId\",note\r\n1,u1,,\"two\nlines, \"\"u7\"\"\"\r\n2,u7,,x\r\n3,\"u7\",a1,\"\n\"\r\n4,,a7,\r\n5,77u7,a8,u7";
const CSV_KEPT: &str = "id,userId,\"anonymousId\",note\r\n1,u1,,\"two\nlines, \"\"u7\"\"\"\r\n5,77u7,a8,u7";

#[test]
fn csv_rows_go_by_their_columns_and_survivors_stay_as_they_are() {
    for bom in ["", "\u{feff}"] {
        let (csv, kept) = (format!("{bom}{CSV}"), format!("{bom}{CSV_KEPT}"));
        let (out, report) = purged(csv.clone()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), kept);
        assert_eq!(report.format, Format { content: Content::Csv, codec: Codec::Plain });
        assert_eq!((report.lines, report.removed, report.unreadable), (5, 3, 0));
        assert_eq!(report.hits, [(0, 2), (2, 1)].into());
        let (out, report) = purged(gzip(csv.as_bytes())).unwrap();
        assert_eq!(gunzip(&out), kept.as_bytes());
        assert_eq!(report.format, Format { content: Content::Csv, codec: Codec::Gzip });
    }
    let (out, _) = purged("x;userId\n1;u7\n2;\"u\"\"7\"\n").unwrap();
    assert_eq!(out, b"x;userId\n2;\"u\"\"7\"\n");
    let (_, report) = purged("userId\nu7\nu7\n").unwrap();
    assert!(report.leaves_nothing());
}

#[test]
fn csv_conditions_hold_and_an_alias_row_goes() {
    let (out, _) = purged("type,userId,previousId\nalias,u1,u7\ntrack,u1,u7\n").unwrap();
    assert_eq!(out, b"type,userId,previousId\ntrack,u1,u7\n");
}

#[test]
fn bad_csv_rows_are_kept_and_flagged_and_do_not_hide_the_next() {
    let bad = "userId,x\n\"u7\n1,2\nu7,\"stray\nu7,y\nu7\nu7,1,2\n\nu1,\"a\"b\nu8,caf\u{e9}\nu7,caf\u{e9}\n";
    let (out, report) = purged(bad).unwrap();
    let kept = "userId,x\n\"u7\n1,2\nu7,\"stray\nu7\nu7,1,2\n\nu1,\"a\"b\nu8,caf\u{e9}\n";
    assert_eq!(String::from_utf8(out).unwrap(), kept);
    assert_eq!((report.lines, report.removed, report.unreadable, report.suspect), (10, 2, 6, 4));
}
