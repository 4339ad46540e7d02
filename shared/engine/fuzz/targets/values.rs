//! After a purge, JSON values in any layout are as valid as before, and are exactly the survivors.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use engine::format::{rewrite, scan};
use engine::matching::{Matcher, SubjectSet};
use libfuzzer_sys::fuzz_target;
use model::rules::Rules;
use model::subject::Subject;
use serde_json::{Deserializer, Value};

static MATCHER: LazyLock<Matcher> =
    LazyLock::new(|| Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")])));

/// The top-level values; `None`, if the text is not JSON objects and arrays.
fn values(text: &[u8]) -> Option<Vec<Value>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let values: Result<Vec<Value>, _> = Deserializer::from_slice(text).into_iter().collect();
    values.ok().filter(|values| values.iter().all(|value| value.is_object() || value.is_array()))
}

/// Top-level objects and elements of top-level arrays, without u7's.
fn survivors(values: Vec<Value>) -> Vec<Value> {
    let records = values.into_iter().flat_map(|value| match value {
        Value::Array(elements) => elements,
        value => vec![value],
    });
    records
        .filter(|record| {
            MATCHER.line(record.to_string().as_bytes(), &mut Vec::new()) != engine::matching::Verdict::Remove
        })
        .collect()
}

fuzz_target!(|data: &[u8]| {
    let object = Bytes::copy_from_slice(data);
    for matcher in [MATCHER.clone(), MATCHER.clone().strict()] {
        let mut out = Vec::new();
        let Ok(report) = rewrite(&object, &mut out, &matcher) else { continue };
        assert_eq!(scan(&object, &matcher).expect("it was read before"), report);
        if report.leaves_nothing() {
            continue;
        }
        if let Some(before) = values(data) {
            let after = values(&out).expect("what is left is JSON");
            assert_eq!(survivors(after), survivors(before));
        }
    }
});
