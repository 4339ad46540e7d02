//! Inflates raw deflate data (RFC 1951), in safe Rust, at nearly the speed of the best C decoders.
//!
//! 1. A block's code lengths become two tables. One look at the next 11 bits (9 for distances) gives the
//!    symbol, the length of its code and of its extra bits; longer codes go through a subtable.
//! 2. The fast loop runs while 32 bytes of input are in sight and some 300 bytes of room: bits come 8 bytes at a
//!    time, literals up to three per refill, matches in copies of 64 or 32 bytes that may write beyond their end.
//! 3. Near either end the careful loop takes symbol by symbol.
//! 4. The caller's buffer is the window: it keeps the last 32 KiB before the place where new bytes go.
//!
//! The shape of tables and loop is that of libdeflate (<https://github.com/ebiggers/libdeflate>).

use std::ops::ControlFlow;

/// How far back a match may reach.
pub(super) const WINDOW: usize = 32 << 10;
/// As much input as a block's header may need; unless the input ends, so much has to be in sight.
pub(super) const HEADER: usize = 1 << 10;
/// Two literals, the longest match, and what copies may write beyond it.
const ROOM: usize = 2 + 258 + 64;

const LITLEN_BITS: u32 = 11;
const DIST_BITS: u32 = 9;

// An entry of a table: 31 literal? | 16..=30 value | 15 special? | 14 subtable? | 13 end of block? | 8..=12 bits of
// the code alone (for a subtable: the bits of its index) | 0..=5 bits in all, extra bits included.
const LITERAL: u32 = 1 << 31;
const SPECIAL: u32 = 1 << 15;
const SUBTABLE: u32 = 1 << 14;
const END: u32 = 1 << 13;

/// The data is no deflate.
#[derive(Debug, PartialEq)]
pub(super) struct Malformed;

/// Why [`Inflate::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pause {
    /// The room is full.
    Full,
    /// More input is wanted.
    Hungry,
    /// The last block has ended.
    End,
}

enum State {
    Header,
    Stored(usize),
    Codes,
    Ended,
}

/// A decoder between two calls.
pub(super) struct Inflate {
    litlen: Box<[u32; 4096]>,
    dist: Box<[u32; 1024]>,
    bits: u64,
    count: u32,
    last: bool,
    state: State,
    /// Length and distance of a match that did not fit.
    pending: (usize, usize),
}

/// The input and how far it is read.
struct Input<'i> {
    bytes: &'i [u8],
    at: usize,
    ends: bool,
}

impl Inflate {
    pub(super) fn new() -> Self {
        let (litlen, dist) = (Box::new([0; 4096]), Box::new([0; 1024]));
        Self { litlen, dist, bits: 0, count: 0, last: false, state: State::Header, pending: (0, 0) }
    }

    /// Makes ready for other data.
    pub(super) fn reset(&mut self) {
        (self.bits, self.count, self.last, self.state, self.pending) = (0, 0, false, State::Header, (0, 0));
    }

    /// Inflates into `out` from `at` on, with what was inflated before in front of it. `ends`: no input comes behind
    /// this. Returns how much input was read, and the new place in `out`.
    pub(super) fn run(
        &mut self,
        bytes: &[u8],
        ends: bool,
        out: &mut [u8],
        mut at: usize,
    ) -> Result<(usize, usize, Pause), Malformed> {
        let mut input = Input { bytes, at: 0, ends };
        self.matched(out, &mut at)?;
        loop {
            let short = !ends && input.bytes.len() - input.at < HEADER;
            match self.state {
                State::Header if self.last => {
                    // Whole bytes that were taken too early go back.
                    input.at -= (self.count / 8) as usize;
                    (self.bits, self.count, self.state) = (0, 0, State::Ended);
                }
                State::Ended => return Ok((input.at, at, Pause::End)),
                _ if short => return Ok((input.at, at, Pause::Hungry)),
                State::Header => self.header(&mut input)?,
                _ if at == out.len() => return Ok((input.at, at, Pause::Full)),
                State::Stored(left) => {
                    let length = left.min(out.len() - at).min(input.bytes.len() - input.at);
                    if length == 0 && left > 0 {
                        return Err(Malformed);
                    }
                    out[at..at + length].copy_from_slice(&input.bytes[input.at..input.at + length]);
                    (at, input.at) = (at + length, input.at + length);
                    self.state = if left == length { State::Header } else { State::Stored(left - length) };
                }
                State::Codes => {
                    at = self.fast(&mut input, out, at)?;
                    // A few symbols: at the ends of the buffers, or over a block's end.
                    for _ in 0..ROOM {
                        if at == out.len() || self.careful(&mut input, out, &mut at)?.is_break() {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Symbols while there is plenty of input and of room.
    #[inline(never)]
    fn fast(&mut self, input: &mut Input<'_>, out: &mut [u8], mut at: usize) -> Result<usize, Malformed> {
        let (litlen, dist) = (&*self.litlen, &*self.dist);
        let (mut bits, mut count, mut ip) = (self.bits, self.count, input.at);
        let bytes = input.bytes;
        let (Some(in_end), Some(out_end)) = (bytes.len().checked_sub(32), out.len().checked_sub(ROOM)) else {
            return Ok(at);
        };
        if ip > in_end || at > out_end {
            return Ok(at);
        }
        // Above `count` there may be bits that were read already: reading them again gives the same.
        macro_rules! refill {
            () => {
                let word = bytes[ip..].first_chunk().ok_or(Malformed)?;
                bits |= u64::from_le_bytes(*word) << count;
                ip += ((63 - count) >> 3) as usize;
                count |= 56;
            };
        }
        macro_rules! take {
            ($entry:expr) => {
                bits >>= $entry & 63;
                count -= $entry & 63;
            };
        }
        macro_rules! look {
            ($table:expr, $bits:expr) => {
                $table[(bits & ((1 << $bits) - 1)) as usize]
            };
        }
        macro_rules! literal {
            ($entry:expr) => {
                out[at] = ($entry >> 16) as u8;
                at += 1;
            };
        }
        let mut ended = false;
        refill!();
        let mut entry = look!(litlen, LITLEN_BITS);
        // The next entry is always looked up before the last one's bytes are written.
        loop {
            let mut one = entry;
            if one & LITERAL != 0 {
                take!(one);
                entry = look!(litlen, LITLEN_BITS);
                literal!(one);
                one = entry;
                if one & LITERAL != 0 {
                    take!(one);
                    entry = look!(litlen, LITLEN_BITS);
                    literal!(one);
                    one = entry;
                }
            }
            if one & (SPECIAL | SUBTABLE) == SPECIAL | SUBTABLE && one & LITERAL == 0 {
                take!(LITLEN_BITS);
                one = subentry(litlen, one, bits);
            }
            if one & LITERAL != 0 {
                take!(one);
                literal!(one);
                if ip > in_end || at > out_end {
                    break;
                }
                refill!();
                entry = look!(litlen, LITLEN_BITS);
                continue;
            }
            if one & SPECIAL != 0 {
                if one & END == 0 {
                    return Err(Malformed);
                }
                take!(one);
                ended = true;
                break;
            }
            let length = value(one, bits);
            take!(one);
            // Up to 42 bits are gone of 56, and a distance may need 28.
            if count < 28 {
                refill!();
            }
            let mut far = look!(dist, DIST_BITS);
            if far & SPECIAL != 0 {
                if far & SUBTABLE == 0 {
                    return Err(Malformed);
                }
                take!(DIST_BITS);
                far = subentry(dist, far, bits);
                if far & SPECIAL != 0 {
                    return Err(Malformed);
                }
            }
            let distance = value(far, bits);
            take!(far);
            let goes_on = ip <= in_end;
            if goes_on {
                refill!();
                entry = look!(litlen, LITLEN_BITS);
            }
            copy(out, at, distance, length)?;
            at += length;
            if !goes_on || at > out_end {
                break;
            }
        }
        // Bits above `count` go, so that the careful loop may add its own.
        self.bits = bits & ((1 << count) - 1);
        self.count = count;
        input.at = ip;
        if ended {
            self.state = State::Header;
        }
        Ok(at)
    }

    /// One symbol; break: the block has ended.
    fn careful(
        &mut self,
        input: &mut Input<'_>,
        out: &mut [u8],
        at: &mut usize,
    ) -> Result<ControlFlow<()>, Malformed> {
        if !matches!(self.state, State::Codes) || (!input.ends && input.bytes.len() - input.at < 32) {
            return Ok(ControlFlow::Break(()));
        }
        self.refill(input);
        let (bits, mut used) = (self.bits, 0);
        let mut entry = self.litlen[(bits & ((1 << LITLEN_BITS) - 1)) as usize];
        if entry & SUBTABLE != 0 && entry & LITERAL == 0 {
            used = LITLEN_BITS;
            entry = subentry(&*self.litlen, entry, bits >> used);
        }
        if entry & LITERAL != 0 {
            self.take(used + (entry & 63))?;
            out[*at] = (entry >> 16) as u8;
            *at += 1;
            return Ok(ControlFlow::Continue(()));
        }
        if entry & END != 0 {
            self.take(used + (entry & 63))?;
            self.state = State::Header;
            return Ok(ControlFlow::Break(()));
        }
        if entry & SPECIAL != 0 {
            return Err(Malformed);
        }
        let length = value(entry, bits >> used);
        used += entry & 63;
        let mut entry = self.dist[(bits >> used & ((1 << DIST_BITS) - 1)) as usize];
        if entry & SUBTABLE != 0 {
            used += DIST_BITS;
            entry = subentry(&*self.dist, entry, bits >> used);
        }
        if entry & SPECIAL != 0 {
            return Err(Malformed);
        }
        self.pending = (length, value(entry, bits >> used));
        self.take(used + (entry & 63))?;
        self.matched(out, at)?;
        Ok(ControlFlow::Continue(()))
    }

    /// Writes what fits of the pending match.
    fn matched(&mut self, out: &mut [u8], at: &mut usize) -> Result<(), Malformed> {
        let (length, distance) = self.pending;
        let fits = length.min(out.len() - *at);
        if distance > *at {
            return Err(Malformed);
        }
        for place in *at..*at + fits {
            out[place] = out[place - distance];
        }
        *at += fits;
        self.pending.0 -= fits;
        Ok(())
    }

    /// A block's header.
    fn header(&mut self, input: &mut Input<'_>) -> Result<(), Malformed> {
        self.last = self.get(input, 1)? == 1;
        match self.get(input, 2)? {
            0 => {
                self.take(self.count % 8)?;
                let (length, check) = (self.get(input, 16)?, self.get(input, 16)?);
                if length ^ check != 0xffff {
                    return Err(Malformed);
                }
                // Bytes that are in the bit buffer already go back.
                input.at -= (self.count / 8) as usize;
                (self.bits, self.count) = (0, 0);
                self.state = State::Stored(length as usize);
            }
            1 => {
                let lengths: [u8; 288] = std::array::from_fn(|symbol| match symbol {
                    144..256 => 9,
                    256..280 => 7,
                    _ => 8,
                });
                build(&mut self.litlen[..], LITLEN_BITS, &lengths, litlen_entry)?;
                build(&mut self.dist[..], DIST_BITS, &[5; 32], dist_entry)?;
                self.state = State::Codes;
            }
            2 => {
                self.codes(input)?;
                self.state = State::Codes;
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    /// The code lengths of a dynamic block, which are compressed themselves.
    fn codes(&mut self, input: &mut Input<'_>) -> Result<(), Malformed> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let litlens = self.get(input, 5)? as usize + 257;
        let all = litlens + self.get(input, 5)? as usize + 1;
        let precodes = self.get(input, 4)? as usize + 4;
        // As zlib: more symbols than deflate has are an error.
        if litlens > 286 || all - litlens > 30 {
            return Err(Malformed);
        }
        let mut lengths = [0; 19];
        for &symbol in &ORDER[..precodes] {
            lengths[symbol] = self.get(input, 3)? as u8;
        }
        let mut table = [0; 128];
        build(&mut table, 7, &lengths, |symbol| (symbol as u32) << 16)?;
        let mut lengths = [0u8; 286 + 30];
        let mut at = 0;
        while at < all {
            self.refill(input);
            let entry = table[(self.bits & 127) as usize];
            if entry & SPECIAL != 0 {
                return Err(Malformed);
            }
            self.take(entry & 63)?;
            let (length, times) = match entry >> 16 {
                16 if at == 0 => return Err(Malformed),
                16 => (lengths[at - 1], 3 + self.get(input, 2)?),
                17 => (0, 3 + self.get(input, 3)?),
                18 => (0, 11 + self.get(input, 7)?),
                length => (length as u8, 1),
            };
            let end = at + times as usize;
            lengths[..all].get_mut(at..end).ok_or(Malformed)?.fill(length);
            at = end;
        }
        if lengths[256] == 0 {
            return Err(Malformed);
        }
        build(&mut self.litlen[..], LITLEN_BITS, &lengths[..litlens], litlen_entry)?;
        build(&mut self.dist[..], DIST_BITS, &lengths[litlens..all], dist_entry)
    }

    /// The next bits as a number.
    fn get(&mut self, input: &mut Input<'_>, bits: u32) -> Result<u32, Malformed> {
        self.refill(input);
        let number = (self.bits & ((1 << bits) - 1)) as u32;
        self.take(bits)?;
        Ok(number)
    }

    fn refill(&mut self, input: &mut Input<'_>) {
        while self.count < 56
            && let Some(&byte) = input.bytes.get(input.at)
        {
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            input.at += 1;
        }
    }

    /// Bits that are not there are the end of truncated data.
    fn take(&mut self, bits: u32) -> Result<(), Malformed> {
        self.count = self.count.checked_sub(bits).ok_or(Malformed)?;
        self.bits >>= bits;
        Ok(())
    }
}

/// The entry behind one that leads to a subtable, whose index is the next bits.
#[inline]
fn subentry<const N: usize>(table: &[u32; N], entry: u32, bits: u64) -> u32 {
    let index = (entry >> 16) as usize + (bits & ((1 << (entry >> 8 & 31)) - 1)) as usize;
    table[index & (N - 1)]
}

/// A length or distance: what the code says and its extra bits.
#[inline]
fn value(entry: u32, bits: u64) -> usize {
    (entry >> 16) as usize + ((bits & ((1 << (entry & 63)) - 1)) >> (entry >> 8 & 31)) as usize
}

/// Copies a match. There is [`ROOM`] behind `at`, so that whole chunks may be written.
#[inline]
fn copy(out: &mut [u8], at: usize, distance: usize, length: usize) -> Result<(), Malformed> {
    let (before, room) = out.split_at_mut(at);
    let from = before.len().checked_sub(distance).ok_or(Malformed)?;
    let source = &before[from..];
    if let (Some(first), Some(place)) = (source.first_chunk::<64>(), room.first_chunk_mut::<64>()) {
        *place = *first;
        if length > 64 {
            match (source.get(64..length), room.get_mut(64..length)) {
                (Some(rest), Some(place)) => place.copy_from_slice(rest),
                _ => copy_on(out, at, distance, length, 64),
            }
        }
    } else if let (Some(first), Some(place)) = (source.first_chunk::<32>(), room.first_chunk_mut::<32>()) {
        *place = *first;
        if length > 32 {
            copy_on(out, at, distance, length, 32);
        }
    } else if distance == 1 {
        room[..length].fill(source[0]);
    } else {
        for place in at..at + length {
            out[place] = out[place - distance];
        }
    }
    Ok(())
}

/// What is beyond the first bytes of a match that has a distance of 32 or more.
#[inline(never)]
fn copy_on(out: &mut [u8], at: usize, distance: usize, length: usize, done: usize) {
    let (mut to, end) = (at + done, at + length);
    while to < end {
        let from = to - distance;
        let (before, room) = out.split_at_mut(to);
        if let (Some(chunk), Some(place)) = (before[from..].first_chunk::<32>(), room.first_chunk_mut::<32>())
        {
            *place = *chunk;
        }
        to += 32;
    }
}

fn litlen_entry(symbol: usize) -> u32 {
    const BASES: [u16; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195, 227, 258,
    ];
    const EXTRA: [u8; 29] =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    match symbol {
        0..256 => LITERAL | (symbol as u32) << 16,
        256 => SPECIAL | END,
        257..286 => u32::from(BASES[symbol - 257]) << 16 | u32::from(EXTRA[symbol - 257]),
        _ => SPECIAL,
    }
}

fn dist_entry(symbol: usize) -> u32 {
    match symbol {
        0..4 => (symbol as u32 + 1) << 16,
        4..30 => {
            let extra = symbol as u32 / 2 - 1;
            (((2 + (symbol as u32 & 1)) << extra) + 1) << 16 | extra
        }
        _ => SPECIAL,
    }
}

/// Makes the table of a canonical Huffman code. What zlib takes is taken: a complete code, one code of one bit,
/// or none at all (but for the code of the code lengths, which must be complete).
fn build(
    table: &mut [u32],
    table_bits: u32,
    lengths: &[u8],
    entry: impl Fn(usize) -> u32,
) -> Result<(), Malformed> {
    let mut counts = [0u32; 16];
    for &length in lengths {
        counts[usize::from(length)] += 1;
    }
    counts[0] = 0;
    let used = counts.iter().enumerate().map(|(length, count)| count << (15 - length)).sum::<u32>();
    let longest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
    if used > 1 << 15 || used < 1 << 15 && (longest > 1 || table_bits == 7) {
        return Err(Malformed);
    }
    let main = 1 << table_bits;
    table[..main].fill(SPECIAL);
    // Symbols by length, then by number: the order of their codes.
    let mut next = [0; 17];
    for length in 1..16 {
        next[length + 1] = next[length] + counts[length] as usize;
    }
    let total = next[16];
    let mut symbols = [0u16; 288];
    for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
        symbols[next[usize::from(length)]] = symbol as u16;
        next[usize::from(length)] += 1;
    }
    let symbols = &symbols[..total];
    let length_of = |symbol: u16| u32::from(lengths[usize::from(symbol)]);
    let (mut code, mut last_length) = (0u32, 0);
    let (mut free, mut open) = (main, None);
    for (at, &symbol) in symbols.iter().enumerate() {
        let length = length_of(symbol);
        code <<= length - last_length;
        last_length = length;
        let reversed = (code.reverse_bits() >> (32 - length)) as usize;
        if length <= table_bits {
            let made = make(entry(usize::from(symbol)), length);
            table[..main].iter_mut().skip(reversed).step_by(1 << length).for_each(|place| *place = made);
        } else {
            // Codes with one prefix stand side by side, the longest last.
            let prefix = reversed & (main - 1);
            let (start, bits) = open.filter(|_| table[prefix] & SUBTABLE != 0).unwrap_or_else(|| {
                let bits = subtable_bits(&symbols[at..], code, length, table_bits, length_of);
                table[prefix] = SPECIAL | SUBTABLE | (free as u32) << 16 | bits << 8 | table_bits;
                free += 1 << bits;
                (free - (1 << bits), bits)
            });
            open = Some((start, bits));
            let made = make(entry(usize::from(symbol)), length - table_bits);
            let places = table.get_mut(start..start + (1 << bits)).ok_or(Malformed)?;
            let step = 1 << (length - table_bits);
            places.iter_mut().skip(reversed >> table_bits).step_by(step).for_each(|place| *place = made);
        }
        code += 1;
    }
    Ok(())
}

/// How many bits beyond the table's own the longest code with the prefix of this code has.
fn subtable_bits(
    symbols: &[u16],
    mut code: u32,
    mut length: u32,
    table_bits: u32,
    length_of: impl Fn(u16) -> u32,
) -> u32 {
    let prefix = code >> (length - table_bits);
    let mut longest = length;
    for &symbol in symbols {
        code <<= length_of(symbol) - length;
        length = length_of(symbol);
        if code >> (length - table_bits) != prefix {
            break;
        }
        longest = length;
        code += 1;
    }
    longest - table_bits
}

/// Puts the length of a code into its entry.
fn make(entry: u32, length: u32) -> u32 {
    if entry & LITERAL != 0 { entry | length } else { (entry + length) | length << 8 }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::DeflateEncoder};

    use super::*;
    use crate::matching::tests::Dice;

    /// Inflates with input and room in pieces of these sizes.
    fn inflate(data: &[u8], piece: usize, room: usize) -> Result<Vec<u8>, Malformed> {
        let (mut inflate, mut whole, mut read, mut seen) = (Inflate::new(), Vec::new(), 0, 0);
        loop {
            // What a caller does: the window stands in front of the room.
            let window = WINDOW.min(whole.len());
            let mut out = whole[whole.len() - window..].to_vec();
            out.resize(window + room, 0);
            let mut at = window;
            loop {
                let (took, place, pause) =
                    inflate.run(&data[read..seen], seen == data.len(), &mut out, at)?;
                (read, at) = (read + took, place);
                if pause == Pause::Hungry {
                    assert!(seen < data.len());
                    seen = data.len().min(seen + piece);
                    continue;
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
                        // What stands behind the end is not this decoder's.
                        damaged.truncate(theirs.total_in() as usize);
                        assert!(inflate(&damaged, 1 << 20, 1 << 20) == Ok(whole));
                    }
                    // A bomb of sorts: there was no room for it.
                    _ if whole.len() == 1 << 20 => {}
                    _ => assert!(inflate(&damaged, 1 << 20, 1 << 20).is_err()),
                }
            }
        }
    }
}
