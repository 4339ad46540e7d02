//! What the ids in the beginning of an object look like.

use std::io::Read;

use serde_json::Value;

use model::id_shape::{Known, Shape};
use model::rules::Rules;
use model::subject::SubjectType;

/// How many bytes are looked at, decompressed.
const MOST: u64 = 1 << 20;

/// Counts the shapes of the ids of one kind in the first bytes of an object of JSON lines, plain, gzip or zstd. They
/// may break off anywhere. Nothing is counted in other formats.
pub fn shapes(rules: &Rules, kind: SubjectType, head: &[u8]) -> Known {
    let mut plain = Vec::new();
    // What is cut off ends with an error; what came before it will do.
    let _ = match head {
        [0x1f, 0x8b, ..] => flate2::read::MultiGzDecoder::new(head).take(MOST).read_to_end(&mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => match zstd::stream::read::Decoder::new(head) {
            Ok(decoder) => decoder.take(MOST).read_to_end(&mut plain),
            Err(error) => Err(error),
        },
        _ => head.take(MOST).read_to_end(&mut plain),
    };
    let mut known = Known::new();
    for line in plain.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
        for rule in rules.iter().filter(|rule| rule.kind == kind && rule.when.is_none()) {
            count(&record, &rule.path, &mut known);
        }
    }
    known
}

fn count(value: &Value, path: &[String], known: &mut Known) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| count(item, path, known)),
        (Value::Object(fields), [first, rest @ ..]) => {
            if let Some(value) = fields.get(first) {
                count(value, rest, known);
            }
        }
        (Value::String(id), []) if !id.trim().is_empty() => *known.entry(Shape::of(id)).or_default() += 1,
        (Value::Number(_), []) => *known.entry(Shape::Number).or_default() += 1,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_gzip_that_is_cut_off_tells_what_its_ids_look_like() {
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
            let known = shapes(&Rules::segment(), SubjectType::UserId, head);
            assert_eq!(known.keys().collect::<Vec<_>>(), [&Shape::Number]);
            assert!(known[&Shape::Number] > 1_000);
        }
        assert!(shapes(&Rules::segment(), SubjectType::UserId, b"PAR1\0\0").is_empty());
    }
}
