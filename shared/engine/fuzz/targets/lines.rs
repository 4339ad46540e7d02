//! The fast line matcher decides exactly as a full parse of each line.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use engine::matching::{Matcher, SubjectSet, Verdict};
use model::rules::Rules;
use model::subject::Subject;

static MATCHERS: LazyLock<[Matcher; 2]> = LazyLock::new(|| {
    let nested = r#"[
        {"path": "a", "type": "USER_ID", "when": {"path": "b", "equals": "c"}},
        {"path": "a.b", "type": "USER_ID", "foldCase": true, "trim": true},
        {"path": ["é/"], "type": "USER_ID"}
    ]"#;
    let rules = [Rules::segment(), serde_json::from_str(nested).expect("rules")];
    rules.map(|rules| Matcher::new(&rules, &SubjectSet::new(["u7", "42", "é", "\"", "0"].map(Subject::user))))
});

fuzz_target!(|data: &[u8]| {
    let Some((&which, block)) = data.split_first() else { return };
    let matcher = &MATCHERS[usize::from(which % 2)];
    let mut fast = Vec::new();
    let count = matcher.blocks().block(block, |line, verdict, hits| fast.push((line, verdict, hits.to_vec())));
    let mut fast = fast.into_iter().peekable();
    let (mut start, mut lines) = (0, 0);
    for piece in block.split_inclusive(|&byte| byte == b'\n') {
        let range = start..start + piece.len();
        start = range.end;
        lines += 1;
        let mut hits = Vec::new();
        let verdict = matcher.line(piece.strip_suffix(b"\n").unwrap_or(piece), &mut hits);
        match fast.next_if(|(at, ..)| *at == range) {
            Some((_, fast_verdict, fast_hits)) => assert_eq!((fast_verdict, fast_hits), (verdict, hits)),
            None => assert_ne!(verdict, Verdict::Remove),
        }
    }
    assert!(fast.next().is_none());
    assert_eq!(count, lines);
});
