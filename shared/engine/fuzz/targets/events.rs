//! For any input of the tracking API: a stored event is one line of JSON, reads back as it was, and a purge finds it by each
//! subject that it names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use engine::matching::{Matcher, SubjectSet, Verdict};
use model::rules::Rules;
use model::tracking::{Call, Event, EventKind, MAX_EVENT, read};

fuzz_target!(|data: &[u8]| {
    let Some((&which, body)) = data.split_first() else { return };
    let call = match usize::from(which) % (EventKind::ALL.len() + 1) {
        0 => Call::Batch,
        number => Call::One(EventKind::ALL[number - 1]),
    };
    let now = "2026-11-24T20:00:00Z".parse().expect("a timestamp");
    let Ok(incoming) = read(call, body, now) else { return };
    for event in &incoming.events {
        assert!(!event.line.contains(&b'\n') && event.line.len() < 4 * MAX_EVENT);
        let stored = Event::stored(&event.line).expect("a stored event is readable");
        assert_eq!(stored.message_id, event.message_id);
        let subjects: Vec<_> = event.subjects().collect();
        assert!(!subjects.is_empty() && stored.subjects().eq(subjects.iter().cloned()));
        for subject in subjects {
            let matcher = Matcher::new(&Rules::segment(), &SubjectSet::new([subject]));
            assert_eq!(matcher.line(&event.line, &mut Vec::new()), Verdict::Remove);
        }
    }
});
