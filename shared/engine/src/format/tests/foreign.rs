//! Tests of objects that only look like text in places: containers, binary framings, and other encodings of text. They are
//! named and left alone, however readable the JSON in them is.

use super::*;

/// Lines of which the subject owns some.
fn some_lines() -> Vec<u8> {
    MIXED.repeat(40).into_bytes()
}

/// Checks that an object is refused in each packing, whichever way it is read, and returns why.
#[track_caller]
fn refused(object: &[u8]) -> String {
    let mut why = Vec::new();
    for packed in [object.to_vec(), gzip(object), zstd(object)] {
        let packed = Bytes::from(packed);
        for way in [matcher(), matcher().strict()] {
            let [scanned, rewritten] = [scan(&packed, &way), rewrite(&packed, &mut Vec::new(), &way)];
            for result in [scanned, rewritten] {
                match result {
                    Err(FormatError::Unsupported(name)) => why.push(name.into_owned()),
                    other => panic!("not refused: {other:?}"),
                }
            }
        }
    }
    why.dedup();
    assert_eq!(why.len(), 1, "{why:?}");
    why.remove(0)
}

/// A tar of these members, by the old format or with the `ustar` magic.
fn tar(members: &[(&str, &[u8])], magic: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in members {
        let mut header = vec![0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        header[148..156].fill(b' ');
        header[257..257 + magic.len()].copy_from_slice(magic);
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend(header);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

#[test]
fn a_tar_of_json_lines_is_refused_by_name() {
    let lines = some_lines();
    for magic in [&b"ustar\x0000"[..], b"ustar  \0", b""] {
        let tar = tar(&[("a.json", &lines), ("{\"userId\":\"u7\"}\n", &lines)], magic);
        assert!(refused(&tar).starts_with("tar"), "{magic:?}");
        let tar = [("{\"userId\":\"u7\"}\n", &lines[..])];
        assert!(refused(&self::tar(&tar, magic)).starts_with("tar"), "{magic:?}");
    }
}

#[test]
fn containers_are_refused_by_name_though_their_members_are_text() {
    let lines = some_lines();
    for (head, name) in [
        (&b"PK\x03\x04\x14\0\0\0\0\0"[..], "zip"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7-Zip"),
        (b"070701000000010000", "cpio"),
        (b"070707000001000002", "cpio"),
        (b"\xc7\x71\x01\0", "cpio"),
        (b"!<arch>\na.json/        0           0     0     644     560       `\n", "ar"),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"\x89LZO\0\r\n\x1a\n\x10\x40", "lzop"),
        (b"SEQ\x06\x19org.apache.hadoop.io.Text\x19", "Hadoop sequence file"),
        (b"RCF\x01\x19", "Hive RCFile"),
        (b"Rar!\x1a\x07\x01\0", "RAR"),
        (b"\x02\x21\x4c\x18\x30\x02\0\0", "lz4, legacy frames"),
        (b"WARC/1.0\r\nContent-Length: 600\r\n\r\n", "WARC"),
        (b"%PDF-1.7\n", "PDF"),
    ] {
        let object = [head, &lines].concat();
        assert_eq!(refused(&object), name);
    }
}

/// Stored literals only, as LZ4 writes what does not compress.
fn lz4_block(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0xf0];
    let mut rest = plain.len() - 15;
    while rest >= 255 {
        out.push(255);
        rest -= 255;
    }
    out.push(rest as u8);
    out.extend_from_slice(plain);
    out
}

fn framed(header: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    some_lines()
        .split_inclusive(|&byte| byte == b'\n')
        .flat_map(|line| [header(line), line.to_vec()].concat())
        .collect()
}

fn raw_snappy(plain: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(plain).unwrap()
}

#[test]
fn binary_framing_around_readable_lines_is_refused() {
    let lines = some_lines();
    let distinct: String =
        (0..3000).map(|n| format!("{{\"n\":\"{:x}\",\"userId\":\"u{}\"}}\n", n * 7919, n % 9)).collect();
    let big = |bytes: &[u8]| (bytes.len() as u32).to_be_bytes().to_vec();
    for object in [
        raw_snappy(&lines),
        raw_snappy(distinct.as_bytes()),
        [big(&lines), big(&raw_snappy(&lines)), raw_snappy(&lines)].concat(),
        [big(distinct.as_bytes()), big(&raw_snappy(distinct.as_bytes())), raw_snappy(distinct.as_bytes())]
            .concat(),
        lz4_block(&lines),
        [big(&lines), big(&lz4_block(&lines)), lz4_block(&lines)].concat(),
        // Confluent's wire format, Docker's log frames, lengths before records, and Protocol Buffers.
        framed(|_| b"\0\0\0\0\x07".to_vec()),
        framed(|line| [&b"\x01\0\0\0"[..], &big(line)].concat()),
        framed(|line| vec![line.len() as u8]),
        framed(|line| vec![0x0a, line.len() as u8, 0x10, 0x96, 0x01, 0x12, line.len() as u8]),
        // JSON text sequences.
        framed(|_| b"\x1e".to_vec()),
        // Records in shared memory, filled with zeros.
        framed(|line| vec![0; 64 - line.len()]),
        // Bytes that no encoding of JSON has outside strings.
        [b"{\"userId\":\"u7\"}\n\xff\xff\n{\"userId\":\"u1\"}\n", &lines[..]].concat(),
        [&lines[..], b"{\"userId\":\"u1\"\xe9}\n"].concat(),
        [&lines[..], b"caf\xe9 {\"userId\":\"u1\"}\n"].concat(),
    ] {
        assert!(!refused(&object).is_empty());
    }
}

/// Wherever the first binary byte is: a rewrite that has begun is not finished.
#[test]
fn binary_bytes_behind_megabytes_of_lines_refuse_the_object() {
    let lines = MIXED.repeat(20_000).into_bytes();
    for behind in [
        &b"\0\0\0\x11{\"userId\":\"u1\"}\n"[..],
        b"{\"userId\":\"u1\"}\0\0\0\0\x11{\"userId\":\"u2\"}\n",
        b"{\"userId\":\"u1\"}\x02{\"x\":1}",
        b"\0\0\0\0",
        b"{\"userId\":\"u1\"}\n\xf0\x9f\x92{}\n",
    ] {
        for end in [&b""[..], &lines] {
            let object = [&lines[..], behind, end].concat();
            assert!(!refused(&object).is_empty());
            // In goes, too.
            for pack in [|plain: &[u8]| plain.to_vec(), gzip] {
                let (object, mut from) = (Bytes::from(pack(&object)), None);
                let error = loop {
                    match rewrite_from(&object, &mut Vec::new(), &matcher(), from, &|| true) {
                        Ok(Rewritten::Paused(at)) => from = Some(at),
                        Ok(Rewritten::Whole(report)) => panic!("{report:?}"),
                        Err(error) => break error,
                    }
                };
                assert!(matches!(error, FormatError::Unsupported(_)), "{error}");
            }
        }
    }
}

/// A byte in a string that is no UTF-8, or a raw control character, makes its own line unreadable.
#[test]
fn bad_bytes_within_a_string_concern_their_own_line() {
    for line in [
        &b"{\"userId\":\"u7\",\"x\":\"\xff\"}"[..],
        b"{\"userId\":\"u7\",\"x\":\"\0\"}",
        b"{\"x\":\"u7\x1b[0m\"}",
    ] {
        let (out, report) = purged([MIXED.as_bytes(), line, b"\n{\"userId\":\"u7\"}\n"].concat()).unwrap();
        assert_eq!(out, [KEPT.as_bytes(), line, b"\n"].concat());
        assert_eq!((report.removed, report.unreadable, report.suspect), (3, 1, 1));
    }
    // A file that was cut within a character, or within a value.
    for cut in [&b"{\"x\":\"caf\xc3"[..], b"{\"x\":\"caf", b"{\"x\":"] {
        let (out, report) = purged([MIXED.as_bytes(), cut].concat()).unwrap();
        assert_eq!(out, [KEPT.as_bytes(), cut].concat());
        assert_eq!((report.removed, report.unreadable), (2, 1));
    }
}

#[test]
fn text_of_another_encoding_is_refused_by_name() {
    let text = MIXED.repeat(20);
    let bytes = |unit: fn(u16) -> Vec<u8>, mark: bool| {
        let marked = if mark { format!("\u{feff}{text}") } else { text.clone() };
        marked.encode_utf16().flat_map(unit).collect::<Vec<u8>>()
    };
    for (name, unit) in [
        ("UTF-16 text", (|unit| unit.to_le_bytes().to_vec()) as fn(u16) -> Vec<u8>),
        ("UTF-16 text", |unit| unit.to_be_bytes().to_vec()),
        ("UTF-32 text", |unit| u32::from(unit).to_le_bytes().to_vec()),
        ("UTF-32 text", |unit| u32::from(unit).to_be_bytes().to_vec()),
    ] {
        for mark in [true, false] {
            assert_eq!(refused(&bytes(unit, mark)), name);
        }
    }
    // A second file of another encoding.
    let joined = [text.as_bytes(), &bytes(|unit| unit.to_le_bytes().to_vec(), true)].concat();
    assert!(!refused(&joined).is_empty());
}

/// Text behind a value on its line makes it no JSON line: nothing is cut out of a row of something else.
#[test]
fn a_value_with_text_behind_it_is_not_cut_out_of_its_line() {
    for line in [
        "{\"userId\":\"u7\"}\tcart\t3",
        "{\"userId\":\"u7\"}; done",
        "{\"userId\":\"u7\"} // seen",
        "{\"userId\":\"u7\"}\t{\"x\":1}",
    ] {
        let (out, report) = purged(format!("{MIXED}{line}\n{MIXED}")).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{KEPT}{line}\n{KEPT}"));
        assert_eq!((report.removed, report.unreadable, report.suspect), (4, 1, 1), "{line}");
    }
}

/// Each document belongs to the action on the line before it.
#[test]
fn gzip_whose_blocks_an_index_counts_is_refused_by_name() {
    // As bgzip writes a block: an extra field "BC" with the block's size.
    let plain = gzip(b"{\"userId\":\"u7\"}\n");
    let mut blocked = plain.clone();
    blocked[3] |= 4;
    blocked.splice(10..10, *b"\x06\0BC\x02\0\x2c\0");
    match scan(&Bytes::from(blocked), &matcher()) {
        Err(FormatError::Unsupported(name)) => assert!(name.starts_with("BGZF")),
        other => panic!("{other:?}"),
    }
    assert_eq!(scan(&Bytes::from(plain), &matcher()).unwrap().removed, 1);
}

#[test]
fn bulk_requests_are_refused_by_name() {
    for action in ["{\"index\":{\"_index\":\"x\",\"_id\":\"1\"}}", "{ \"create\" : {} }"] {
        let bulk = format!("{action}\n{{\"userId\":\"u7\"}}\n").repeat(9);
        assert!(refused(bulk.as_bytes()).starts_with("Elasticsearch"));
        assert!(refused(format!("\u{feff}{bulk}").as_bytes()).starts_with("Elasticsearch"));
    }
    let (_, report) = purged("{\"index\":{\"a\":1}}\n{\"userId\":\"u7\"}\n{\"index\":1,\"x\":2}\n").unwrap();
    assert_eq!(report.removed, 1);
}

#[test]
fn text_that_begins_as_a_binary_format_does_is_text() {
    let rules = Rules::at_paths(["userId"]).unwrap();
    let named = Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]));
    let numbered = |delimiter: &str| {
        let rules = serde_json::json!({ "headerless": { "delimiter": delimiter, "quotes": false },
                                        "rules": [{ "path": "#2", "type": "USER_ID" }] });
        Matcher::new(&serde_json::from_value(rules).unwrap(), &SubjectSet::new([Subject::user("u7")]))
    };
    for (text, matcher) in [
        ("ORCID,userId\n1,u7\n2,u1\n", named),
        ("070701,u7\n070702,u1\n", numbered(",")),
        ("x\u{1}u7\u{1}a\nx\u{1}u1\u{1}b\n", numbered("\u{1}")),
        ("Obj\u{1}u7\u{1}a\nObj\u{1}u1\u{1}b\n", numbered("\u{1}")),
        ("ORC\u{1}u7\u{1}a\nORC\u{1}u1\u{1}b\n", numbered("\u{1}")),
        ("PAR1,u7\nPAR1,u1\n", numbered(",")),
        ("x^2,u7\nx^2,u1\n", numbered(",")),
    ] {
        let report = scan(&Bytes::from(text), &matcher).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((report.lines, report.removed), (2, 1), "{text}");
    }
}

#[test]
fn csv_in_a_binary_framing_is_refused() {
    let rows: String = (0..400).map(|n| format!("{n},u{},note {:x}\n", n % 9, n * 7919)).collect();
    let csv = format!("id,userId,note\n{rows}");
    assert!(!refused(&raw_snappy(csv.as_bytes())).is_empty());
    assert!(!refused(&tar(&[("id,userId,note\n", csv.as_bytes())], b"")).is_empty());
    assert!(!refused(format!("{csv}1,u1,\0\0\0\0\n").as_bytes()).is_empty());
}
