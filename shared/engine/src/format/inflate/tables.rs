//! Decoding tables of Huffman codes.
//!
//! 1. A table is indexed with the next bits of input, as many as its index has. The entry there says everything: the
//!    symbol, the length of its code, and the number of extra bits that follow.
//! 2. The first bits of a longer code lead to a subtable after the table, which is indexed with the bits that follow.

use super::Malformed;

pub(super) const LITLEN_BITS: u32 = 11;
pub(super) const DIST_BITS: u32 = 9;

// Bits of a table's entry: 31 literal? | 16..=30 value | 15 special? | 14 subtable? | 13 end of block? | 8..=12 bits of
// the code alone (for a subtable: the bits of its index) | 0..=5 bits in all, including extra bits.
pub(super) const LITERAL: u32 = 1 << 31;
pub(super) const SPECIAL: u32 = 1 << 15;
pub(super) const SUBTABLE: u32 = 1 << 14;
pub(super) const END: u32 = 1 << 13;

/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: usize = 256;

/// The entry in the subtable that `entry` leads to, indexed with the next bits.
#[inline(always)]
pub(super) fn subentry<const N: usize>(table: &[u32; N], entry: u32, bits: u64) -> u32 {
    let index = (entry >> 16) as usize + (bits & ((1 << (entry >> 8 & 31)) - 1)) as usize;
    table[index & (N - 1)]
}

/// A length or distance: its base value plus its extra bits.
#[inline(always)]
pub(super) fn value(entry: u32, bits: u64) -> usize {
    (entry >> 16) as usize + ((bits & ((1 << (entry & 63)) - 1)) >> (entry >> 8 & 31)) as usize
}

pub(super) fn litlen_entry(symbol: usize) -> u32 {
    const BASES: [u16; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195, 227, 258,
    ];
    const EXTRA: [u8; 29] =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    match symbol {
        0..256 => LITERAL | (symbol as u32) << 16,
        END_OF_BLOCK => SPECIAL | END,
        257..286 => u32::from(BASES[symbol - 257]) << 16 | u32::from(EXTRA[symbol - 257]),
        _ => SPECIAL,
    }
}

pub(super) fn dist_entry(symbol: usize) -> u32 {
    match symbol {
        0..4 => (symbol as u32 + 1) << 16,
        4..30 => {
            let extra = symbol as u32 / 2 - 1;
            (((2 + (symbol as u32 & 1)) << extra) + 1) << 16 | extra
        }
        _ => SPECIAL,
    }
}

/// Builds the table of a canonical Huffman code. Accepts what zlib accepts: a complete code, a single code of one bit,
/// or no code at all (except for the code of the code lengths, which must be complete).
pub(super) fn build(
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
            // Codes with the same prefix are adjacent, the longest last.
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

/// A symbol's code as it is written, lowest bit first, and its length in bits.
pub(super) fn code_of(symbol: usize, lengths: &[u8]) -> (u32, u32) {
    let length = lengths[symbol];
    // The share of all codes of this length that shorter codes take up, and the codes of this length that come before.
    let shorter = |&&other: &&u8| (1..length).contains(&other);
    let taken: u32 = lengths.iter().filter(shorter).map(|&other| 1 << (length - other)).sum();
    let before = lengths[..symbol].iter().filter(|&&other| other == length).count() as u32;
    let length = u32::from(length);
    ((taken + before).reverse_bits() >> (32 - length), length)
}

/// How many bits the longest code with the same prefix as this code has beyond the table's own.
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

/// Adds the length of a code to its entry.
fn make(entry: u32, length: u32) -> u32 {
    if entry & LITERAL != 0 { entry | length } else { (entry + length) | length << 8 }
}
