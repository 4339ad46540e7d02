//! Tests of JSON lines, one test per table of cases.

use super::*;

/// Checks what is kept of these lines and what is reported, for each line alone and for all in one object.
fn check_lines(cases: &[(&str, bool)]) {
    for (line, goes) in cases {
        let (out, report) = purged(format!("{line}\n{{\"userId\":\"u1\"}}\n")).unwrap();
        assert_eq!(report.removed, u64::from(*goes), "{line}");
        let kept = if *goes { String::new() } else { format!("{line}\n") };
        assert_eq!(String::from_utf8(out).unwrap(), format!("{kept}{{\"userId\":\"u1\"}}\n"));
        assert_eq!((report.unreadable, report.suspect), (0, 0), "{line}");
    }
    let all: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    let kept: Vec<&str> = cases.iter().filter(|(_, goes)| !goes).map(|(line, _)| *line).collect();
    let (out, _) = purged(all.join("\n") + "\n").unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), kept.join("\n") + "\n");
}

#[test]
fn an_id_elsewhere_in_the_line_is_not_a_hit() {
    check_lines(&[
        (r#"{"userId":"u1","url":"https://x.y/u7?userId=u7"}"#, false),
        (r#"{"userId":"u1","referredBy":"u7"}"#, false),
        (r#"{"userId":"u1","assignee":{"userId":"u7"}}"#, false),
        (r#"{"userId":"u1","raw":"{\"userId\":\"u7\"}"}"#, false),
        (r#"{"userId":"u1","anonymousId":"u7"}"#, false),
        (r#"{"userId":"a7","anonymousId":"u1"}"#, false),
        (r#"{"userId":"u77"}"#, false),
        (r#"{"userId":"xu7"}"#, false),
        (r#"{"userId":"U7"}"#, false),
        (r#"{"userId":" u7 "}"#, false),
        (r#"{"userid":"u7"}"#, false),
        (r#"{"keys":["userId","u7"]}"#, false),
        (r#"{"userId":"u7"}"#, true),
    ]);
}

#[test]
fn lines_match_by_meaning_as_a_json_parser_reads_them() {
    check_lines(&[
        (r#"{"userId" : "u7"}"#, true),
        ("{\"userId\"\t:\t\"u7\"\r}", true),
        (r#"  {"userId":"u7"}  "#, true),
        (r#"{"userId":"\u0075\u0037"}"#, true),
        (r#"{"\u0075serId":"u7"}"#, true),
        (r#"{"\u0075\u0073\u0065\u0072\u0049\u0064":"\u00757"}"#, true),
        (r#"{"type":"track","x":{"y":[1,2]},"userId":"u7"}"#, true),
        (r#"{"userId":"ada\u0040example.com"}"#, true),
        (r#"{"userId":"\\u0075\\u0037"}"#, false),
        // Of duplicate keys, the last counts.
        (r#"{"userId":"u7","userId":"u1"}"#, false),
        (r#"{"userId":"u1","userId":"u7"}"#, true),
        (r#"{"userId":"u7","\u0075serId":null}"#, false),
    ]);
}

#[test]
fn previous_id_counts_in_alias_calls_alone() {
    check_lines(&[
        (r#"{"type":"alias","userId":"u1","previousId":"u7"}"#, true),
        (r#"{"previousId":"a7","userId":"u1","type":"alias"}"#, true),
        (r#"{"type":"track","userId":"u1","previousId":"u7"}"#, false),
        (r#"{"userId":"u1","previousId":"u7"}"#, false),
        (r#"{"type":"alias","type":"track","previousId":"u7"}"#, false),
        (r#"{"context":{"type":"alias"},"previousId":"u7"}"#, false),
    ]);
}

#[test]
fn a_number_is_the_string_of_its_digits() {
    let matcher = Matcher::new(
        &Rules::segment(),
        &SubjectSet::new(["123", "0", "12345678901234567890123", "1.5"].map(Subject::user)),
    );
    for (value, goes) in [
        ("123", true),
        ("\"123\"", true),
        ("123.0", true),
        ("1.23e2", true),
        ("12345678901234567890123", true),
        ("12345678901234567890124", false),
        ("1.5", true),
        ("\"123.0\"", false),
        ("1234", false),
        ("-123", false),
        ("0", true),
        ("-0", true),
        ("\"0\"", true),
        ("\"00\"", false),
        ("false", false),
    ] {
        let object = Bytes::from(format!("{{\"userId\":{value}}}\n{{\"userId\": {value} }}\n"));
        let report = scan(&object, &matcher).unwrap();
        assert_eq!((report.removed, report.unreadable), (if goes { 2 } else { 0 }, 0), "{value}");
    }
}

#[test]
fn empty_and_null_match_nobody_and_arrays_any_element() {
    let ids = ["", " ", "null", "true", "{}", "[]", "u7", "42"].map(Subject::user);
    let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new(ids));
    for (value, goes) in [
        ("\"\"", false),
        ("\" \"", false),
        ("null", false),
        ("true", false),
        ("{}", false),
        ("[]", false),
        ("{\"id\":\"u7\"}", false),
        ("{\"u7\":\"u7\"}", false),
        ("[\"u7\",\"u7\",\"\"]", true),
        ("[42]", true),
        ("[[\"u7\"]]", true),
        ("[{\"userId\":\"u7\"}]", false),
        ("[null,\"\"]", false),
        ("\"null\"", true),
    ] {
        let object = Bytes::from(format!("{{\"userId\":{value}}}\n{{\"x\":1}}\n"));
        let report = scan(&object, &matcher).unwrap();
        assert_eq!((report.removed, report.unreadable), (u64::from(goes), 0), "{value}");
    }
}

#[test]
fn unreadable_lines_are_kept_counted_and_flagged_when_they_hold_an_identifier() {
    for (line, suspect) in [
        (&b""[..], false),
        (b"   ", false),
        (b"\t\r", false),
        (b"{\"userId\":\"u7\",\"x\":\"\xff\"}", true),
        (b"{\"userId\":\"u1\",\"x\":\"\xff\"}", false),
        (b"{\"userId\":\"u7\",\"x\":\"\0\"}", true),
        (b"{\"userId\":\"u7\"", true),
        (b"{\"userId\":\"u7", true),
        (b"{\"userId\":\"u", false),
        (b"{'userId':'u7'}", true),
        (b"{userId:\"u7\"}", true),
        (b"{\"userId\":\"u7\",}", true),
        (b"\"u7\"", true),
        (b"null", false),
        (b"[2024] u7 logged in", true),
    ] {
        for end in ["\n", "\r\n", "\n{\"userId\":\"u7\"}\n", ""] {
            let object = [b"{\"userId\":\"u1\"}\n", line, end.as_bytes()].concat();
            let kept = [b"{\"userId\":\"u1\"}\n", line, end.split('{').next().unwrap().as_bytes()].concat();
            let (out, report) = purged(object).unwrap();
            assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&kept));
            let counts = (report.unreadable, report.suspect, report.removed);
            if !(line.is_empty() && end.is_empty()) {
                let removed = u64::from(end.contains("u7"));
                assert_eq!(counts, (1, u64::from(suspect), removed), "{}", String::from_utf8_lossy(line));
            }
        }
    }
}

#[test]
fn line_ends_of_every_kind_stay_and_a_missing_one_does_not_hide_a_hit() {
    let (out, report) =
        purged("{\"userId\":\"u1\"}\r\n{\"userId\":\"u7\"}\r\n{\"userId\":\"u2\"}\r\n").unwrap();
    assert_eq!(out, b"{\"userId\":\"u1\"}\r\n{\"userId\":\"u2\"}\r\n");
    assert_eq!(report.unreadable, 0);
    assert_eq!(purged("{\"userId\":\"u7\"}\n{\"userId\":\"u1\"}").unwrap().0, b"{\"userId\":\"u1\"}");
    assert_eq!(purged("{\"userId\":\"u1\"}\n{\"userId\":\"u7\"}").unwrap().0, b"{\"userId\":\"u1\"}\n");
}

/// The fast path and the full parse agree that these are no JSON, so that nobody is missed without a word.
#[test]
fn numbers_that_are_no_json_make_their_line_unreadable_on_both_paths() {
    let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("123")]));
    for number in
        ["0123", "00123", "0x7B", "123_", "123abc", "+123", "0b1", "123\u{a0}", "1_23", "123 4", "0123.0"]
    {
        let object = Bytes::from(format!("{{\"userId\":{number},\"x\":1}}\n{{\"userId\":\"u1\"}}\n"));
        for way in [matcher.clone(), matcher.clone().strict()] {
            let report = scan(&object, &way).unwrap();
            let suspect = u64::from(number.contains("123"));
            assert_eq!((report.removed, report.unreadable, report.suspect), (0, 1, suspect), "{number}");
        }
    }
}

#[test]
fn a_bare_carriage_return_ends_a_line() {
    let lines = "{\"userId\":\"u1\"}\r{\"userId\":\"u7\"}\r{\"userId\":\"u2\"}\r";
    let kept = "{\"userId\":\"u1\"}\r{\"userId\":\"u2\"}\r";
    for before in ["", "{\"x\":1}\n", "{\"x\":1}\r\n", "oops\r", "{\"x\":1}\noops\r"] {
        let (out, report) = purged(format!("{before}{lines}")).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{before}{kept}"));
        assert_eq!((report.removed, report.suspect), (1, 0), "{before:?}");
    }
    let (_, report) = purged("{\"userId\":\"u7\"}\r{\"userId\":\"u7\"}\r").unwrap();
    assert!(report.leaves_nothing());
}
