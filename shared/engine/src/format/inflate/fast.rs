//! The fast loop: the ends of input and output are far enough away that nothing is checked twice.

use fearless_simd::{Level, dispatch};

use super::tables::{DIST_BITS, END, LITERAL, LITLEN_BITS, SPECIAL, SUBTABLE, subentry, value};
use super::{Inflate, Input, Malformed, State};

/// Output bytes that one iteration may need: two literals, the longest match, and what copies may write beyond it.
pub(super) const ROOM: usize = 2 + 258 + 64;

/// Input bytes that must be available at the start of each iteration: more than its refills take.
const SIGHT: usize = 32;

impl Inflate {
    /// Decodes symbols up to `stop` while there is plenty of input and room, with the instructions that the processor
    /// has.
    pub(super) fn fast(
        &mut self,
        input: &mut Input<'_>,
        out: &mut [u8],
        at: usize,
        stop: usize,
    ) -> Result<usize, Malformed> {
        dispatch!(Level::new(), _ => self.symbols(input, out, at, stop))
    }

    #[inline(always)]
    fn symbols(
        &mut self,
        input: &mut Input<'_>,
        out: &mut [u8],
        mut at: usize,
        stop: usize,
    ) -> Result<usize, Malformed> {
        let (litlen, dist) = (&*self.litlen, &*self.dist);
        let (mut bits, mut count, mut rest) = (self.bits, self.count, &input.bytes[input.at..]);
        let room = out.len().min(stop.saturating_add(ROOM - 1));
        let out = &mut out[..room];
        let Some(out_end) = room.checked_sub(ROOM) else { return Ok(at) };
        if rest.len() < SIGHT || at > out_end {
            return Ok(at);
        }
        // Only the lowest six bits of `count` are significant. `bits` may hold further bits above that count which are
        // loaded already: loading them again gives the same.
        macro_rules! refill {
            () => {
                let word = rest.first_chunk().ok_or(Malformed)?;
                bits |= u64::from_le_bytes(*word) << (count & 63);
                rest = &rest[(!count >> 3 & 7) as usize..];
                count |= 56;
            };
        }
        macro_rules! take {
            ($entry:expr) => {
                bits >>= $entry & 63;
                count = count.wrapping_sub($entry);
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
        refill!();
        let mut entry = look!(litlen, LITLEN_BITS);
        // The next entry is always looked up before the last one's bytes are written.
        while rest.len() >= SIGHT && at <= out_end {
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
            if one & (LITERAL | SPECIAL) != 0 {
                if one & LITERAL == 0 && one & SUBTABLE != 0 {
                    take!(LITLEN_BITS);
                    one = subentry(litlen, one, bits);
                }
                if one & LITERAL != 0 {
                    take!(one);
                    refill!();
                    entry = look!(litlen, LITLEN_BITS);
                    literal!(one);
                    continue;
                }
                if one & SPECIAL != 0 {
                    if one & END == 0 {
                        return Err(Malformed);
                    }
                    take!(one & 63);
                    self.state = State::Behind;
                    break;
                }
            }
            let length = value(one, bits);
            take!(one);
            // Up to 42 of 56 bits are used, and a distance may need 28.
            if count & 63 < 28 {
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
            refill!();
            entry = look!(litlen, LITLEN_BITS);
            copy(out, at, distance, length)?;
            at += length;
        }
        // Clears the bits above `count`, so that the careful loop may add its own.
        self.count = count & 63;
        self.bits = bits & ((1 << self.count) - 1);
        input.at = input.bytes.len() - rest.len();
        Ok(at)
    }
}

/// Copies a match. There are [`ROOM`] bytes after `at`, so that whole chunks may be written.
#[inline(always)]
fn copy(out: &mut [u8], at: usize, distance: usize, length: usize) -> Result<(), Malformed> {
    let (before, room) = out.split_at_mut(at);
    let from = before.len().checked_sub(distance).ok_or(Malformed)?;
    let source = &before[from..];
    if let (Some(first), Some(place)) = (source.first_chunk::<64>(), room.first_chunk_mut::<64>()) {
        *place = *first;
        if length > 64 {
            match (source.get(64..128), room.get_mut(64..128)) {
                (Some(second), Some(place)) => {
                    place.copy_from_slice(second);
                    if length > 128 {
                        copy_on(out, at, distance, length, 128);
                    }
                }
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

/// Copies the rest of a match after its first `done` bytes, for a distance of 32 or more.
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
