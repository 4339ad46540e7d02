//! Damaged Avro is refused or read, and never crashes the engine. A rewritten file holds no record of the subject.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use engine::format::{rewrite, scan};
use engine::matching::{Matcher, SubjectSet};
use libfuzzer_sys::fuzz_target;
use model::rules::Rules;
use model::subject::Subject;

static MATCHER: LazyLock<Matcher> =
    LazyLock::new(|| Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")])));

const SCHEMA: &[u8] = br#"{"type":"record","name":"r","fields":[{"name":"userId","type":["null","string","long","bytes"]},
    {"name":"anonymousId","type":{"type":"array","items":"string"}},{"name":"m","type":{"type":"map","values":"double"}}]}"#;
const MARK: &[u8] = &[7; 16];

fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut length = bytes.len() << 1;
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(bytes);
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((&which, data)) = data.split_first() else { return };
    let codec: &[u8] = [&b"null"[..], b"deflate", b"snappy", b"zstandard"][usize::from(which % 4)];
    let header = [
        b"Obj\x01\x04",
        &sized(b"avro.schema")[..],
        &sized(SCHEMA),
        &sized(b"avro.codec"),
        &sized(codec),
        b"\0",
        MARK,
    ]
    .concat();
    let file = match which / 4 % 3 {
        0 => [b"Obj\x01", data].concat(),
        1 => [&header[..], data].concat(),
        // A complete block of one to four records.
        _ => [&header[..], &[which / 64 * 2 + 2], &sized(data), MARK].concat(),
    };
    let object = Bytes::from(file);
    let mut out = Vec::new();
    let Ok(report) = rewrite(&object, &mut out, &MATCHER) else { return };
    assert_eq!(scan(&object, &MATCHER).expect("it was read before"), report);
    let left = scan(&Bytes::from(out), &MATCHER).expect("what is written can be read");
    assert_eq!((left.lines, left.removed), (report.lines - report.removed, 0));
});
