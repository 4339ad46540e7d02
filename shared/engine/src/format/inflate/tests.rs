//! Tests the decoder against zlib-rs.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};

use super::*;
use crate::matching::tests::Dice;

/// Inflates with input and output in pieces of these sizes, and stops before the end of the output.
fn inflate(data: &[u8], piece: usize, room: usize) -> Result<Vec<u8>, Malformed> {
    let (mut inflate, mut whole, mut read, mut seen) = (Inflate::new(), Vec::new(), 0, 0);
    loop {
        // As a caller does: the window precedes the room for output.
        let window = WINDOW.min(whole.len());
        let mut out = whole[whole.len() - window..].to_vec();
        out.resize(window + room, 0);
        let mut at = window;
        loop {
            let (took, place, pause) =
                inflate.run(&data[read..seen], seen == data.len(), &mut out, at, at + room / 3)?;
            (read, at) = (read + took, place);
            match pause {
                Pause::Hungry => {
                    assert!(seen < data.len());
                    seen = data.len().min(seen + piece);
                    continue;
                }
                Pause::Begun(_) | Pause::Ended => continue,
                Pause::Full if at < out.len() => continue,
                Pause::Full | Pause::End => {}
            }
            whole.extend_from_slice(&out[window..at]);
            if pause == Pause::End {
                assert_eq!(read, data.len());
                return Ok(whole);
            }
            break;
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let mut dice = Dice(5);
    let mut samples = vec![vec![], b"a".to_vec(), vec![0; 100_000]];
    for lines in [10, 500, 4_000] {
        samples.push((0..lines).flat_map(|_| dice.line()).collect());
    }
    for period in [2, 3, 7, 31, 32, 33, 300] {
        samples.push((0..70_000).map(|at| (at % period) as u8).collect());
    }
    samples.push((0..200_000).map(|_| dice.roll(256) as u8).collect());
    samples.push((0..200_000).map(|_| (dice.roll(16) * dice.roll(16)) as u8).collect());
    samples
}

fn deflate(plain: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_was_deflated_comes_back_whatever_the_pieces() {
    for plain in samples() {
        for level in [0, 1, 6] {
            let data = deflate(&plain, level);
            for (piece, room) in [(1 << 20, 1 << 20), (1024, 997), (4096, 300), (5000, 40_000)] {
                let same = inflate(&data, piece, room).unwrap() == plain;
                assert!(same, "{} {level} {piece} {room}", plain.len());
            }
        }
    }
}

#[test]
fn damaged_data_is_judged_as_zlib_judges_it() {
    let mut dice = Dice(9);
    for plain in samples().into_iter().filter(|plain| plain.len() < 100_000 && !plain.is_empty()) {
        let data = deflate(&plain, 6);
        for _ in 0..300 {
            let mut damaged = data.clone();
            for _ in 0..1 + dice.roll(3) {
                let at = dice.roll(damaged.len().min(200));
                damaged[at] = dice.roll(256) as u8;
            }
            damaged.truncate(damaged.len() - dice.roll(2) * dice.roll(damaged.len()));
            let mut theirs = flate2::Decompress::new(false);
            let mut whole = vec![0; 1 << 20];
            let result = theirs.decompress(&damaged, &mut whole, flate2::FlushDecompress::Finish);
            whole.truncate(theirs.total_out() as usize);
            match result {
                Ok(flate2::Status::StreamEnd) => {
                    // The bytes after the end are not this decoder's concern.
                    damaged.truncate(theirs.total_in() as usize);
                    assert!(inflate(&damaged, 1 << 20, 1 << 20) == Ok(whole));
                }
                // A kind of decompression bomb: it did not fit.
                _ if whole.len() == 1 << 20 => {}
                _ => assert!(inflate(&damaged, 1 << 20, 1 << 20).is_err()),
            }
        }
    }
}

#[test]
fn what_stands_behind_the_end_is_left_alone_wherever_the_last_stop_was() {
    for plain in samples() {
        for level in [0, 1, 6] {
            let data = deflate(&plain, level);
            let more = [&data[..], &[0xaa; 16]].concat();
            let mut out = vec![0; plain.len() + 400];
            for last in 0..20.min(plain.len()) {
                let mut inflate = Inflate::new();
                let (mut read, mut at, mut stop) = (0, 0, plain.len() - last);
                loop {
                    let (took, place, pause) = inflate.run(&more[read..], true, &mut out, at, stop).unwrap();
                    (read, at) = (read + took, place);
                    match pause {
                        Pause::Full => stop = at + 1,
                        Pause::End => break,
                        _ => {}
                    }
                }
                assert_eq!((read, at), (data.len(), plain.len()));
            }
        }
    }
}
