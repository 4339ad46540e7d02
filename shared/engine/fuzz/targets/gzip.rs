//! The gzip reader returns what another reader returns, or an error. Plain bytes cut into members come back whole.
#![no_main]

use std::io::{Read, Write};
use std::sync::LazyLock;

use bytes::Bytes;
use engine::format::{FormatError, Report, rewrite};
use engine::matching::{Matcher, SubjectSet};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use model::rules::Rules;

static NOBODY: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&Rules::segment(), &SubjectSet::new([])));

fn through(object: Vec<u8>) -> Result<(Vec<u8>, Report), FormatError> {
    let mut out = Vec::new();
    let report = rewrite(&Bytes::from(object), &mut out, &NOBODY)?;
    Ok((plain(&out).expect("what is written can be read"), report))
}

fn plain(gzip: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(gzip).read_to_end(&mut plain)?;
    Ok(plain)
}

fn member(plain: &[u8], level: u32) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::new(level));
    out.write_all(plain).expect("memory");
    out.finish().expect("memory")
}

fuzz_target!(|data: &[u8]| {
    let Some((&cut, data)) = data.split_first() else { return };
    // Any bytes after a valid member.
    let good = member(b"{}\n", 6);
    let foreign = [&good[..], data].concat();
    if let (Ok((ours, _)), Ok(theirs)) = (through(foreign.clone()), plain(&foreign)) {
        assert_eq!(ours, theirs);
    }
    // Any bytes within lines that are JSON.
    let letter = |byte: &u8| format!("{{\"x\":\"{}\"}}\n", char::from(b' ' + byte % 2));
    let lines = [b"{}\n", data.iter().map(letter).collect::<String>().as_bytes()].concat();
    // A truncated member is always an error.
    let mut damaged = member(&lines, u32::from(cut % 10));
    let at = usize::from(cut) * 7 % damaged.len();
    damaged.truncate(at);
    if at > 2 {
        assert!(matches!(through(damaged), Err(FormatError::Corrupt(_))));
    }
    // Cut into two members anywhere.
    let (a, b) = lines.split_at(usize::from(cut) % lines.len());
    let (ours, report) = through([member(a, 1), member(b, 9)].concat()).expect("two good members");
    assert_eq!(ours, lines);
    assert_eq!(report.bytes, lines.len() as u64);
});
