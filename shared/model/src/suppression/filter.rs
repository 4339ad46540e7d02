//! A filter of suppressed subjects, for other pipelines to hold their events against: whoever is suppressed is in it,
//! and of those who are not, one in 10,000 is as well.
//!
//! It is a split-block Bloom filter with the constants of Parquet's, over other hashes:
//!
//! | bytes | hold |
//! |---|---|
//! | 8 | `LETHESF1`: the name and version of this form |
//! | 4 | number of blocks `b`, little-endian, as all numbers here |
//! | 4 | number of subjects |
//! | 32 × `b` | the blocks, of eight words of 32 bits |
//!
//! 1. `h` is the first 8 bytes of the SHA-256 of `KIND:id`, with the id as the [list](super) holds it.
//! 2. Its upper half chooses the block: `(h >> 32) × b >> 32`.
//! 3. Its lower half chooses a bit of each word `i`: `(h × SALT[i] mod 2³²) >> 27`. The subject is in the filter, if all
//!    eight are set.

use sha2::{Digest, Sha256};

use crate::subject::Subject;

const MAGIC: &[u8; 8] = b"LETHESF1";

/// Subjects per block of 256 bits: one in 10,000 of those who are not in the filter seems to be.
const PER_BLOCK: usize = 9;

/// The share of others that seem to be in the filter.
pub const FALSE_POSITIVES: f64 = 0.000_1;

const SALT: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// The filter of these subjects.
pub fn of(subjects: &[Subject]) -> Vec<u8> {
    let mut blocks = vec![[0_u32; 8]; subjects.len().div_ceil(PER_BLOCK)];
    for subject in subjects {
        let (block, bits) = place(subject, blocks.len());
        blocks[block].iter_mut().zip(bits).for_each(|(word, bit)| *word |= bit);
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let mut filter = [&MAGIC[..], &number(blocks.len()), &number(subjects.len())].concat();
    filter.extend(blocks.iter().flatten().flat_map(|word| word.to_le_bytes()));
    filter
}

/// The subject's block, and its bit in each word of it.
fn place(subject: &Subject, blocks: usize) -> (usize, [u32; 8]) {
    let hash = Sha256::new().chain_update(subject.kind.as_str()).chain_update(":").chain_update(&subject.id);
    let [upper, lower] = halves(&hash.finalize().into());
    let block = (u64::from(upper) * blocks as u64) >> 32;
    (block as usize, SALT.map(|salt| 1 << (lower.wrapping_mul(salt) >> 27)))
}

/// The halves of the number that the first eight bytes are.
fn halves(hash: &[u8; 32]) -> [u32; 2] {
    let half = |at: usize| u32::from_le_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]);
    [half(4), half(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(filter: &[u8], subject: &Subject) -> bool {
        let (block, bits) = place(subject, (filter.len() - 16) / 32);
        let words = filter[16 + block * 32..][..32].chunks(4);
        words.zip(bits).all(|(word, bit)| u32::from_le_bytes(word.try_into().expect("4 bytes")) & bit != 0)
    }

    #[test]
    fn everyone_is_found_and_hardly_anybody_else() {
        let subjects: Vec<Subject> = (0..30_000).map(|n| Subject::user(format!("u{n}"))).collect();
        let filter = of(&subjects);
        assert_eq!(filter.len(), 16 + 32 * 30_000_usize.div_ceil(PER_BLOCK));
        assert!(subjects.iter().all(|subject| holds(&filter, subject)));
        let others = 300_000;
        let found = (0..others).filter(|n| holds(&filter, &Subject::anonymous(format!("u{n}")))).count();
        assert!((found as f64) < 1.5 * FALSE_POSITIVES * f64::from(others), "{found}");
    }

    #[test]
    fn a_filter_of_nobody_has_no_blocks() {
        assert_eq!(of(&[]), b"LETHESF1\0\0\0\0\0\0\0\0");
    }
}
