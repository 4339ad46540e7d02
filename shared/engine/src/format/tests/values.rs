//! Tests of JSON values that are not one per line.

use serde_json::{Deserializer, Value};

use super::*;

/// What is kept of an object.
#[track_caller]
fn left(object: &str) -> String {
    let (out, report) = purged(object.to_owned()).unwrap();
    assert_eq!(report.bytes, object.len() as u64);
    // The same is kept of the compressed object.
    let (zipped, again) = purged(gzip(object.as_bytes())).unwrap();
    assert_eq!((gunzip(&zipped), again.removed), (out.clone(), report.removed));
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_left_of_an_array_is_an_array() {
    for (before, after) in [
        ("[\n{\"userId\":\"u1\"},\n{\"userId\":\"u7\"}\n]\n", "[\n{\"userId\":\"u1\"}\n]\n"),
        ("[\n{\"userId\":\"u7\"},\n{\"userId\":\"u1\"}\n]\n", "[\n{\"userId\":\"u1\"}\n]\n"),
        (r#"[{"userId":"u1"} , {"userId":"u7"}, {"userId":"u2"}]"#, r#"[{"userId":"u1"}, {"userId":"u2"}]"#),
        (r#"[{"userId":"u7"},{"userId":"u7"},{"userId":"u2"}]"#, r#"[{"userId":"u2"}]"#),
        (r#"[{"userId":"u7"},{"userId":"u7"}]"#, "[]"),
        (r#"[{"userId":"]u1,{\"\\"},{"userId":"u7"}]"#, r#"[{"userId":"]u1,{\"\\"}]"#),
        ("[{\"userId\":\"u7\"}]\n[{\"userId\":\"u1\"},{\"userId\":\"u7\"}]\n", "[]\n[{\"userId\":\"u1\"}]\n"),
        ("[\n1,\n{\"userId\":\"u7\"}\n]", "[\n1\n]"),
        ("[]", "[]"),
    ] {
        assert_eq!(left(before), after, "{before}");
    }
}

#[test]
fn pretty_printed_and_joined_objects_are_records() {
    for (before, after) in [
        ("{\n \"userId\": \"u7\"\n}\n{\n \"userId\": \"u1\"\n}\n", "{\n \"userId\": \"u1\"\n}\n"),
        (r#"{"userId":"u1"}{"userId":"u7"}{"userId":"u2"}"#, r#"{"userId":"u1"}{"userId":"u2"}"#),
        (r#"{"userId":"u7"} {"userId":"u2"}"#, r#" {"userId":"u2"}"#),
        ("{}{\"userId\":\"u7\"}\n{\"userId\":\"u7\"}\n{\"userId\":\"u1\"}\n", "{}\n{\"userId\":\"u1\"}\n"),
        ("{\"userId\":\"u7\"},\n{\"userId\":\"u1\"},\n{\"userId\":\"u7\"}", "{\"userId\":\"u1\"},\n"),
    ] {
        assert_eq!(left(before), after, "{before}");
    }
}

#[test]
fn a_byte_order_mark_belongs_to_the_file() {
    for (before, after) in [
        ("{\"userId\":\"u7\"}\n{\"userId\":\"u1\"}\n", "{\"userId\":\"u1\"}\n"),
        (r#"[{"userId":"u7"},{"userId":"u1"}]"#, r#"[{"userId":"u1"}]"#),
    ] {
        assert_eq!(left(&format!("\u{feff}{before}")), format!("\u{feff}{after}"));
        let (_, report) = purged(format!("\u{feff}{before}")).unwrap();
        assert_eq!((report.lines, report.removed, report.unreadable), (2, 1, 0));
    }
}

#[test]
fn an_array_that_is_no_json_is_refused() {
    for object in [
        "[{\"userId\":\"u7\"},",
        "[{\"userId\":\"u7\"} {\"userId\":\"u1\"}]",
        "[{\"userId\":\"u7\"},]",
        "[,{\"userId\":\"u7\"}]",
        "[{\"userId\":\"u7\"]]",
        "[{userId:\"u7\"}]",
    ] {
        let error = purged(object.to_owned()).unwrap_err();
        assert!(matches!(error, FormatError::Corrupt(_) | FormatError::Unsupported(_)), "{object}: {error}");
    }
}

#[test]
fn what_is_no_value_is_kept_and_hides_no_record_behind_it() {
    let joined = r#"{"userId":"u1"}{"userId":"u7"}"#;
    for (behind, left) in [
        ("{\"userId\":\"u7\"", "{\"userId\":\"u7\""),
        ("{\"userId\":\n{\"userId\":\"u1\"}\n{\"userId\":\"u7\"}{}", "{\"userId\":\n{\"userId\":\"u1\"}\n{}"),
    ] {
        let (out, report) = purged(format!("{joined}{behind}")).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{{\"userId\":\"u1\"}}{left}"));
        let suspect = u64::from(left.contains("u7\""));
        assert_eq!((report.format.content, report.suspect), (Content::JsonValues, suspect), "{behind}");
    }
    // It stands on their own line, so they may be no JSON.
    for behind in ["oops\n{\"userId\":\"u7\"}", "]\n{\"userId\":\"u7\"}\n", "1"] {
        assert!(matches!(purged(format!("{joined}{behind}")), Err(FormatError::Corrupt(_))), "{behind}");
    }
}

#[test]
fn a_line_of_several_objects_among_lines_is_several_records() {
    let lines = |middle: &str| format!("{{\"userId\":\"u1\"}}\n{middle}{{\"x\":1}}\n");
    for (before, after, records, removed) in [
        ("{\"userId\":\"u7\"}{\"userId\":\"u2\"}\n", "{\"userId\":\"u2\"}\n", 4, 1),
        ("{\"userId\":\"u2\"}{\"userId\":\"u7\"}\r\n", "{\"userId\":\"u2\"}\r\n", 4, 1),
        ("{\"userId\":\"u7\"}{\"userId\":\"u7\"}\n", "", 4, 2),
        ("[{\"userId\":\"u7\"},{\"userId\":\"u2\"}]\n", "[{\"userId\":\"u2\"}]\n", 4, 1),
        ("[{\"userId\":\"u7\"}]\n", "[]\n", 3, 1),
        ("{\"userId\":\"u7\"},\n", "", 3, 1),
    ] {
        for pack in [|plain: String| plain.into_bytes(), |plain: String| gzip(plain.as_bytes())] {
            let (out, report) = purged(pack(lines(before))).unwrap();
            let out = if report.format.codec == Codec::Gzip { gunzip(&out) } else { out };
            assert_eq!(String::from_utf8(out).unwrap(), lines(after), "{before}");
            assert_eq!((report.lines, report.removed, report.unreadable), (records, removed, 0), "{before}");
        }
    }
}

#[test]
fn text_in_brackets_and_broken_lines_do_not_hide_the_lines_behind() {
    for first in ["[2026-11-28] begun", "{\"a\":", "{\"a\": {", "{\"a\": [", "[ERROR] no"] {
        let lines = "{\"userId\":\"u7\"}\n{\"userId\":\"u7\"}\n";
        let (out, report) = purged(format!("{first}\n{lines}")).unwrap();
        assert_eq!((out, report.removed), (format!("{first}\n").into_bytes(), 2), "{first}");
    }
    // Of a single line behind, nobody knows whether it belongs to the value that is broken off.
    let error = purged("{\"a\":\n{\"userId\":\"u7\"}\n").unwrap_err();
    assert_eq!(error.to_string(), "corrupt: a JSON value that is broken or breaks off");
}

/// A file that was cut by size: what stands before a closing bracket that nothing opened was inside of its record.
#[test]
fn records_whose_beginning_is_missing_refuse_the_object() {
    for text in [
        "  {\n   \"userId\": \"u7\"\n  }\n ],\n \"owner\": \"v1\"\n}\n{\"userId\": \"v2\"}\n",
        "{\"userId\": \"u7\"}\n], \"userId\": \"v1\"}\n{\"userId\": \"v2\"}\n",
        "{\"userId\": \"u7\"}\n}\n",
        "{\"userId\":\"u7\"},\n{\"userId\":\"v9\"}],\"owner\":\"v1\"}\n{\"userId\":\"v2\"}\n",
        "{\"userId\":\"u7\"},\n\"owner\":\"v1\"}\n{\"userId\":\"v2\"}\n",
        "\"userId\":\"v0\"},\n{\"userId\":\"u7\"},\n{\"userId\":\"v3\"}\n",
        "\"role\":\"m\",\n\"k\":\n[\n{\"userId\":\"u7\"},\n{\"userId\":\"v3\"}],\n\"z\":1}\n",
        "v1\",\"members\":[\n{\"userId\":\"u7\"},\n{\"userId\":\"v9\"}]}\n{\"userId\":\"v2\"}\n",
    ] {
        for object in [text.to_owned(), text.repeat(100)] {
            let error = scan(&Bytes::from(object), &matcher()).unwrap_err();
            assert!(matches!(error, FormatError::Corrupt(_)), "{error}");
        }
    }
    // The rest of a line that lost its beginning hides nothing.
    let rest = "{\"userId\": \"u1\"}\nerId\": \"v1\"}\n";
    assert_eq!(left(&format!("{rest}{{\"userId\": \"u7\"}}\n")), rest);
    assert_eq!(left("], \"userId\": \"v1\"}\n{\"userId\": \"u7\"}\n"), "], \"userId\": \"v1\"}\n");
}

#[test]
fn an_array_longer_than_a_block_is_read_through() {
    let ids = |keep: fn(usize) -> bool| {
        let all = (0..40_000).filter(|n| keep(*n));
        let all = all
            .map(|n| format!("  {{\n \"userId\": \"u{}\", \"n\": {n}\n }}", if n % 3 == 0 { 7 } else { 1 }));
        format!("[\n{}\n]\n", all.collect::<Vec<_>>().join(",\n"))
    };
    assert!(left(&ids(|_| true)) == ids(|n| n % 3 != 0));
}

proptest! {
    /// Whichever records are removed, the rest is what a parser says is left.
    #[test]
    fn what_is_left_is_valid(users in proptest::collection::vec(0..3_u8, 0..12), spaces in "[ \n\t]{0,3}", array: bool) {
        let object = |users: &[u8]| -> Vec<String> {
            users.iter().map(|user| format!("{{{spaces}\"userId\"{spaces}:\"u{}\",\"x\":\"[{{,\\\"\"}}", user + 6)).collect()
        };
        let (before, kept) = (object(&users), object(&users.iter().copied().filter(|user| *user != 1).collect::<Vec<_>>()));
        let text = if array {
            format!("[{spaces}{}{spaces}]", before.join(&format!("{spaces},{spaces}")))
        } else {
            before.join("")
        };
        let (out, report) = purged(text).unwrap();
        let values = Deserializer::from_slice(&out).into_iter::<Value>();
        let mut values: Vec<_> = values.collect::<Result<_, _>>().unwrap();
        if array {
            prop_assert_eq!(values.len(), 1);
            values = values.remove(0).as_array().unwrap().clone();
        }
        let kept: Vec<Value> = kept.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(values, kept);
        prop_assert_eq!(report.removed as usize, users.iter().filter(|user| **user == 1).count());
    }
}

/// Pieces of which JSON is made.
const PIECES: &str =
    r#"{ } [ ] , : "userId" "u7" "u8" "x" 7 null \ " {"userId":"u7"} {"userId":"u8"} [{ }] }{"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    /// In whatever order, as the fuzz target `values` has it: of what is JSON, JSON is left, with all survivors.
    #[test]
    fn pieces_of_json_lose_no_survivor(pieces in proptest::collection::vec(proptest::sample::select(pieces()), 0..16)) {
        let text = pieces.concat();
        for matcher in [matcher(), matcher().strict()] {
            let mut out = Vec::new();
            if let (Ok(report), Some(before)) =
                (rewrite(&Bytes::from(text.clone()), &mut out, &matcher), survivors(text.as_bytes(), &matcher))
                && !report.leaves_nothing()
            {
                prop_assert_eq!(survivors(&out, &matcher), Some(before), "{}", text);
            }
        }
    }
}

fn pieces() -> Vec<&'static str> {
    PIECES.split(' ').chain(["\n", " ", "\u{feff}"]).collect()
}

/// The records that stay of objects and arrays of records; none, if the text is anything else.
fn survivors(text: &[u8], matcher: &Matcher) -> Option<Vec<Value>> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let values: Vec<Value> = Deserializer::from_slice(text).into_iter().collect::<Result<_, _>>().ok()?;
    let all = values.iter().all(|value| value.is_object() || value.is_array());
    let records = values.into_iter().flat_map(|value| match value {
        Value::Array(elements) => elements,
        value => vec![value],
    });
    let stays =
        |record: &Value| matcher.line(record.to_string().as_bytes(), &mut Vec::new()) != Verdict::Remove;
    all.then(|| records.filter(stays).collect())
}

/// The fast path finds as much as a full parse of every line, where lines hold several records.
#[test]
fn lines_of_several_records_are_found_fast_as_by_a_full_parse() {
    use crate::matching::tests::{Dice, subjects};
    let matcher = Matcher::new(&Rules::segment(), &subjects());
    let mut found = 0;
    for seed in 0..6000 {
        let mut dice = Dice(seed);
        let mut object = b"{}\n".to_vec();
        for _ in 0..3 {
            let records = [dice.line(), dice.line()];
            object.extend(match dice.roll(4) {
                0 => records.concat(),
                1 => records.join(&b' '),
                2 => [b"[", &records.join(&b',')[..], b"]"].concat(),
                _ => records[0].clone(),
            });
            object.push(b'\n');
        }
        let object = Bytes::from(object);
        let reports = [matcher.clone(), matcher.clone().strict()].map(|matcher| {
            let mut out = Vec::new();
            rewrite(&object, &mut out, &matcher).map(|report| (report.lines, report.hits, out)).ok()
        });
        let text = String::from_utf8_lossy(&object);
        // The fast path may count one record more or less for lines that no parser can read: see `BlockScan`.
        let [Some((_, fast, left)), Some((_, strict, all))] = reports else { continue };
        assert_eq!((&fast, &left), (&strict, &all), "{text}");
        found += fast.values().sum::<u64>();
    }
    assert!(found > 600, "{found}");
}

/// A matcher for user `u7` at these paths.
fn at(paths: &[&str]) -> Matcher {
    let rules = Rules::at_paths(paths.iter().copied()).unwrap();
    Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]))
}

/// CloudTrail, HAR and OpenTelemetry write a file of many people's records as one object; others list members in a row.
#[test]
fn a_record_of_many_people_is_not_removed_for_one_of_them() {
    let trail = r#"{"Records":[{"user":{"name":"u7"}},{"user":{"name":"u1"}},{"event":"x"}]}"#;
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(trail).unwrap()).unwrap();
    for object in [
        trail.to_owned(),
        format!("{trail}\n"),
        format!("\u{feff}{trail}\r\n\n"),
        format!("[{trail}]"),
        pretty,
        format!("{{\"log\":{trail},\"Records\":[]}}"),
        r#"{"Records":[[{"user":{"name":"u7"}}],[{"user":{"name":"u1"}}]]}"#.to_owned(),
        r#"{"Records":[{"user":{"name":"u7"}},{"user":{"name":"u1"}}],"name":null,"id":""}"#.to_owned(),
        // Beside other records, as plain ids, in text, and in two arrays.
        format!("{trail}\n{{\"event\":\"y\"}}\n"),
        r#"{"id":["u1","u7"]}"#.to_owned(),
        r#"{"id":"[\"u1\",\"u7\"]"}"#.to_owned(),
        r#"{"id":["u7"],"name":[["u1"]]}"#.to_owned(),
    ] {
        let matcher = at(&["Records.user.name", "log.Records.user.name", "name", "id"]);
        for packed in [object.clone().into_bytes(), gzip(object.as_bytes()), zstd(object.as_bytes())] {
            for way in [matcher.clone(), matcher.clone().strict()] {
                let packed = Bytes::from(packed.clone());
                let report = scan(&packed, &way).unwrap();
                assert_eq!((report.removed, report.shared, report.hits.len()), (0, 1, 0), "{object}");
                assert_eq!(rewrite(&packed, &mut Vec::new(), &way).unwrap(), report);
            }
        }
    }
}

#[test]
fn a_file_of_one_event_goes_though_the_event_has_arrays() {
    for (object, paths) in [
        (r#"{"userId":"u7","properties":{"products":[{"id":1},{"id":2}]}}"#, &["userId"][..]),
        // Whose the event is says the event itself, or the one element.
        (r#"{"userId":"u1","context":{"ids":[{"id":"u7"},{"id":"x"}]}}"#, &["userId", "context.ids.id"]),
        (r#"{"userId":"u7","context":{"ids":[{"id":"u7"},{"id":"x"}]}}"#, &["userId", "context.ids.id"]),
        (r#"{"type":"track","context":{"ids":[{"id":"u7"}]}}"#, &["userId", "context.ids.id"]),
        (r#"{"anonymousIds":["u7","u7"]}"#, &["anonymousIds"]),
        ("{\n  \"userId\": \"u7\",\n  \"ids\": [{\"id\": 1}, {\"id\": 2}]\n}\n", &["userId", "ids.id"]),
    ] {
        let report = scan(&Bytes::from(object), &at(paths)).unwrap();
        assert!(report.leaves_nothing(), "{object}");
    }
}

/// Drivers and consoles wrap an identifier in an object that says its type.
#[test]
fn an_identifier_in_an_object_makes_the_record_opaque() {
    let matcher = at(&["id", "user.id"]);
    for (text, opaque) in [
        (r#"{"id":{"$oid":"u7"}}"#, 1),
        (r#"{"id": { "S" : "u1" } }"#, 1),
        (r#"{"user":{"id":{"$numberLong":"7"}}}"#, 1),
        (r#"{"id":[{"$oid":"u1"}]}"#, 1),
        (r#"{"id":"{'$oid': 'u7'}"}"#, 1),
        (r#"{"id":"{'$oid': 'u1'}"}"#, 0),
        (r#"{"id":"{\"$oid\":\"u7\"}"}"#, 1),
        (r#"{"id":{}}"#, 0),
        (r#"{"user":{"x":{"a":1}}}"#, 0),
        (r#"{"x":{"id2":{"a":1}}}"#, 0),
    ] {
        for way in [matcher.clone(), matcher.clone().strict()] {
            let report = scan(&Bytes::from(format!("{text}\n{{\"id\":\"u2\"}}\n")), &way).unwrap();
            assert_eq!((report.removed, report.opaque, report.lines), (0, opaque, 2), "{text}");
        }
    }
    // Among others it is somebody's, too.
    for text in [
        r#"{"id":["u7",{"S":"u2"}]}"#,
        r#"{"id":["u7","{\"S\":\"u2\"}"]}"#,
        r#"{"id":["u7","\ud800"]}"#,
        r#"{"id":["u7",9007199254740992.0]}"#,
        r#"{"id":["u7","{u2"]}"#,
        r#"{"user":[{"id":"u7"},{"id":{"S":"u2"}}]}"#,
    ] {
        for way in [matcher.clone(), matcher.clone().strict()] {
            let report = scan(&Bytes::from(format!("{text}\n")), &way).unwrap();
            assert_eq!((report.removed, report.shared), (0, 1), "{text}");
        }
    }
    // Who is named outside of it owns the record all the same.
    assert_eq!(scan(&Bytes::from(r#"{"id":{"a":1},"user":{"id":"u7"}}"#), &matcher).unwrap().removed, 1);
}

#[test]
fn json_within_a_string_is_read_where_a_path_leads_into_it() {
    let matcher = at(&["payload.user.id", "id"]);
    for text in [
        r#"{"payload":"{\"user\":{\"id\":\"u7\"}}"}"#,
        r#"{"payload":" {\"user\":\"{\\\"id\\\":\\\"u7\\\"}\"}"}"#,
        r#"{"payload":"{\u0022user\u0022:{\u0022id\u0022:\u0022u7\u0022}}"}"#,
        r#"{"payload":"[{\"user\":[{\"\\u0069d\":\"u7\"}]}]"}"#,
        r#"{"id":"[\"u7\"]"}"#,
        r#"{"payload":{"user":"{\n  \"id\": \"u7\"\n}"}}"#,
        r#"{"payload":"\"{\\\"user\\\":{\\\"id\\\":\\\"u7\\\"}}\""}"#,
    ] {
        for way in [matcher.clone(), matcher.clone().strict()] {
            let report = scan(&Bytes::from(format!("{text}\n{{\"id\":\"u2\"}}\n")), &way).unwrap();
            assert_eq!((report.removed, report.lines), (1, 2), "{text}");
        }
    }
}

/// What breaks off in a string is nobody's record, and may be the subject's.
#[test]
fn broken_json_within_a_string_is_opaque_if_it_names_a_subject() {
    let matcher = at(&["m.id"]);
    for (text, opaque) in [
        (r#"{"m":"{\"id\":\"u7\",\"x\":\"tr"}"#, 1),
        (r#"{"m":"{\"id\":\"u7\"}\n{\"id\":\"u2\"}"}"#, 1),
        (r#"{"m":"{\"\u0069d\":\"u7\",}"}"#, 1),
        (r#"{"m":"{\"id\":\"u2\",\"x\":\"tr"}"#, 0),
        (r#"{"m":"{u7 is no key"}"#, 0),
    ] {
        for way in [matcher.clone(), matcher.clone().strict()] {
            let report = scan(&Bytes::from(format!("{text}\n{{\"m\":1}}\n")), &way).unwrap();
            assert_eq!((report.removed, report.opaque, report.lines), (0, opaque, 2), "{text}");
        }
    }
}

/// A program that keeps numbers as floats wrote one of several numbers.
#[test]
fn a_large_number_with_a_fraction_or_an_exponent_names_nobody() {
    let subjects = SubjectSet::new(["9007199254740993", "1152921504606846977", "4200"].map(Subject::user));
    let matcher = Matcher::new(&Rules::segment(), &subjects);
    for (number, removed, opaque) in [
        ("9007199254740992.0", 0, 1),
        ("1.152921504606847e+18", 0, 1),
        ("9007199254740993", 1, 0),
        ("4.2e3", 1, 0),
        ("9007199254740996.0", 0, 0),
    ] {
        for way in [matcher.clone(), matcher.clone().strict()] {
            let report = scan(&Bytes::from(format!("{{\"userId\":{number}}}\n{{}}\n")), &way).unwrap();
            assert_eq!((report.removed, report.opaque), (removed, opaque), "{number}");
        }
    }
}
