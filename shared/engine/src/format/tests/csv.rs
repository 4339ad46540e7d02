//! Tests of CSV.

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
fn a_csv_cell_that_cannot_be_read_in_an_identifiers_place_is_unreadable() {
    let latin = [&b"userId,note\ncaf\xe9,u1\ncaf\xe9,u7\nu7,caf\xe9\nu1,caf\xe9\n"[..]].concat();
    let (out, report) = purged(latin).unwrap();
    assert_eq!(out, b"userId,note\ncaf\xe9,u1\ncaf\xe9,u7\nu1,caf\xe9\n");
    assert_eq!((report.lines, report.removed, report.unreadable, report.suspect), (4, 1, 2, 1));
}

#[test]
fn bad_csv_rows_are_kept_and_flagged_and_do_not_hide_the_next() {
    let bad = "userId,x\n\"u7\n1,2\nu7,\"stray\nu7,y\nu7\nu7,1,2\n\nu1,\"a\"b\nu8,caf\u{e9}\nu7,caf\u{e9}\n";
    let (out, report) = purged(bad).unwrap();
    let kept = "userId,x\n\"u7\n1,2\nu7,\"stray\nu7\nu7,1,2\n\nu1,\"a\"b\nu8,caf\u{e9}\n";
    assert_eq!(String::from_utf8(out).unwrap(), kept);
    assert_eq!((report.lines, report.removed, report.unreadable, report.suspect), (10, 2, 6, 4));
}
