//! Files as pyarrow, DuckDB, pandas, polars and fastavro write them, as Firehose joins records and as Snowplow writes
//! enriched events: see `writers/make.py`.
//! `make writers` writes them anew, and has those programs read what a purge leaves of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use engine::filter::{self, FilterSource, IndexKey, Questions};
use engine::format::{rewrite, scan};
use engine::matching::{Matcher, SubjectSet};
use model::rules::Rules;
use model::subject::Subject;
use serde::Deserialize;

#[derive(Deserialize)]
struct About {
    person: String,
    path: String,
    /// The rules, if the path alone does not say them.
    rules: Option<Rules>,
    records: u64,
    theirs: u64,
    /// Dictionaries that name the person, without a row of theirs in the row group.
    #[serde(default)]
    stale: Option<u64>,
    /// Bytes that must not occur in the purged file, in hex.
    needles: Vec<String>,
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}

#[test]
fn a_person_goes_from_files_of_every_writer_and_nobody_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/writers/files");
    let files: BTreeMap<String, About> =
        serde_json::from_slice(&fs::read(folder.join("files.json")).expect("files.json")).expect("its form");
    assert!(files.len() > 45, "{} files", files.len());
    for (name, about) in &files {
        let object = Bytes::from(fs::read(folder.join(name)).expect(name));
        let paths = || Rules::at_paths(about.path.split(',')).expect("paths");
        let rules = about.rules.clone().unwrap_or_else(paths);
        let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user(&*about.person)]));
        let mut out = Vec::new();
        let report = rewrite(&object, &mut out, &matcher).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((report.lines, report.removed), (about.records, about.theirs), "{name}");
        assert!(about.stale.is_none_or(|stale| report.stale == stale), "{name}: {}", report.stale);
        assert_eq!((report.unreadable, report.suspect, report.opaque), (0, 0, 0), "{name}");
        for way in [matcher.clone(), matcher.clone().strict()] {
            assert_eq!(scan(&object, &way).expect(name), report, "{name}");
        }
        let out = Bytes::from(out);
        let again = scan(&out, &matcher).unwrap_or_else(|error| panic!("{name}, rewritten: {error}"));
        assert_eq!((again.lines, again.is_hit()), (about.records - about.theirs, false), "{name}");
        for needle in &about.needles {
            assert!(memchr::memmem::find(&out, &unhex(needle)).is_none(), "{name}: a needle is left");
        }
        index_rules_nobody_out(name, &object, &rules, &about.person);
        if let Some(folder) = std::env::var_os("PURGED") {
            fs::write(Path::new(&folder).join(name), &out).expect("a folder to write to");
        }
    }
}

#[derive(Deserialize)]
struct Kept {
    person: String,
    path: String,
    /// Why it is refused; else `opaque` records are kept, as nobody knows whose they are.
    refused: Option<String>,
    #[serde(default)]
    opaque: u64,
}

#[test]
fn what_cannot_be_told_apart_is_left_alone_and_reported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/writers/files");
    let files: BTreeMap<String, Kept> =
        serde_json::from_slice(&fs::read(folder.join("kept.json")).expect("kept.json")).expect("its form");
    for (name, about) in &files {
        let object = Bytes::from(fs::read(folder.join(name)).expect(name));
        let rules = Rules::at_paths(about.path.split(',')).expect("paths");
        let matcher = Matcher::new(&rules, &SubjectSet::new([Subject::user(&*about.person)]));
        let (scanned, rewritten) = (scan(&object, &matcher), rewrite(&object, &mut Vec::new(), &matcher));
        assert_eq!(format!("{scanned:?}"), format!("{rewritten:?}"), "{name}");
        match (&about.refused, scanned) {
            (Some(why), Err(error)) => {
                assert_eq!(error.to_string(), format!("not supported: {why}"), "{name}")
            }
            (None, Ok(report)) => assert_eq!((report.removed, report.opaque), (0, about.opaque), "{name}"),
            (_, result) => panic!("{name}: {result:?}"),
        }
    }
}

/// Everyone in a file is in its filter, even if nobody was searched for when the filter was made.
fn index_rules_nobody_out(name: &str, object: &Bytes, rules: &Rules, person: &str) {
    let (key, source) = (IndexKey::new(b"secret"), FilterSource { etag: "e", version: None, rules });
    let nobody = Matcher::new(rules, &SubjectSet::new([]));
    let (_, filter) = filter::scan(object, &nobody, &key).expect(name);
    let sealed = filter.map(|filter| filter.seal(&source, &key));
    let opened = sealed.map(|sealed| filter::Filter::open(&sealed, &source, &key).expect("just sealed"));
    let person = Matcher::new(rules, &SubjectSet::new([Subject::user(person)]));
    assert!(opened.is_none_or(|filter| filter.may_contain(&Questions::new(&person, &key))), "{name}");
}
