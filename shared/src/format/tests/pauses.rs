//! A rewrite may pause between two lines, and go on in another process.

use std::cell::Cell;

use super::*;

fn lines(count: usize) -> String {
    let owner = |n: usize| if n.is_multiple_of(97) { "u7".to_owned() } else { format!("u{n}x") };
    (0..count).map(|n| format!("{{\"userId\":\"{}\",\"n\":{n}}}\n", owner(n))).collect()
}

/// Rewrites with a pause after every `pace` asked for, each go from what the last one left, as JSON.
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
    for (object, open) in [
        (plain.clone().into_bytes(), (|out: &[u8]| out.to_vec()) as fn(&[u8]) -> Vec<u8>),
        // Reads one member only: the pauses leave it one.
        (gzip(plain.as_bytes()), gunzip),
        (zstd(plain.as_bytes()), |out| zstd::decode_all(out).unwrap()),
    ] {
        let object = Bytes::from(object);
        let (whole, report) = purged(object.clone()).unwrap();
        for pace in [1, 3] {
            let (joined, in_goes, goes) = in_goes(&object, pace);
            assert!(goes > 2, "{goes} goes");
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
    assert!(matches!(again, Err(FormatError::Corrupt(_))), "{again:?}");
}
