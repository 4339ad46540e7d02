//! Text without a header loses exactly the rows that have the subject in the rule's column; rows of another length stay and
//! are opaque.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use engine::format::{rewrite, scan};
use engine::matching::{Matcher, SubjectSet};
use libfuzzer_sys::fuzz_target;
use model::subject::Subject;

/// For text with quotes, and without.
static MATCHERS: LazyLock<[Matcher; 2]> = LazyLock::new(|| {
    [true, false].map(|quotes| {
        let rules = serde_json::json!({
            "headerless": { "delimiter": ";", "quotes": quotes }, "rules": [{ "path": "#2", "type": "USER_ID" }]
        });
        Matcher::new(&serde_json::from_value(rules).expect("rules"), &SubjectSet::new([Subject::user("u7")]))
    })
});

fn cells(line: &[u8]) -> Vec<&[u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).split(|&byte| byte == b';').collect()
}

fuzz_target!(|data: &[u8]| {
    // A first row, so that the bytes are taken for text with two columns.
    let text = [b"u1;u1\n", data].concat();
    let object = Bytes::from(text.clone());
    for (matcher, quotes) in MATCHERS.iter().zip([true, false]) {
        let mut out = Vec::new();
        let Ok(report) = rewrite(&object, &mut out, matcher) else { continue };
        assert_eq!(scan(&object, matcher).expect("it was read before"), report);
        let left = scan(&Bytes::from(out.clone()), matcher).expect("what is left has its first row");
        assert_eq!((left.lines, left.removed, left.opaque), (report.lines - report.removed, 0, report.opaque));
        if quotes {
            continue;
        }
        let rows = text.split_inclusive(|&byte| byte == b'\n');
        let is_theirs = |row: &&[u8]| matches!(cells(row)[..], [_, b"u7"]);
        let kept: Vec<u8> = rows.clone().filter(|row| !is_theirs(row)).flatten().copied().collect();
        assert_eq!(out, kept);
        let strange = |row: &&[u8]| {
            let cells = cells(row);
            !row.trim_ascii().is_empty() && (cells.len() != 2 || str::from_utf8(cells[1]).is_err())
        };
        // So is a cell that names the subject in quotes, or within what only looks like JSON.
        let names = |row: &&[u8]| row.windows(2).any(|bytes| bytes == b"u7");
        let (least, most) = (rows.clone().filter(strange).count(), rows.filter(|row| strange(row) || names(row)).count());
        assert!((least as u64..=most as u64).contains(&report.opaque), "{} of {least} to {most}", report.opaque);
    }
});
