//! A spliced gzip is one member with exactly the kept lines, whatever compressed it, and wherever members begin, lines are
//! removed and rewriting pauses.
#![no_main]

use std::cell::Cell;
use std::io::Read;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use libfuzzer_sys::fuzz_target;
use engine::format::{Rewritten, rewrite_from};
use engine::matching::{Matcher, SubjectSet};
use model::rules::Rules;
use model::subject::Subject;
use zlib_rs::{DeflateConfig, Strategy, compress_slice};

static MATCHER: LazyLock<Matcher> =
    LazyLock::new(|| Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")])));

const STRATEGIES: [Strategy; 5] =
    [Strategy::Default, Strategy::Filtered, Strategy::HuffmanOnly, Strategy::Rle, Strategy::Fixed];

fn member(plain: &[u8], how: [u8; 2]) -> Vec<u8> {
    let config = DeflateConfig {
        level: i32::from(how[0] % 10),
        window_bits: 16 + 9 + i32::from(how[0] / 10 % 7),
        mem_level: 1 + i32::from(how[1] % 9),
        strategy: STRATEGIES[usize::from(how[1] / 9 % 5)],
        ..DeflateConfig::default()
    };
    let mut out = vec![0; plain.len() * 2 + 1000];
    compress_slice(&mut out, plain, config).0.to_vec()
}

/// Each byte makes a line: the subject's, or somebody else's with a filler made from the bytes before it. Returns all lines
/// and the kept ones.
fn lines(data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut all, mut kept) = (Vec::new(), Vec::new());
    for (at, &byte) in data.iter().enumerate() {
        let goes = byte % 32 == 0;
        let from = at.saturating_sub(usize::from(byte) / 4);
        let filler: String = data[from..at].iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let filler = filler.repeat(1 + usize::from(byte / 64) * usize::from(byte % 7));
        let end = if at + 1 == data.len() && byte % 2 == 1 { "" } else { "\n" };
        let line = format!("{{\"userId\":\"{}\",\"x\":\"{filler}\"}}{end}", if goes { "u7" } else { "u1" });
        all.extend_from_slice(line.as_bytes());
        if !goes {
            kept.extend_from_slice(line.as_bytes());
        }
    }
    (all, kept)
}

fuzz_target!(|data: &[u8]| {
    let Some((&[pace, cut, a, b, c, d], data)) = data.split_first_chunk() else { return };
    let (all, kept) = lines(data);
    let (head, tail) = all.split_at(all.len() * usize::from(cut) / 256);
    let object = Bytes::from([member(head, [a, b]), member(tail, [c, d])].concat());
    let (mut out, mut from) = (Vec::new(), None);
    loop {
        let asked = Cell::new(0);
        let pause = || asked.replace(asked.get() + 1) >= pace % 4 && pace < 128;
        match rewrite_from(&object, &mut out, &MATCHER, from, &pause).expect("good members") {
            Rewritten::Whole(_) => break,
            Rewritten::Paused(at) => from = Some(at),
        }
    }
    let (mut plain, mut decoder) = (Vec::new(), GzDecoder::new(&out[..]));
    decoder.read_to_end(&mut plain).expect("what is written can be read");
    assert!(plain == kept && decoder.into_inner().is_empty());
});
