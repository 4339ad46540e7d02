//! What is collected can be erased: the engine finds an event by each subject that collection read from it.

use engine::matching::{Matcher, SubjectSet, Verdict};
use jiff::Timestamp;
use model::rules::Rules;
use model::tracking::{Call, read};

#[test]
fn a_purge_finds_an_event_by_each_subject_that_collection_read_in_it() {
    let body = r#"{"context": {"ip": "1.1.1.1"}, "batch": [
        {"type": "identify", "userId": 1e2, "anonymousId": "a\"1"},
        {"type": "alias", "userId": "n", "previousId": "o"},
        {"type": "page", "anonymousId": "x", "previousId": "nobody", "context": {}}]}"#;
    let incoming = read(Call::Batch, body.as_bytes(), Timestamp::UNIX_EPOCH).expect("a good body");
    let mut looked_for = 0;
    for event in &incoming.events {
        for subject in event.subjects() {
            looked_for += 1;
            let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([subject.clone()]));
            assert_eq!(matcher.line(&event.line, &mut Vec::new()), Verdict::Remove, "{subject:?}");
        }
    }
    assert_eq!(looked_for, 6);
}
