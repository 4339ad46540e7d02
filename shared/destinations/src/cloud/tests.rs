//! Plays every vendor's fixture: the calls that it documents are sent, and its answers are read as it means them.
//!
//! Every case is also played with a crash before each reply: the same calls go out again.

use std::fs;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::fixture::{Canned, Entry, Expected, Person, fixture, folder};
use super::*;
use crate::catalog;

/// The time at which every fixture plays.
const NOW: &str = "2026-08-01T12:00:00Z";
const KEY: &str = "1f0c1a52-6f0e-4d43-9d5f-0d9f6c1d2e3f";

impl Expected {
    fn assert(&self, call: &Call, place: &str) {
        assert_eq!((call.method, call.url.as_str()), (self.method.as_str(), self.url.as_str()), "{place}");
        for (name, value) in &self.headers {
            let sent = call.headers.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str());
            assert_eq!(sent, value.as_str(), "{place}: the header {name}");
        }
        let text = String::from_utf8(call.body.clone()).expect("bodies are text");
        match (&self.json, &self.text) {
            (Some(json), _) => {
                let sent: Value = serde_json::from_str(&text).expect("a body of JSON");
                assert_eq!(&sent, json, "{place}: the body");
            }
            (None, wanted) => assert_eq!(text, wanted.as_deref().unwrap_or_default(), "{place}: the body"),
        }
    }
}

impl Canned {
    fn reply(&self) -> Arc<Reply> {
        let header = |name| Some((name, self.headers.get(name)?.as_str()?.to_owned()));
        let headers = Reply::HEADERS.into_iter().filter_map(header).collect();
        let mut reader = HashReader::default();
        reader.read(self.body.to_string().as_bytes());
        let hashes = reader.end().0;
        Arc::new(Reply { status: self.status, headers, body: self.body.clone(), hashes })
    }
}

/// Plays an exchange. Before each reply the batch is asked twice, and once more from its note: the first call
/// since then must come again.
fn play(
    (settings, secrets): (&Map<String, Value>, &Secrets),
    people: &[Vec<Subject>],
    exchange: &[Entry],
    place: &str,
    next: impl Fn(&Ask<'_>) -> Result<Step>,
) -> Result<Step> {
    let (mut note, mut replies, mut first) = (Value::Null, Vec::new(), None);
    let ask = |note: &Value, replies: &[Arc<Reply>]| {
        next(&Ask {
            people,
            settings,
            secrets,
            note,
            replies,
            now: NOW.parse::<Timestamp>().expect("a time"),
            key: KEY,
        })
    };
    for (at, entry) in exchange.iter().enumerate() {
        let place = format!("{place}, {}", at + 1);
        let step = ask(&note, &replies)?;
        assert_eq!(ask(&note, &replies)?, step, "{place}: asked twice, it answers the same");
        match (entry, step) {
            (Entry::Exchange { call, reply }, Step::Send(sent)) => {
                if let Some(expected) = call {
                    expected.assert(&sent, &place);
                }
                let first = first.get_or_insert(sent);
                assert_eq!(ask(&note, &[])?, Step::Send(first.clone()), "{place}: after a crash");
                replies.push(reply.reply());
            }
            (Entry::Wait { wait: wanted }, Step::Wait(noted))
            | (Entry::Keep { keep: wanted }, Step::Keep(noted)) => {
                assert_eq!(&noted, wanted, "{place}: the note");
                (note, first) = (noted, None);
                replies.clear();
            }
            (_, step) => panic!("{place}: {step:?} instead"),
        }
    }
    ask(&note, &replies)
}

#[test]
fn every_vendor_does_what_its_documentation_says() {
    for vendor in VENDORS {
        let name = vendor.description().vendor;
        let fixture = fixture(name);
        for case in &fixture.cases {
            let place = format!("{name}: {}", case.name);
            let settings = case.settings.as_ref().unwrap_or(&fixture.settings);
            let given: Vec<_> = case.subjects.iter().map(Person::identifiers).collect();
            let people: Vec<_> = given.iter().map(|person| vendor.identifiers(person, settings)).collect();
            if people.iter().any(Vec::is_empty) {
                assert!(case.exchange.is_empty() && case.outcomes == [Outcome::NoIdentifier], "{place}");
                continue;
            }
            vendor.description().check_forms(settings, false).expect(&place);
            let secrets = case.secrets.as_ref().unwrap_or(&fixture.secrets);
            vendor.check_secrets(secrets).expect(&place);
            let end = play((settings, secrets), &people, &case.exchange, &place, |ask| vendor.next(ask));
            let (outcomes, failure) = match end {
                Err(failure) | Ok(Step::Apart(failure)) => (Vec::new(), Some(failure)),
                Ok(Step::Sorted(outcomes, failure)) => (outcomes, Some(failure)),
                Ok(Step::Done(outcomes)) => (outcomes, None),
                end => panic!("{place}: {end:?} instead"),
            };
            assert_eq!(outcomes, case.outcomes, "{place}");
            assert_eq!(failure.as_ref().map(|failure| failure.kind.to_string()), case.failure, "{place}");
            let said = failure.map(|failure| failure.public).unwrap_or_default();
            assert!(given.iter().flatten().all(|one| !said.contains(&one.id)), "{place}: {said}");
        }
        let connection = (&fixture.settings, &fixture.secrets);
        let end = play(connection, &[], &fixture.check, &format!("{name}: check"), |ask| vendor.check(ask));
        assert_eq!(end, Ok(Step::Done(Vec::new())), "{name}: check");
    }
}

#[test]
fn every_vendor_stands_once_in_the_catalogue_with_docs_fields_and_a_whole_fixture() {
    for vendor in VENDORS {
        let description = vendor.description();
        let name = description.vendor;
        assert_eq!(catalog().filter(|d| d.vendor == name).count(), 1, "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
        let fixture = fixture(name);
        description.check_names(false, fixture.settings.keys()).expect(name);
        description.check_names(true, fixture.secrets.0.keys()).expect(name);
        description.check_forms(&fixture.settings, false).expect(name);
        let limits = vendor.limits(&fixture.settings);
        assert!(limits.batch > 0 && limits.calls > 0 && limits.at_once > 0, "{name}");
        assert!(description.confirms.is_final(), "{name}");
        if name == "manual" {
            continue;
        }
        assert!(description.docs.starts_with("https://"), "{name}: docs");
        assert!(!fixture.sources.is_empty(), "{name}: sources");
        assert!(vendor.read_on().is_some_and(|day| day.parse::<Date>().is_ok()), "{name}: read on");
        for case in ["success", "unknown user", "refused", "garbage"] {
            fixture.case(case);
        }
        if limits.batch > 1 {
            fixture.case("mixed batch");
        }
        assert!(!fixture.limited.is_empty() && !fixture.check.is_empty(), "{name}: limited, check");
    }
    for description in catalog() {
        for field in description.fields {
            assert!(
                field.help.len() > 10 && !field.help.ends_with('.'),
                "{}.{}",
                description.vendor,
                field.name
            );
        }
    }
}

#[test]
fn every_fixture_has_its_vendor() {
    for file in fs::read_dir(folder()).expect("fixtures") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        let Some(name) = name.strip_suffix(".json") else { continue };
        vendor(name).expect("a vendor");
    }
}
