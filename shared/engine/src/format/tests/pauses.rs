//! Scans and rewrites may pause between two records and resume in another process.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn lines(count: usize) -> String {
    let owner = |n: usize| if n.is_multiple_of(97) { "u7".to_owned() } else { format!("u{n}x") };
    (0..count).map(|n| format!("{{\"userId\":\"{}\",\"n\":\"{}\"}}\n", owner(n), noise(n))).collect()
}

/// Text that compresses badly, so that deflate makes many blocks.
fn noise(n: usize) -> String {
    format!("{:016x}", (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Rewrites with a pause at every `pace`th opportunity. Each invocation resumes from the previous checkpoint, sent
/// through JSON.
fn in_goes(object: &Bytes, pace: usize) -> (Vec<u8>, Report, usize) {
    let (mut out, mut from, mut goes) = (Vec::new(), None, 0);
    loop {
        goes += 1;
        let asked = Cell::new(0);
        let pause = || asked.replace(asked.get() + 1) + 1 >= pace;
        match rewrite_from(object, &mut out, &matcher(), from, &pause).unwrap() {
            Rewritten::Whole(report) => return (out, report, goes),
            Rewritten::Paused(pause) => {
                let kept = serde_json::to_string(&pause).unwrap();
                from = Some(serde_json::from_str(&kept).unwrap());
            }
        }
    }
}

#[test]
fn goes_joined_are_the_whole_in_every_codec() {
    let plain = lines(100_000);
    // `gunzip` reads one member only: the pauses must not add another. A zlib stream cannot pause at all.
    for (codec, pack, open) in PACKINGS {
        let object = Bytes::from(pack(plain.as_bytes()));
        let (whole, report) = purged(object.clone()).unwrap();
        for pace in [1, 3] {
            let (joined, in_goes, goes) = in_goes(&object, pace);
            assert_eq!(goes == 1, codec == Codec::Zlib, "{goes} goes");
            assert_eq!(in_goes, report);
            assert!(open(&joined) == open(&whole), "{:?}", report.format);
        }
    }
}

#[test]
fn an_object_that_became_shorter_meanwhile_is_not_gone_on_with() {
    let object = Bytes::from(lines(50_000));
    let mut out = Vec::new();
    let Ok(Rewritten::Paused(pause)) = rewrite_from(&object, &mut out, &matcher(), None, &|| true) else {
        panic!("it pauses")
    };
    let shorter = Bytes::from(lines(10));
    let again = rewrite_from(&shorter, &mut out, &matcher(), Some(pause), &|| false);
    assert!(again.is_err(), "{again:?}");
}

fn csv(count: usize) -> String {
    let owner = |n: usize| if n.is_multiple_of(97) { "u7".to_owned() } else { format!("u{n}x") };
    let rows = (0..count).map(|n| format!("{n},{},\"two\nlines {}\"\r\n", owner(n), noise(n)));
    std::iter::once("n,userId,note\r\n".to_owned()).chain(rows).collect()
}

/// Checks that an object comes out the same from one invocation and from many, in each codec.
fn is_the_same_in_goes(plain: &str) {
    for (object, open) in [
        (plain.as_bytes().to_vec(), (|out: &[u8]| out.to_vec()) as fn(&[u8]) -> Vec<u8>),
        (gzip(plain.as_bytes()), gunzip),
        (zstd(plain.as_bytes()), |out| zstd::decode_all(out).unwrap()),
    ] {
        let object = Bytes::from(object);
        let (whole, report) = purged(object.clone()).unwrap();
        let (joined, in_goes, goes) = in_goes(&object, 1);
        assert!(goes > 2 && report.removed > 1_000, "{goes} goes");
        assert_eq!(in_goes, report);
        assert!(open(&joined) == open(&whole), "{:?}", report.format);
    }
}

#[test]
fn values_are_rewritten_in_goes_too() {
    let lines = lines(100_000);
    is_the_same_in_goes(&format!("[{}]", lines.trim_end().replace('\n', ",\n")));
    is_the_same_in_goes(&lines.replace('\n', ""));
}

#[test]
fn csv_is_rewritten_in_goes_too() {
    is_the_same_in_goes(&csv(100_000));
}

#[test]
fn text_without_a_header_is_rewritten_in_goes_too() {
    let rules = r##"{"headerless": {"delimiter": ",", "quotes": true}, "rules": [{"path": "#2", "type": "USER_ID"}]}"##;
    let matcher =
        Matcher::new(&serde_json::from_str(rules).unwrap(), &SubjectSet::new([Subject::user("u7")]));
    let text = csv(50_000);
    let object = Bytes::from(text.split_once('\n').unwrap().1.to_owned());
    let (mut whole, mut joined, mut from, mut goes) = (Vec::new(), Vec::new(), None, 0);
    let report = rewrite(&object, &mut whole, &matcher).unwrap();
    assert!(report.removed > 500 && report.opaque == 0);
    let in_goes = loop {
        goes += 1;
        match rewrite_from(&object, &mut joined, &matcher, from, &|| true).unwrap() {
            Rewritten::Whole(report) => break report,
            Rewritten::Paused(pause) => from = Some(pause),
        }
    };
    assert!(goes > 2 && in_goes == report && joined == whole, "{goes} goes");
}

/// Counts the bytes read from it.
struct Counting(Bytes, AtomicU64);

impl Object for Counting {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        struct Counted<'c>(Box<dyn Read + Send + 'c>, &'c AtomicU64);
        impl Read for Counted<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let read = self.0.read(out)?;
                self.1.fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
        }
        Ok(Box::new(Counted(self.0.reader(from)?, &self.1)))
    }
    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        self.0.range(range)
    }
}

/// Scans with a pause at every opportunity. Each invocation resumes from the previous checkpoint, sent through JSON.
/// Returns the number of invocations and of bytes read.
fn scanned_in_goes(object: Vec<u8>) -> (Report, usize, u64) {
    let object = Counting(object.into(), AtomicU64::new(0));
    let (mut from, mut goes) = (None, 0);
    loop {
        goes += 1;
        assert!(goes < 10_000, "it gets on");
        match scan_from(&object, &matcher(), from, &|| true).unwrap() {
            Rewritten::Whole(report) => return (report, goes, object.1.into_inner()),
            Rewritten::Paused(pause) => {
                let kept = serde_json::to_string(&pause).unwrap();
                from = Some(serde_json::from_str(&kept).unwrap());
            }
        }
    }
}

#[test]
fn goes_of_reading_find_what_one_go_finds_and_do_not_begin_anew() {
    let (json, csv) = (lines(100_000), csv(100_000));
    for plain in [&json, &csv] {
        let plain = plain.as_bytes();
        let members = plain.chunks(700_001).flat_map(gzip).collect();
        for object in [plain.to_vec(), gzip(plain), members, zstd(plain)] {
            let whole = scan(&Bytes::from(object.clone()), &matcher()).unwrap();
            let (len, again) = (object.len() as u64, whole.format.codec == Codec::Zstd);
            let (in_goes, goes, read) = scanned_in_goes(object);
            assert_eq!(in_goes, whole);
            assert!(goes > 3, "{goes} goes: {:?}", whole.format);
            // Each invocation reads the first bytes again, and the next one reads again what it read ahead.
            let overhead = goes as u64 * 3 * (128 << 10);
            assert!(again || read <= len + overhead, "{read} of {len} bytes: {:?}", whole.format);
        }
    }
}

#[test]
fn a_go_on_a_damaged_rest_is_told_like_any_other() {
    let mut object = gzip(lines(100_000).as_bytes());
    let Ok(Rewritten::Paused(pause)) = scan_from(&Bytes::from(object.clone()), &matcher(), None, &|| true)
    else {
        panic!("it pauses")
    };
    let last = object.len() - 6;
    object[last] ^= 1;
    let rest = scan_from(&Bytes::from(object), &matcher(), Some(pause), &|| false);
    assert!(matches!(rest, Err(FormatError::Corrupt(_))), "{rest:?}");
}

#[test]
fn each_record_of_a_subject_is_taken_once_however_often_reading_pauses() {
    let mut plain = lines(30_000);
    let mut expected: Vec<String> =
        plain.lines().filter(|line| line.contains("\"u7\"")).map(str::to_owned).collect();
    plain.push_str(
        "[{\"userId\":\"u1\"},\n {\"userId\":\"u7\"} , {\"userId\":\"u2\"}]\n{\"userId\":[\"u7\",\"u1\"]}\n",
    );
    expected.push("{\"userId\":\"u7\"}".to_owned());
    for pace in [1, 3, usize::MAX] {
        let (object, mut from, mut taken) = (Bytes::from(gzip(plain.as_bytes())), None, Vec::new());
        let report = loop {
            let asked = Cell::new(0);
            let pause = || asked.replace(asked.get() + 1) + 1 >= pace;
            let mut take = |record: &[u8]| taken.push(String::from_utf8(record.to_vec()).unwrap());
            match take_from(&object, &matcher(), from, &pause, &mut take).unwrap() {
                Rewritten::Whole(report) => break report,
                Rewritten::Paused(pause) => from = Some(pause),
            }
        };
        assert_eq!((report.removed as usize, report.shared), (expected.len(), 1));
        assert!(taken == expected, "{} of {}", taken.len(), expected.len());
    }
    let csv = Bytes::from("userId,n\nu7,1\n");
    let refused = take_from(&csv, &matcher(), None, &|| false, &mut |_| panic!("it is no JSON"));
    assert!(matches!(refused, Err(FormatError::Unsupported(_))));
}
