//! Damaged bzip2, zlib, zstd and framed Snappy are refused or read; what is read comes back whole.
#![no_main]

use std::io::{Read, Write};
use std::sync::LazyLock;

use bytes::Bytes;
use engine::format::rewrite;
use engine::matching::{Matcher, SubjectSet};
use libfuzzer_sys::fuzz_target;
use model::rules::Rules;

static NOBODY: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&Rules::segment(), &SubjectSet::new([])));

fn pack(which: u8, plain: &[u8]) -> Vec<u8> {
    match which {
        0 => {
            let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            out.write_all(plain).and_then(|()| out.finish()).expect("memory")
        }
        1 => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(plain).and_then(|()| out.finish()).expect("memory")
        }
        2 => zstd::encode_all(plain, 1).expect("memory"),
        _ => {
            let mut out = snap::write::FrameEncoder::new(Vec::new());
            out.write_all(plain).expect("memory");
            out.into_inner().expect("memory")
        }
    }
}

fn unpack(which: u8, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    match which {
        0 => bzip2::read::MultiBzDecoder::new(bytes).read_to_end(&mut plain)?,
        1 => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut plain)?,
        2 => zstd::stream::read::Decoder::new(bytes)?.read_to_end(&mut plain)?,
        _ => snap::read::FrameDecoder::new(bytes).read_to_end(&mut plain)?,
    };
    Ok(plain)
}

fuzz_target!(|data: &[u8]| {
    let Some((&[which, place, change], data)) = data.split_first_chunk() else { return };
    let which = which % 4;
    // Any text within lines that are JSON.
    let letter = |&byte: &u8| {
        if matches!(byte, b' '..=b'~' | b'\n') && byte != b'"' && byte != b'\\' {
            byte
        } else {
            b'a' + byte % 16
        }
    };
    let lines = data.split(|&byte| byte == b'\n').map(|line| line.iter().map(letter).collect::<Vec<u8>>());
    let plain = lines.map(|line| [b"{\"x\":\"", &line[..], b"\"}\n"].concat()).collect::<Vec<_>>().concat();
    let mut object = pack(which, &plain);
    let at = usize::from(place) * 7 % object.len();
    object[at] ^= change;
    let mut out = Vec::new();
    match rewrite(&Bytes::from(object), &mut out, &NOBODY) {
        Ok(report) if change == 0 => {
            assert_eq!(report.bytes, plain.len() as u64);
            assert_eq!(unpack(which, &out).expect("what is written can be read"), plain);
        }
        Ok(_) => {}
        Err(error) => assert_ne!(change, 0, "{error}"),
    }
});
