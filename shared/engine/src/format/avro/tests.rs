//! Tests of Avro. The files here are written by hand; `tests/writers` has those of other programs.

use bytes::Bytes;

use super::*;
use crate::format::{detect, rewrite, rewrite_from, scan};
use crate::matching::SubjectSet;
use model::rules::Rules;
use model::subject::Subject;

const UUID: &str = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
const PACKINGS: [&str; 5] = ["null", "deflate", "bzip2", "snappy", "zstandard"];

fn put(out: &mut Vec<u8>, number: i64) {
    let mut zigzag = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, bytes.len() as i64);
    out.extend(bytes);
    out
}

fn long(number: i64) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, number);
    out
}

/// A file with these blocks of records.
fn file(schema: &str, packing: &str, blocks: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mark = *b"0123456789abcdef";
    let entries = [("avro.schema", schema), ("avro.codec", packing), ("team", "growth")];
    let mut out = [MAGIC, &long(entries.len() as i64)].concat();
    for (name, value) in entries {
        out.extend([sized(name.as_bytes()), sized(value.as_bytes())].concat());
    }
    out.push(0);
    out.extend(mark);
    for records in blocks {
        let data = Packing::named(packing.as_bytes()).unwrap().close(&records.concat()).unwrap();
        Block { count: records.len() as u64, data }.write(&mark, &mut out).unwrap();
    }
    out
}

fn matcher(id: &str, path: &str) -> Matcher {
    Matcher::new(&Rules::at_paths([path]).unwrap(), &SubjectSet::new([Subject::user(id)]))
}

fn purged(object: &[u8], matcher: &Matcher) -> Result<(Vec<u8>, Report), FormatError> {
    let object = Bytes::copy_from_slice(object);
    let scanned = scan(&object, matcher);
    let mut out = Vec::new();
    let rewritten = rewrite(&object, &mut out, matcher);
    assert_eq!(format!("{scanned:?}"), format!("{rewritten:?}"));
    Ok((out, rewritten?))
}

const EVENT: &str = r#"{"type": "record", "name": "Event", "namespace": "a.b", "fields": [
    {"name": "n", "type": "long"},
    {"name": "userId", "type": ["null", "string"], "default": null}]}"#;

fn event(n: i64, user: Option<&str>) -> Vec<u8> {
    match user {
        None => [long(n), long(0)].concat(),
        Some(user) => [long(n), long(1), sized(user.as_bytes())].concat(),
    }
}

#[test]
fn records_go_and_all_else_stays_byte_for_byte() {
    for packing in PACKINGS {
        let untouched = vec![event(1, Some("u1")), event(2, None), event(3, Some("u77"))];
        let hit = vec![event(4, Some("u7")), event(5, Some("u1")), event(6, Some("u7"))];
        let all = vec![event(7, Some("u7"))];
        let before = file(EVENT, packing, &[untouched.clone(), hit.clone(), all, untouched.clone()]);
        let (after, report) = purged(&before, &matcher("u7", "userId")).unwrap();
        assert_eq!(after, file(EVENT, packing, &[untouched.clone(), vec![hit[1].clone()], untouched]));
        assert_eq!((report.lines, report.removed, report.unreadable), (10, 3, 0));
        assert_eq!(report.format.to_string(), "Avro");
        let (again, report) = purged(&after, &matcher("u7", "userId")).unwrap();
        assert_eq!((again, report.removed), (after, 0));
    }
}

/// Whether a record with this one field is removed, and whether it is opaque.
fn goes(id: &str, path: &str, of: &str, value: Vec<u8>) -> (bool, bool) {
    let schema = format!(r#"{{"type": "record", "name": "r", "fields": [{{"name": "id", "type": {of}}}]}}"#);
    let all = PACKINGS.map(|packing| {
        let object = file(&schema, packing, &[vec![value.clone()]]);
        let (_, report) = purged(&object, &matcher(id, path)).unwrap();
        (report.removed == 1, report.opaque == 1)
    });
    assert!(all.iter().all(|one| *one == all[0]), "{of}: {all:?}");
    all[0]
}

/// Avro writes an array in blocks of any size, so that one element alone says nothing.
#[test]
fn a_record_of_many_people_stays_and_is_reported() {
    let schema = r#"{"type": "record", "name": "r", "fields": [
        {"name": "userId", "type": "string"}, {"name": "ids", "type": {"type": "array", "items": "string"}}]}"#;
    let record = |user: &str, ids: &[&str]| {
        let blocks = ids.iter().flat_map(|id| [long(1), sized(id.as_bytes())]);
        let parts = std::iter::once(sized(user.as_bytes())).chain(blocks).chain([long(0)]);
        parts.flatten().collect::<Vec<u8>>()
    };
    let records = [record("", &["u7", "u1"]), record("u1", &["u7", "u2"]), record("", &["u7", "u7"])];
    let rules = Rules::at_paths(["userId", "ids"]).unwrap();
    let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]));
    for packing in PACKINGS {
        let (after, report) = purged(&file(schema, packing, &[records.to_vec()]), &matcher).unwrap();
        assert_eq!((report.lines, report.removed, report.shared, report.opaque), (3, 2, 1, 0));
        assert_eq!(after, file(schema, packing, &[vec![records[0].clone()]]));
    }
}

/// Connectors wrap identifiers in records and maps; another field that can be compared must not hide them.
#[test]
fn an_identifier_in_a_record_or_a_map_makes_the_record_opaque() {
    for of in [
        r#"{"type": "record", "name": "w", "fields": [{"name": "oid", "type": "string"}]}"#,
        r#"{"type": "array", "items": {"type": "record", "name": "w", "fields": [{"name": "S", "type": "string"}]}}"#,
        r#"{"type": "map", "values": "string"}"#,
    ] {
        let schema = format!(
            r#"{{"type": "record", "name": "r", "fields": [
                {{"name": "anonymousId", "type": "string"}}, {{"name": "userId", "type": {of}}}]}}"#
        );
        let wrapped = match () {
            () if of.contains("array") => [long(1), sized(b"u7"), long(0)].concat(),
            () if of.contains("map") => [long(1), sized(b"S"), sized(b"u7"), long(0)].concat(),
            () => sized(b"u7"),
        };
        let record = [sized(b"a1"), wrapped].concat();
        let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")]));
        let (_, report) = purged(&file(&schema, PACKINGS[0], &[vec![record]]), &matcher).unwrap();
        assert_eq!((report.removed, report.opaque), (0, 1), "{of}");
    }
}

#[test]
fn values_are_compared_by_value() {
    let uuid = uuid::Uuid::parse_str(UUID).unwrap().into_bytes();
    let upper = UUID.to_uppercase();
    for (id, of, value, wanted) in [
        ("42", r#""long""#, long(42), (true, false)),
        ("42", r#""int""#, long(42), (true, false)),
        ("-42", r#""long""#, long(-42), (true, false)),
        ("42", r#""string""#, sized(b"42"), (true, false)),
        ("42", r#""bytes""#, sized(b"42"), (true, false)),
        ("42", r#"{"type": "string"}"#, sized(b"42"), (true, false)),
        ("42", r#""double""#, 42_f64.to_le_bytes().to_vec(), (true, false)),
        ("42", r#""float""#, 42_f32.to_le_bytes().to_vec(), (true, false)),
        ("9007199254740993", r#""double""#, 2_f64.powi(53).to_le_bytes().to_vec(), (false, true)),
        (
            "42",
            r#"{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}"#,
            sized(&4200_i16.to_be_bytes()),
            (true, false),
        ),
        (
            "42",
            r#"{"type": "fixed", "name": "d", "size": 8, "logicalType": "decimal", "precision": 9, "scale": 0}"#,
            42_i64.to_be_bytes().to_vec(),
            (true, false),
        ),
        (
            upper.as_str(),
            r#"{"type": "string", "logicalType": "uuid"}"#,
            sized(UUID.as_bytes()),
            (true, false),
        ),
        (
            upper.as_str(),
            r#"{"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}"#,
            uuid.to_vec(),
            (true, false),
        ),
        (upper.as_str(), r#"{"type": "fixed", "name": "u", "size": 16}"#, uuid.to_vec(), (true, false)),
        (upper.as_str(), r#""bytes""#, sized(&uuid), (true, false)),
        (
            "b",
            r#"{"type": "array", "items": "string"}"#,
            [long(2), sized(b"b"), sized(b"b"), long(0)].concat(),
            (true, false),
        ),
        (
            "b",
            r#"{"type": "array", "items": "string"}"#,
            [long(-1), long(2), sized(b"b"), long(0)].concat(),
            (true, false),
        ),
        (
            "b",
            r#"["null", {"type": "array", "items": ["null", "string"]}]"#,
            [long(1), long(2), long(0), long(1), sized(b"b"), long(0)].concat(),
            (true, false),
        ),
        ("42", r#"{"type": "long", "logicalType": "decimal"}"#, long(42), (true, false)),
        ("42", r#"{"type": "long", "logicalType": "nobody-knows"}"#, long(42), (true, false)),
        ("42", r#""bytes""#, sized(b"\xff\xfe"), (false, true)),
        ("43", r#""long""#, long(42), (false, false)),
    ] {
        assert_eq!(goes(id, "id", of, value), wanted, "{id} {of}");
    }
}

#[test]
fn paths_lead_through_records_maps_and_json_in_text() {
    let map = r#"{"type": "map", "values": "string"}"#;
    let entries = [long(2), sized(b"x"), sized(b"u7"), sized(b"email"), sized(b"a@b.c"), long(0)].concat();
    assert_eq!(goes("a@b.c", "id.email", map, entries.clone()), (true, false));
    assert_eq!(goes("u7", "id.email", map, entries), (false, false));
    let nested = r#"{"type": "record", "name": "x.Inner", "fields": [{"name": "skipped", "type": {"type": "map", "values": "long"}},
        {"name": "next", "type": ["null", "Inner"]}, {"name": "email", "type": "string"}]}"#;
    let inner = |email: &str, next: Vec<u8>| {
        [long(-1), long(3), sized(b"k"), long(1), long(0), next, sized(email.as_bytes())].concat()
    };
    let value = inner("outer", [long(1), inner("u7", long(0))].concat());
    assert_eq!(goes("u7", "id.next.email", nested, value.clone()), (true, false));
    assert_eq!(goes("outer", "id.email", nested, value.clone()), (true, false));
    assert_eq!(goes("u7", "id.email", nested, value), (false, false));
    assert_eq!(goes("u7", "id.userId", r#""string""#, sized(b"{\"userId\":\"u7\"}")), (true, false));
}

#[test]
fn rewriting_goes_on_from_block_to_block() {
    let blocks: Vec<Vec<Vec<u8>>> = (0..20)
        .map(|block| {
            (0..50).map(|n| event(n, Some(if (block * n) % 7 == 3 { "u7" } else { "u1" }))).collect()
        })
        .collect();
    let object = Bytes::from(file(EVENT, "deflate", &blocks));
    let matcher = matcher("u7", "userId");
    let (whole, report) = purged(&object, &matcher).unwrap();
    let (mut out, mut from, mut goes) = (Vec::new(), None, 0);
    let in_goes = loop {
        goes += 1;
        match rewrite_from(&object, &mut out, &matcher, from, &|| true).unwrap() {
            Rewritten::Whole(report) => break report,
            Rewritten::Paused(pause) => {
                let kept = serde_json::to_string(&pause).unwrap();
                from = Some(serde_json::from_str(&kept).unwrap());
            }
        }
    };
    assert!(in_goes == report && out == whole && goes > 10, "{goes} goes");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let rules = Rules::at_paths(["userId", "at"]).unwrap();
    let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]));
    let object = |schema: &str, packing: &str| {
        let with = file(schema, "null", &[vec![event(1, Some("u7"))]]);
        let at = memchr::memmem::find(&with, b"\x08null").unwrap();
        [&with[..at], &sized(packing.as_bytes()), &with[at + 5..]].concat()
    };
    for (schema, packing, says) in [
        (EVENT, "xz", "not supported: Avro compressed by other than"),
        (
            r#"{"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}]}"#,
            "null",
            "not supported: Avro without a field",
        ),
        (
            r#"{"type": "record", "name": "r", "fields": [{"name": "userId", "type": "string"},
                {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]}]}"#,
            "null",
            "not supported: Avro with the field at, of a type",
        ),
        (r#"{"type": "record", "name": "r"}"#, "null", "corrupt"),
        (r#"["#, "null", "corrupt"),
    ] {
        let error = purged(&object(schema, packing), &matcher).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
    for packing in PACKINGS {
        let whole =
            file(EVENT, packing, &[vec![event(1, Some("u7")), event(2, Some("u1"))], vec![event(3, None)]]);
        for cut in 4..whole.len() {
            let read = purged(&whole[..cut], &matcher);
            // At the end of a block, nothing shows that more followed.
            let ends_well = whole[..cut].ends_with(b"0123456789abcdef");
            assert_eq!(read.is_ok(), ends_well && cut < whole.len(), "{packing} {cut}: {read:?}");
        }
        for at in 4..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            let _ = purged(&damaged, &matcher);
        }
    }
    let zipped = {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(&file(EVENT, "null", &[])).unwrap();
        out.finish().unwrap()
    };
    let error = purged(&zipped, &matcher).unwrap_err();
    assert_eq!(error.to_string(), "not supported: Avro that is compressed as a whole: decompress the object");
    let format = detect(&Bytes::from(file(EVENT, "null", &[])), &matcher).unwrap();
    assert_eq!(format.content, Content::Avro);
}

#[test]
fn a_condition_holds_by_a_truth_value_and_is_opaque_by_what_is_not_compared() {
    let rules = r#"[{"path": "userId", "type": "USER_ID", "when": {"path": "is", "equals": "true"}}]"#;
    let rules: Rules = serde_json::from_str(rules).unwrap();
    let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user("u7")]));
    for (of, values, wanted) in [
        (r#""boolean""#, [vec![1], vec![0]], (1, 0)),
        (r#"{"type": "long", "logicalType": "timestamp-millis"}"#, [long(1), long(2)], (0, 2)),
        (
            r#"{"type": "record", "name": "s", "fields": [{"name": "x", "type": "long"}]}"#,
            [long(1), long(2)],
            (0, 2),
        ),
    ] {
        let schema = format!(
            r#"{{"type": "record", "name": "r", "fields": [{{"name": "userId", "type": "string"}}, {{"name": "is", "type": {of}}}]}}"#
        );
        let records = values.map(|value| [sized(b"u7"), value].concat()).to_vec();
        let (_, report) = purged(&file(&schema, "null", &[records]), &matcher).unwrap();
        assert_eq!((report.removed, report.opaque), wanted, "{of}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]
    /// Damaged at several places, as the fuzz target `avro` has it: what is read at all is written so that it can be read,
    /// without the subject.
    #[test]
    fn what_is_left_of_damaged_files_can_be_read(
        packing in 0..PACKINGS.len(),
        damage in proptest::collection::vec((0..1_000_usize, 0..=255_u8), 0..6),
    ) {
        let (theirs, others) = (event(1, Some("u7")), event(2, Some("u1")));
        let mut object = file(EVENT, PACKINGS[packing], &[vec![theirs.clone(), others.clone()], vec![others, theirs]]);
        for (at, byte) in damage {
            let at = at % object.len();
            object[at] = byte;
        }
        let matcher = matcher("u7", "userId");
        if let Ok((out, report)) = purged(&object, &matcher) {
            let left = scan(&Bytes::from(out), &matcher).unwrap();
            proptest::prop_assert_eq!((left.lines, left.removed), (report.lines - report.removed, 0));
        }
    }
}
