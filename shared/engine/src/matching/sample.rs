//! The ids at the beginning of an object.

use std::io::Read;

use serde_json::Value;

use model::id_shape::Known;
use model::rules::Rules;
use model::subject::SubjectType;

/// The most plain bytes that are read.
const MOST: u64 = 1 << 20;

/// Notes the ids of one kind in the first bytes of an object of JSON lines, plain, gzip or zstd. The bytes may end anywhere.
/// Other formats are ignored.
pub fn note_ids(rules: &Rules, kind: SubjectType, head: &[u8], known: &mut Known) {
    let mut plain = Vec::new();
    // Truncated data ends with an error; what was decoded before suffices.
    let _ = match head {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(head).take(MOST).read_to_end(&mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => match zstd::stream::read::Decoder::new(head) {
            Ok(decoder) => decoder.take(MOST).read_to_end(&mut plain),
            Err(error) => Err(error),
        },
        _ => head.take(MOST).read_to_end(&mut plain),
    };
    for line in plain.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
        for rule in rules.iter().filter(|rule| rule.kind == kind && rule.when.is_none()) {
            note(&record, &rule.path, known);
        }
    }
}

fn note(value: &Value, path: &[String], known: &mut Known) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| note(item, path, known)),
        (Value::Object(fields), [first, rest @ ..]) => {
            if let Some(value) = fields.get(first) {
                note(value, rest, known);
            }
        }
        (Value::String(id), []) if !id.trim().is_empty() => known.note(id),
        (Value::Number(number), []) => known.note(&number.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use std::collections::BTreeMap;

    use model::id_shape::Shape;

    use super::*;

    fn noted(head: &[u8]) -> BTreeMap<Shape, u64> {
        let mut known = Known::default();
        note_ids(&Rules::segment(), SubjectType::UserId, head, &mut known);
        known.shapes().clone()
    }

    #[test]
    fn a_truncated_gzip_shows_the_shape_of_its_ids() {
        let mut plain = Vec::new();
        for n in 0..5_000 {
            writeln!(plain, r#"{{"userId": "{n}", "anonymousId": "a@b.example", "n": {}}}"#, n * 7919)
                .unwrap();
        }
        plain.extend(br#"{"userId": 7}"#);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let gzip = gzip.finish().unwrap();
        for head in [&gzip[..gzip.len() / 2], &plain] {
            assert!(noted(head)[&Shape::Number] > 1_000);
            assert_eq!(noted(head).len(), 1);
        }
        assert!(noted(b"PAR1\0\0").is_empty());
    }
}
