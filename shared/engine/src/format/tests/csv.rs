//! Tests of CSV, and of delimited text without a header.

use super::*;

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
fn a_csv_cell_that_cannot_be_read_in_an_identifiers_place_is_opaque() {
    let latin = [&b"userId,note\ncaf\xe9,u1\ncaf\xe9,u7\nu7,caf\xe9\nu1,caf\xe9\n"[..]].concat();
    let (out, report) = purged(latin).unwrap();
    assert_eq!(out, b"userId,note\ncaf\xe9,u1\ncaf\xe9,u7\nu1,caf\xe9\n");
    assert_eq!((report.lines, report.removed, report.unreadable, report.opaque), (4, 1, 0, 2));
}

#[test]
fn bad_csv_rows_are_kept_and_flagged_and_do_not_hide_the_next() {
    let bad =
        "userId,x\n\"u7\"s,1\n1,2\nu7,y\nu7\nu7,1,2\n\nu1,\"a\"b\nu8,caf\u{e9}\nu7,caf\u{e9}\nu1,\"end\n";
    let (out, report) = purged(bad).unwrap();
    let kept = "userId,x\n\"u7\"s,1\n1,2\nu7\nu7,1,2\n\nu1,\"a\"b\nu8,caf\u{e9}\nu1,\"end\n";
    assert_eq!(String::from_utf8(out).unwrap(), kept);
    assert_eq!((report.lines, report.removed, report.unreadable, report.suspect), (10, 2, 6, 3));
}

/// Programs differ on whether what stands behind such a quote is rows or a cell's text.
#[test]
fn a_quote_that_is_not_closed_in_its_line_refuses_the_object() {
    let many = "u1,y\n".repeat(200_000);
    for text in [
        "userId,x\nu1,\"open\nu7,y\n".to_owned(),
        "userId,x\n\"u7\n1,2\nu7,\"stray\nu7,y\n".to_owned(),
        "userId,x\n\"\n1\n\",\",u7".to_owned(),
        "userId,x,y\nv1, \"a note\nu7,\tof two lines\",y\nu1,y,y\n".to_owned(),
        "userId,x\nu1,\"two\nu7,\"\"lines\"s\nu1,y\n".to_owned(),
        format!("userId,x\nu1,\"open\n{many}u7,y\n"),
    ] {
        let error = purged(text).unwrap_err();
        assert!(matches!(error, FormatError::Corrupt(_)), "{error}");
        assert!(error.to_string().contains("a quote that opens a cell"), "{error}");
    }
}

/// Ditto marks, or inches.
#[test]
fn cells_of_one_quote_that_pair_up_over_rows_refuse_the_object() {
    let error = purged("userId,x\nv3,\"\nu7,\"\nu1,y\n").unwrap_err();
    assert!(error.to_string().contains("cells of one quote"), "{error}");
    let (out, _) = purged("userId,x\nv3,\"\nsome, text\n\"\nu7,y\n").unwrap();
    assert_eq!(out, b"userId,x\nv3,\"\nsome, text\n\"\n");
}

/// A cell may be longer than several blocks: its lines are no rows, and its record goes as a whole.
#[test]
fn cells_in_quotes_may_be_long() {
    let long = "text\nq,u7\nu7,q\n".repeat(200_000);
    let wide = "text,".repeat(600_000);
    let others = format!("userId,x\nu1,\"{long}\"\nu2,{}\nu3,\"{wide}\"\n", "y".repeat(2_000_000));
    let theirs = format!("u7,\"{wide}\"\nu7,\"{long}\"\n");
    let (out, report) = purged(format!("{others}{theirs}u1,z\n")).unwrap();
    assert!(out == format!("{others}u1,z\n").as_bytes(), "{} bytes are left", out.len());
    assert_eq!((report.lines, report.removed, report.unreadable), (6, 2, 0));
}

/// A matcher for user `u7` by rules that number columns.
fn numbered(delimiter: &str, quotes: bool, rules: serde_json::Value) -> Matcher {
    let rules =
        serde_json::json!({ "headerless": { "delimiter": delimiter, "quotes": quotes }, "rules": rules });
    Matcher::new(&serde_json::from_value(rules).unwrap(), &SubjectSet::new([Subject::user("u7")]))
}

fn third() -> serde_json::Value {
    serde_json::json!([{ "path": "#3", "type": "USER_ID" }])
}

/// What is left of a text, from a scan and rewrites that agree.
#[track_caller]
fn left(text: &str, matcher: &Matcher) -> (String, Report) {
    let scanned = scan(&Bytes::from(text.to_owned()), matcher).unwrap();
    let mut out = Vec::new();
    assert_eq!(rewrite(&Bytes::from(text.to_owned()), &mut out, matcher).unwrap(), scanned);
    let mut packed = Vec::new();
    rewrite(&Bytes::from(gzip(text.as_bytes())), &mut packed, matcher).unwrap();
    assert_eq!(gunzip(&packed), out);
    (String::from_utf8(out).unwrap(), scanned)
}

/// As Snowplow writes enriched events: tabs, no quotes, no header, even if a cell looks like one.
#[test]
fn rows_without_a_header_go_by_the_number_of_their_column() {
    let matcher = numbered("tab", false, third());
    let first = "userId\tuserId\tuserId\tx\nu7\tu7\t\tx\n";
    let text = format!("{first}w\t\"7\"\tu7\t\"u7\n{{\"a\":1}}\t\t u7\tx\nw\t\tu7\t\r\nw\t\tu77\tx");
    let kept = format!("{first}{{\"a\":1}}\t\t u7\tx\nw\t\tu77\tx");
    for bom in ["", "\u{feff}"] {
        let (out, report) = left(&format!("{bom}{text}"), &matcher);
        assert_eq!(out, format!("{bom}{kept}"));
        assert_eq!((report.lines, report.removed, report.unreadable, report.opaque), (6, 2, 0, 0));
        assert_eq!(report.format.to_string(), "delimited text");
    }
    // Quotes hold delimiters and line feeds where the rules say so.
    let (out, report) = left("1;\"a;\nb\";\"u7\"\n2;\"\"\"\";u8\n", &numbered(";", true, third()));
    assert_eq!((out.as_str(), report.removed), ("2;\"\"\"\";u8\n", 1));
    // Hive's delimiter, a condition, and JSON in a cell.
    let when = serde_json::json!({ "path": "#1", "equals": "a" });
    let rules = serde_json::json!([{ "path": "#2.id", "type": "USER_ID", "when": when }]);
    let text = "a\u{1}{\"id\":\"u7\"}\nb\u{1}{\"id\":\"u7\"}\n";
    assert_eq!(left(text, &numbered("\u{1}", false, rules)).0, "b\u{1}{\"id\":\"u7\"}\n");
    let (_, report) = left("1,2,u7\n1,2,u7\n", &numbered(",", true, third()));
    assert!(report.leaves_nothing());
}

/// What MySQL, spreadsheets and pandas write into cells, beside what RFC 4180 knows.
#[test]
fn a_cell_in_quotes_of_another_make_is_opaque_and_json_in_a_cell_is_read() {
    let matcher =
        Matcher::new(&Rules::at_paths(["userId"]).unwrap(), &SubjectSet::new([Subject::user("u7")]));
    for (cell, removed, opaque) in [
        ("'u7'", 0, 1),
        ("=\"u7\"", 0, 1),
        ("\"=\"\"u7\"\"\"", 0, 1),
        (" `u7`", 0, 1),
        ("'u77'", 0, 0),
        ("o'u7", 0, 0),
        ("\"[\"\"u7\"\"]\"", 1, 0),
        ("\"['u7']\"", 0, 1),
        ("\"['u1']\"", 0, 0),
        ("\"{\"\"$oid\"\": \"\"u1\"\"}\"", 0, 1),
    ] {
        let (_, report) = left(&format!("userId,x\n{cell},1\nu2,2\n"), &matcher);
        assert_eq!((report.removed, report.opaque, report.lines), (removed, opaque, 2), "{cell}");
    }
}

/// Spark and MySQL escape quotes by backslashes. Where that makes other rows, nobody knows whose they are.
#[test]
fn quotes_behind_backslashes_are_refused_where_they_change_the_rows() {
    let matcher =
        Matcher::new(&Rules::at_paths(["userId"]).unwrap(), &SubjectSet::new([Subject::user("u7")]));
    for text in [
        "userId,a,b\nu7,\"5\\\"\",x\nu2,y,\", ok\"\n",
        "userId,a,b\nu2,\"5\\\"\",x\nu7,y,\", ok\"\n",
        "userId,a\nu2,\"say \\\"hi\\\" twice\"\nu7,1\n",
    ] {
        let error = scan(&Bytes::from(text), &matcher).unwrap_err();
        assert!(matches!(error, FormatError::Corrupt(_)), "{text}: {error}");
    }
    // JSON in a cell has both, and a path ends with a backslash.
    for text in
        ["userId,a\nu7,\"{\"\"b\"\": \"\"say \\\"\"hi\\\"\"\"\"}\"\nu2,x\n", "userId,a\nu7,\"C:\\\"\nu2,x\n"]
    {
        let (out, report) = left(text, &matcher);
        assert_eq!((out.as_str(), report.removed), ("userId,a\nu2,x\n", 1), "{text}");
    }
}

#[test]
fn a_mark_before_a_row_hides_nobody() {
    let header = Matcher::new(&Rules::at_paths(["userId"]).unwrap(), &SubjectSet::new([Subject::user("u7")]));
    let text = "userId,x\nu1,a\n\u{feff}u7,b\n\u{feff}\"u7\",c\n\u{feff}u2,d\n";
    assert_eq!(left(text, &header).0, "userId,x\nu1,a\n\u{feff}u2,d\n");
    let text = "1\t2\tu7\n\u{feff}1\t2\tu7\n\u{feff}1\t2\tu1\n";
    assert_eq!(left(text, &numbered("tab", false, third())).0, "\u{feff}1\t2\tu1\n");
}

#[test]
fn rows_whose_columns_may_have_shifted_are_opaque_and_a_text_without_the_columns_is_refused() {
    let matcher = numbered("tab", false, third());
    let shifted = "1\t2\tu1\n1\t2\tx\tu7\n1\tu7\n\n1\t2\tu7\n";
    let (out, report) = left(shifted, &matcher);
    assert_eq!(out, "1\t2\tu1\n1\t2\tx\tu7\n1\tu7\n\n");
    assert_eq!((report.removed, report.unreadable, report.suspect, report.opaque), (1, 3, 2, 2));
    let latin = Bytes::from(&b"1\t2\tu1\n1\t2\t\xe9\n\xe9\t2\tu7\n"[..]);
    let report = scan(&latin, &matcher).unwrap();
    assert_eq!((report.removed, report.opaque), (1, 1));
    for (text, why) in [
        ("1\tu7\n", "text without the columns that the rules number"),
        ("{\"userId\":\"u7\"}\n", "text without the columns that the rules number"),
        ("a\0b\tu7\tu7\n", "binary data of an unknown format"),
    ] {
        let object = Bytes::from(text);
        for error in [scan(&object, &matcher).unwrap_err(), detect(&object, &matcher).unwrap_err()] {
            assert_eq!(error.to_string(), format!("not supported: {why}"));
        }
    }
    for empty in ["", "\n", "\r\n\n"] {
        let (out, report) = left(empty, &matcher);
        assert_eq!((out.as_str(), report.removed, report.opaque), (empty, 0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Against a writer of another make: exactly the rows with the subject in the column go.
    #[test]
    fn rows_without_a_header_go_as_their_writer_meant_them(
        cells in proptest::collection::vec(r#"u7|u1|"|u7"|é|;| |[a-z]{0,3}"#, 0..160),
        quotes: bool,
        feed: bool,
    ) {
        let style = if quotes { ::csv::QuoteStyle::Necessary } else { ::csv::QuoteStyle::Never };
        let line = |row: &[String]| {
            let mut writer = ::csv::WriterBuilder::new();
            let mut writer = writer.delimiter(b';').quote_style(style).from_writer(Vec::new());
            writer.write_record(row.iter().map(|cell| if quotes { cell.as_str() } else { cell.trim_matches(';') })).unwrap();
            String::from_utf8(writer.into_inner().unwrap()).unwrap()
        };
        let rows: Vec<&[String]> = cells.chunks_exact(4).collect();
        let end = if feed { "" } else { "2;2;u7;2" };
        let all = rows.iter().map(|row| line(row)).collect::<String>() + end;
        let kept: String = rows.iter().filter(|row| row[2] != "u7").map(|row| line(row)).collect();
        let (out, report) = left(&all, &numbered(";", quotes, third()));
        prop_assert_eq!(out, kept);
        let quoted = rows.iter().filter(|row| row[2] == "u7\"").count();
        prop_assert_eq!((report.lines, report.opaque), (rows.len() as u64 + u64::from(!feed), quoted as u64));
    }
}

/// As Python's csv module and pandas read it: a bare carriage return outside quotes ends a row.
#[test]
fn rows_may_end_in_carriage_returns_but_not_some_of_them() {
    let rows = "id,userId,note\r1,u1,\"a\rb\"\r2,u7,x\r3,\"u7\",\"\r\n\"\r4,u2,x";
    let kept = "id,userId,note\r1,u1,\"a\rb\"\r4,u2,x";
    for end in ["", "\r"] {
        for bom in ["", "\u{feff}"] {
            let (rows, kept) = (format!("{bom}{rows}{end}"), format!("{bom}{kept}{end}"));
            let (out, report) = purged(rows.clone()).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), kept);
            assert_eq!((report.lines, report.removed, report.unreadable), (4, 2, 0));
            assert_eq!(gunzip(&purged(gzip(rows.as_bytes())).unwrap().0), kept.as_bytes());
        }
    }
    let long = format!("id,userId,note\r{}", "1,u1,x\r2,u7,x\r".repeat(60_000));
    assert_eq!(purged(long).unwrap().1.removed, 60_000);
    for mixed in [
        "userId,x\nu1,1\ru7,2\ru2,3\n",
        "userId,x\ru1,1\ru7,2\nu2,3\r",
        "userId,x\r\nu7,1\rx\r\nu2,1\r\n",
        "userId,x\nu1,1\nu2,\"1\"\ru7,1\n",
        "userId,x\r\nu7,1\r\r\nu2,1\r\n",
    ] {
        assert!(matches!(purged(mixed), Err(FormatError::Corrupt(_))), "{mixed:?}");
    }
    // A file that ends between the two.
    assert_eq!(purged("userId,x\r\nu7,1\r\nu1,1\r").unwrap().0, b"userId,x\r\nu1,1\r");
    let matcher = numbered(",", true, third());
    assert_eq!(left("1,2,u7\r1,2,u1\r", &matcher).0, "1,2,u1\r");
    let mixed = Bytes::from("1,2,u1\n1,2,u1\r1,2,u7\n");
    assert!(matches!(scan(&mixed, &matcher), Err(FormatError::Corrupt(_))));
}

#[test]
fn a_header_that_names_a_column_in_other_quotes_is_refused() {
    for header in [
        "'userId',anonymousId,x",
        "x, userId,anonymousId",
        "\"userId \",anonymousId,x",
        "`userId`,anonymousId,x",
    ] {
        let object = format!("{header}\nu7,a1,x\n");
        assert!(matches!(purged(object), Err(FormatError::Corrupt(_))), "{header}");
    }
    assert_eq!(purged("'user Id',userId,anonymousId\nx,u7,a1\n").unwrap().1.removed, 1);
}

/// As Postgres and Hive write text.
#[test]
fn a_cell_that_is_a_subjects_once_unescaped_is_opaque() {
    let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("DOM\\ada")]));
    let object = Bytes::from("userId\tanonymousId\nDOM\\\\ada\tx\nDOM\\\\bob\tx\nDOM\\ada\tx\n");
    let report = scan(&object, &matcher).unwrap();
    assert_eq!((report.removed, report.opaque), (1, 1));
}

#[test]
fn a_header_that_comes_again_is_nobody_and_another_one_is_refused() {
    let rules = Rules::segment();
    let subjects = ["userId", "u7"].map(Subject::user);
    let matcher = Matcher::new(&rules, &SubjectSet::new(subjects));
    let header = "id,userId,note";
    for (feed, mark) in [("\n", ""), ("\r\n", "\u{feff}"), ("\r", "")] {
        let part = |rows: &str| format!("{mark}{header}{feed}{}", rows.replace('\n', feed));
        let before =
            format!("{}{}{}", part("1,u1,a\n2,u7,b\n"), part("3,u7,c\n"), part("4,u2,userId\n5,userId,1\n"));
        let kept = format!("{}{}{}", part("1,u1,a\n"), part(""), part("4,u2,userId\n"));
        // A row in which a name is a value reads like another header.
        assert!(matches!(scan(&Bytes::from(before.clone()), &matcher), Err(FormatError::Corrupt(_))));
        let (before, kept) = (before.replace("u2,userId", "u2,1"), kept.replace("u2,userId", "u2,1"));
        let (before, kept) = (before.replace("5,userId,1", "5,u7,@"), kept);
        let mut out = Vec::new();
        let report = rewrite(&Bytes::from(before.clone()), &mut out, &matcher).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), kept);
        assert_eq!((report.lines, report.removed, report.unreadable), (5, 3, 0));
        for other in [
            "userId,id,note",
            "id,userId",
            "id;userId;note",
            "id,previousId,note",
            "\"id\",\"userId\",\"more\",\"x\"",
        ] {
            let object = format!("{before}{other}{feed}7,u7,x{feed}");
            assert!(matches!(purged(object), Err(FormatError::Corrupt(_))), "{other}");
        }
    }
}
