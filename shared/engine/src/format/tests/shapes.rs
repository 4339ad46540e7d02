//! Tests of files whose shape changes midway, as concatenation makes them: lines, arrays, pretty-printed and joined objects,
//! blank lines, comments and byte order marks. An independent parser says what has to be left.

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::*;

/// A record's text.
fn record(user: u8, n: usize) -> String {
    format!("{{\"userId\":\"u{user}\",\"n\":{n},\"x\":\"}}{{\\\"[,\",\"y\":[{{}},{{\"userId\":\"u7\"}}]}}")
}

fn pretty(record: &str) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(record).unwrap()).unwrap()
}

/// How many ways there are to write records.
const SHAPES: usize = 10;

/// Records written one way. A comment stands on lines of its own and holds no record.
fn written(shape: usize, records: &[String], feed: &str) -> String {
    let prettily = || records.iter().map(|record| pretty(record).replace('\n', feed));
    match shape {
        0 => records.iter().map(|record| format!("{record}{feed}")).collect(),
        1 => format!("[{}]", records.join(",")),
        2 => format!("[{feed}{}{feed}]{feed}", records.join(&format!(",{feed}"))),
        3 => format!("[{feed}{}{feed}]", prettily().collect::<Vec<_>>().join(&format!("{feed},"))),
        4 => prettily().map(|record| record + feed).collect(),
        5 => records.concat(),
        6 => format!("{}{feed}", records.join(" ")),
        7 => records.iter().map(|record| format!(" {record} {feed}{feed}")).collect(),
        8 => records.iter().map(|record| format!("\u{feff}{record}{feed}")).collect(),
        // A line break before a comma: the first line of each looks like an object that ends there.
        _ => records
            .iter()
            .map(|record| {
                let split = record.strip_suffix('}').unwrap();
                format!(
                    "{{\"a\":{{\"b\":1}}{feed},\"c\":{feed}{{\"userId\":\"u7\"}}{feed},{}{feed}}}{feed}",
                    &split[1..]
                )
            })
            .collect(),
    }
}

/// The records of a text: top-level values and elements of top-level arrays, each as its own bytes.
fn records_of(text: &str) -> Result<Vec<String>, serde_json::Error> {
    let text = text.replace('\u{feff}', "");
    let lines = text.split_inclusive(['\n', '\r']).filter(|line| !line.starts_with(['#', '/']));
    let text: String = lines.collect();
    let mut records = Vec::new();
    for value in Deserializer::from_str(&text).into_iter::<Box<RawValue>>() {
        let value = value?;
        match value.get().starts_with('[') {
            true => records.extend(
                serde_json::from_str::<Vec<&RawValue>>(value.get())?.iter().map(|raw| raw.get().to_owned()),
            ),
            false => records.push(value.get().to_owned()),
        }
    }
    Ok(records)
}

fn is_theirs(record: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(record).unwrap()["userId"] == "u7"
}

/// Checks that exactly the records that the parser finds to be the subject's go, in each way of reading.
#[track_caller]
fn check(text: &str, object: Bytes, unpack: fn(&[u8]) -> Vec<u8>) {
    let before = records_of(text).unwrap();
    let survivors: Vec<&String> = before.iter().filter(|record| !is_theirs(record)).collect();
    for way in [matcher(), matcher().strict()] {
        let mut out = Vec::new();
        let report = rewrite(&object, &mut out, &way).unwrap();
        assert_eq!(scan(&object, &way).unwrap(), report);
        let out = String::from_utf8(unpack(&out)).unwrap();
        let left = records_of(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
        assert!(left.iter().eq(survivors.iter().copied()), "left {out}");
        assert_eq!(report.removed as usize, before.len() - survivors.len());
        let comments = |text: &str| text.matches("# ").count() + text.matches("// ").count();
        assert_eq!(comments(&out), comments(text));
    }
    let (mut from, mut removed) = (None, 0);
    while let Rewritten::Paused(pause) = scan_from(&object, &matcher(), from.take(), &|| true).unwrap() {
        removed = pause.report().removed;
        from = Some(serde_json::from_str(&serde_json::to_string(&pause).unwrap()).unwrap());
    }
    assert!(removed as usize <= before.len() - survivors.len());
}

/// Each shape behind each other, in gzip members, plainly, and in frames.
#[test]
fn every_shape_may_follow_every_other() {
    let records: Vec<String> = (0..5).map(|n| record(6 + (n % 2) as u8, n)).collect();
    for feed in ["\n", "\r\n", "\r"] {
        for first in 0..SHAPES {
            for second in 0..SHAPES {
                let members = [first, second, first].map(|shape| written(shape, &records, feed));
                let text = members.concat();
                check(&text, Bytes::from(text.clone()), <[u8]>::to_vec);
                let zipped: Vec<u8> = members.iter().flat_map(|member| gzip(member.as_bytes())).collect();
                check(&text, zipped.into(), gunzip);
                let commented =
                    members.map(|member| format!("# {{{feed}// [\"u7\"]{feed}{member}{feed}")).concat();
                check(&commented, zstd(commented.as_bytes()).into(), |bytes| {
                    zstd::decode_all(bytes).unwrap()
                });
            }
        }
    }
}

#[test]
fn an_array_behind_many_blank_lines_stays_an_array() {
    let records: Vec<String> = (0..9).map(|n| record(6 + (n % 3) as u8, n)).collect();
    for before in [
        "\n".repeat(70_000),
        "\r\n".repeat(70_000),
        format!("{{}}{}", "\n".repeat(900_000)),
        " ".repeat(70_000),
    ] {
        for shape in 0..SHAPES {
            let text = format!("{before}{}", written(shape, &records, "\n"));
            check(&text, Bytes::from(text.clone()), <[u8]>::to_vec);
        }
    }
}

/// A line of the length at which `size` more bytes end the first block.
fn filler(size: usize) -> String {
    let line = record(6, 0);
    format!("{line}{}\n", " ".repeat((384 << 10) - size - line.len() - 1))
}

/// Each shape with the first block's end after each of its lines, and here and there within them.
#[test]
fn a_block_may_end_anywhere() {
    let records = [record(6, 0), record(7, 1)];
    for shape in 0..SHAPES {
        let text = written(shape, &records, "\n");
        let line_ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1);
        for cut in line_ends.chain((1..text.len()).step_by(13)) {
            let text = filler(cut) + &text;
            check(&text, Bytes::from(text.clone()), <[u8]>::to_vec);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Any shapes in any order, cut into members anywhere, with the first block's end anywhere among them.
    #[test]
    fn whatever_the_shapes_survivors_stay_and_the_subject_goes(
        pieces in proptest::collection::vec((0..SHAPES, proptest::collection::vec(6..9_u8, 1..5), 0..4_usize, 0..3_usize), 1..6),
        filled: bool,
        cut: u16,
        codec in 0..3_usize,
    ) {
        let mut text = String::new();
        for (at, (shape, users, before, feed)) in pieces.iter().enumerate() {
            let feed = ["\n", "\r\n", "\r"][*feed];
            let records: Vec<String> = users.iter().enumerate().map(|(n, user)| record(*user, at * 10 + n)).collect();
            match before {
                0 if text.is_empty() || text.ends_with(['\n', '\r']) => text.push_str(&format!("# so: {{\"userId\":\"u7\"}}{feed}")),
                1 => text.push_str(feed),
                2 => text.push('\u{feff}'),
                _ => {}
            }
            text.push_str(&written(*shape, &records, feed));
        }
        if filled {
            text = filler(usize::from(cut) % text.len()) + &text;
        }
        let mut middle = usize::from(cut) * 31 % text.len();
        while !text.is_char_boundary(middle) { middle -= 1 }
        let (a, b) = text.as_bytes().split_at(middle);
        match codec {
            0 => check(&text, Bytes::from(text.clone()), <[u8]>::to_vec),
            1 => check(&text, [gzip(a), gzip(b)].concat().into(), gunzip),
            _ => check(&text, [zstd(a), zstd(b)].concat().into(), |bytes| zstd::decode_all(bytes).unwrap()),
        }
    }
}

/// What is broken is not cut: where its parts end would be a guess.
#[test]
fn no_part_of_a_broken_value_is_removed() {
    let lines = "{\"userId\":\"u1\"}\n{\"userId\":\"u7\"}\n";
    for broken in [
        "{\n \"a\": tru,\n \"items\": [\n {\"userId\":\"u7\"},\n {\"userId\":\"u1\"}\n ]\n}\n",
        "{ \"a\": tru, \"items\": [\n{\"userId\":\"u7\"}\n]}\n",
        "{\"items\":[{\"userId\":\"u1\"}x\n{\"userId\":\"u7\"}\n]}\n",
        "[\n{\"userId\":\"u1\"}\n{\"userId\":\"u7\"}\n]\n",
        "{\n \"a\": tru,\n \"items\": [\n {\"userId\":\"u7\"},\n {\"userId\":\"u1\"},\n",
        "{\n \"items\": [\n {\"userId\":\"u7\"},\n {\"userId\":\"u1\"}\n",
        "{\"a\":1}{\"userId\":\"u7\"} and so on\n",
    ] {
        for text in [format!("{lines}{broken}"), format!("{broken}{lines}")] {
            for packed in [text.clone().into_bytes(), gzip(text.as_bytes())] {
                for way in [matcher(), matcher().strict()] {
                    let packed = Bytes::from(packed.clone());
                    match rewrite(&packed, &mut Vec::new(), &way) {
                        Err(FormatError::Corrupt(_) | FormatError::Unsupported(_)) => {}
                        other => panic!("{other:?}: {text}"),
                    }
                }
            }
        }
    }
}
