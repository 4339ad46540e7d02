//! Compares rewritten gzip with the plain lines that are kept, for objects from different compressors.

use std::cell::Cell;
use std::io::{Read, Write};

use bytes::Bytes;
use flate2::{Compression, FlushCompress, write::GzEncoder};
use proptest::prelude::*;
use zlib_rs::{DeflateConfig, Strategy, compress_slice};

use super::super::{Rewritten, rewrite, rewrite_from};
use crate::matching::tests::Dice;
use crate::matching::{Matcher, SubjectSet};
use model::rules::Rules;
use model::subject::Subject;

fn matcher() -> Matcher {
    Matcher::new(&Rules::segment(), &SubjectSet::new([Subject::user("u7")]))
}

/// Lines of events, some of them of user `u7`: all alike or very different, short or long, blank, or not JSON. Those of
/// `u7` are rare, in bursts, or nearly all.
fn lines(dice: &mut Dice) -> Vec<Vec<u8>> {
    let most = [3, 40, 400, 4000][dice.roll(4)];
    let count = 1 + dice.roll(most);
    let (every, burst) = ([2, 10, 100, 1000, 1_000_000][dice.roll(5)], dice.roll(2) == 0);
    let long = [100, 100_000][dice.roll(2)];
    let mut hit = false;
    // The first line shows that these are JSON lines.
    let line = |n| {
        hit = if burst && dice.roll(3) > 0 { hit } else { dice.roll(every) == 0 };
        let user = if hit { "u7".to_owned() } else { format!("u{}x", dice.roll(50)) };
        let mut line = match dice.roll(40) {
            0 if n > 0 => Vec::new(),
            1 if n > 0 => b"rubbish \"u7\"".to_vec(),
            _ => format!(
                "{{\"userId\":\"{user}\",\"n\":{},\"page\":\"/docs/getting-started\"",
                dice.roll(1 << 30)
            )
            .into_bytes(),
        };
        if line.starts_with(b"{") {
            let filler = if dice.roll(60) == 0 { dice.roll(long) } else { dice.roll(200) };
            line.extend(b",\"x\":\"");
            match dice.roll(3) {
                0 => line.extend(std::iter::repeat_n(b'x', filler)),
                1 => line.extend((0..filler).map(|_| b'a' + dice.roll(26) as u8)),
                _ => line.extend(b"what is said over and over again, ".iter().cycle().take(filler)),
            }
            line.extend(b"\"}");
        }
        line.push(b'\n');
        line
    };
    let mut lines: Vec<_> = (0..count).map(line).collect();
    if let Some(last) = lines.last_mut().filter(|_| dice.roll(2) == 0) {
        last.pop();
    }
    lines
}

/// One member, made by one of many compressors.
fn member(dice: &mut Dice, plain: &[u8]) -> Vec<u8> {
    match dice.roll(4) {
        0 => {
            let level = libdeflater::CompressionLvl::new(dice.roll(13) as i32).unwrap();
            let mut compressor = libdeflater::Compressor::new(level);
            let mut out = vec![0; compressor.gzip_compress_bound(plain.len())];
            let length = compressor.gzip_compress(plain, &mut out).unwrap();
            out.truncate(length);
            out
        }
        1 => {
            // With flushes of all kinds in between.
            let mut out = GzEncoder::new(Vec::new(), Compression::new(dice.roll(10) as u32));
            let mut deflate = flate2::Compress::new(Compression::new(dice.roll(10) as u32), false);
            let mut raw = Vec::new();
            for piece in plain.chunks(1 + dice.roll(20_000)) {
                let flush =
                    [FlushCompress::None, FlushCompress::Sync, FlushCompress::Full, FlushCompress::Partial];
                let (flush, end) = (flush[dice.roll(4)], deflate.total_in() + piece.len() as u64);
                // Level 0 may leave some input for the next call.
                while deflate.total_in() < end {
                    let rest = &piece[piece.len() - (end - deflate.total_in()) as usize..];
                    raw.reserve(rest.len() * 2 + 1000);
                    deflate.compress_vec(rest, &mut raw, flush).unwrap();
                }
            }
            raw.reserve(1 << 20);
            deflate.compress_vec(&[], &mut raw, FlushCompress::Finish).unwrap();
            out.write_all(plain).unwrap();
            let out = out.finish().unwrap();
            [&out[..10], &raw, &out[out.len() - 8..]].concat()
        }
        _ => {
            let strategies = [
                Strategy::Default,
                Strategy::Filtered,
                Strategy::HuffmanOnly,
                Strategy::Rle,
                Strategy::Fixed,
            ];
            let config = DeflateConfig {
                level: dice.roll(10) as i32,
                window_bits: 16 + 9 + dice.roll(7) as i32,
                mem_level: 1 + dice.roll(9) as i32,
                strategy: strategies[dice.roll(5)],
                ..DeflateConfig::default()
            };
            let mut out = vec![0; plain.len() * 2 + 1000];
            let (out, code) = compress_slice(&mut out, plain, config);
            assert_eq!(code, zlib_rs::ReturnCode::Ok);
            out.to_vec()
        }
    }
}

/// Several members, cut anywhere.
fn object(dice: &mut Dice, mut plain: &[u8]) -> Bytes {
    let mut out = Vec::new();
    for _ in 0..[0, 0, 1, 2, 30][dice.roll(5)] {
        let (head, rest) = plain.split_at(dice.roll(plain.len() + 1) / (1 + dice.roll(9)));
        out.extend(member(dice, head));
        plain = rest;
    }
    out.extend(member(dice, plain));
    out.resize(out.len() + dice.roll(2) * dice.roll(600), 0);
    out.into()
}

/// Decompresses with two decoders, which both read one member only and check that nothing follows it.
fn opened(gzip: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(gzip);
    decoder.read_to_end(&mut plain).unwrap();
    assert!(decoder.into_inner().is_empty());
    let mut again = vec![0; plain.len()];
    assert_eq!(libdeflater::Decompressor::new().gzip_decompress(gzip, &mut again), Ok(plain.len()));
    assert!(plain == again);
    plain
}

/// Rewrites, with occasional pauses.
fn rewritten(dice: &mut Dice, object: &Bytes) -> Vec<u8> {
    let (mut out, mut from) = (Vec::new(), None);
    let pace = [1, 2, 1_000_000][dice.roll(3)];
    loop {
        let asked = Cell::new(0);
        let pause = || asked.replace(asked.get() + 1) + 1 >= pace;
        match rewrite_from(object, &mut out, &matcher(), from, &pause).unwrap() {
            Rewritten::Whole(_) => return out,
            Rewritten::Paused(pause) => from = Some(pause),
        }
    }
}

fn check(seed: u64) {
    let mut dice = Dice(seed);
    let lines = lines(&mut dice);
    let kept: Vec<u8> =
        lines.iter().filter(|line| !line.starts_with(b"{\"userId\":\"u7\"")).flatten().copied().collect();
    let object = object(&mut dice, &lines.concat());
    assert!(opened(&rewritten(&mut dice, &object)) == kept, "seed {seed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn survivors_are_the_same_whatever_compressed_them_and_stand_in_one_member(seed: u64) {
        check(seed);
    }
}

/// Events that differ enough for blocks of some size.
fn events(count: usize, goes: impl Fn(usize) -> bool) -> (Vec<u8>, Vec<u8>) {
    let mut dice = Dice(3);
    let (mut all, mut kept) = (Vec::new(), Vec::new());
    for n in 0..count {
        let user = if goes(n) { "u7".to_owned() } else { format!("u{}x", dice.roll(5000)) };
        let line = format!(
            "{{\"userId\":\"{user}\",\"a\":{},\"b\":\"{:x}\"}}\n",
            dice.roll(1 << 30),
            dice.roll(1 << 30)
        );
        all.extend(line.as_bytes());
        if !goes(n) {
            kept.extend(line.as_bytes());
        }
    }
    (all, kept)
}

fn gzip(plain: &[u8], level: u32) -> Bytes {
    let mut out = GzEncoder::new(Vec::new(), Compression::new(level));
    out.write_all(plain).unwrap();
    out.finish().unwrap().into()
}

/// The share of `out` that occurs in `object` at any byte and bit offset, in pieces of 16 bytes.
fn shared_with(out: &[u8], object: &[u8]) -> f64 {
    let known: std::collections::HashSet<[u8; 16]> = (0..8)
        .flat_map(|shift| {
            let shifted: Vec<u8> =
                object.array_windows().map(|&[a, b]| (u16::from_le_bytes([a, b]) >> shift) as u8).collect();
            shifted.array_windows().copied().collect::<Vec<[u8; 16]>>()
        })
        .collect();
    let pieces: Vec<&[u8; 16]> = out.as_chunks().0.iter().collect();
    pieces.iter().filter(|piece| known.contains(**piece)).count() as f64 / pieces.len() as f64
}

#[test]
fn only_what_is_around_a_line_that_goes_is_compressed_anew() {
    for level in [1, 6, 9] {
        let (all, kept) = events(40_000, |n| n == 20_000);
        let object = gzip(&all, level);
        let mut out = Vec::new();
        rewrite(&object, &mut out, &matcher()).unwrap();
        assert!(opened(&out) == kept);
        let share = shared_with(&out, &object);
        assert!(share > 0.95, "{share}");
        assert!(out.len() < object.len() + 1000, "{} {}", out.len(), object.len());
    }
}

#[test]
fn nothing_grows_where_lines_go_at_any_distance() {
    for every in [3, 50, 400, 1000, 5000] {
        let (all, kept) = events(40_000, |n| n % every == every / 2);
        let object = gzip(&all, 6);
        let mut out = Vec::new();
        rewrite(&object, &mut out, &matcher()).unwrap();
        assert!(opened(&out) == kept);
        let whole = gzip(&kept, 6);
        assert!(out.len() < whole.len() + whole.len() / 100, "{every}: {} {}", out.len(), whole.len());
    }
}

/// Endless blocks, empty blocks, and a record longer than what is kept for copying.
#[test]
fn odd_streams_are_rewritten_in_constant_memory_and_exactly() {
    let (all, kept) = events(20_000, |n| n == 10_000);
    let long = [&b"{\"x\":\""[..], &vec![b'y'; 9 << 20], b"\"}\n"].concat();
    let mut dice = Dice(1);
    let noise: Vec<u8> = (0..6 << 20).map(|_| b'a' + dice.roll(26) as u8).collect();
    let noise = [&b"{\"x\":\""[..], &noise, b"\"}\n"].concat();
    let plain = [&all[..], &long, &all, &noise, &all].concat();
    let wanted = [&kept[..], &long, &kept, &noise, &kept].concat();
    let fixed = DeflateConfig { level: 1, window_bits: 31, strategy: Strategy::Fixed, ..Default::default() };
    let mut room = vec![0; plain.len() * 2];
    let one_block = Bytes::copy_from_slice(compress_slice(&mut room, &plain, fixed).0);
    // 300,000 empty stored blocks between two members' worth of data.
    let empty = [0u8, 0, 0, 0xff, 0xff].repeat(300_000);
    let packed = gzip(&plain, 6);
    let many_empty = Bytes::from([&packed[..10], &empty, &packed[10..]].concat());
    for object in [one_block, packed, many_empty, gzip(&plain, 0)] {
        let mut out = Vec::new();
        rewrite(&object, &mut out, &matcher()).unwrap();
        assert!(opened(&out) == wanted);
    }
}
