//! Finds in one pass over a block the few relevant places: line feeds, backslashes, keys.
//!
//! 1. For each key, two neighbouring bytes are searched for: those that are rarest in the first lines of the object.
//! 2. A vector of bytes is compared with all of them at once; only where one matches is anything examined.

use fearless_simd::{Level, Simd, SimdBase, SimdMask, dispatch};
use memchr::memmem;

/// The most keys per pass: each adds two comparisons to every vector.
pub(super) const MAX_KEYS: usize = 4;
/// Bytes of a block processed at a time: an offset within them fits in 16 bits, and so does the number of places.
const PORTION: usize = 32 << 10;
/// Bytes sampled to find which pairs are rare.
const SAMPLE: usize = 4 << 10;

/// Two neighbouring bytes of a key, and their offset in the key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    pub(super) pair: [u8; 2],
    pub(super) offset: usize,
}

impl Anchor {
    /// The pair of a key (of at least two bytes) that is rarest in these bytes.
    pub(super) fn of(key: &[u8], block: &[u8]) -> Self {
        let sample = &block[..block.len().min(SAMPLE)];
        let pairs = key.array_windows().enumerate().map(|(offset, &pair)| Self { pair, offset });
        let rarest = pairs.min_by_key(|anchor| memmem::find_iter(sample, &anchor.pair).count());
        rarest.unwrap_or(Self { pair: *b"\n\n", offset: 0 })
    }
}

/// What the prefilter found in a portion of a block.
pub(super) struct Prefilter {
    /// Offsets from the start of the portion. There is room for every 16-bit index, so that indexing needs no bounds
    /// check.
    places: Box<[u16; 1 << 16]>,
    count: u16,
    from: usize,
    /// Where the next portion starts.
    pub(super) next: usize,
    /// Whether this portion is ASCII.
    pub(super) ascii: bool,
    /// Whether this portion may have control characters other than line feeds.
    pub(super) controls: bool,
}

/// Whether bytes have a control character that is in no text.
pub(crate) fn has_controls(bytes: &[u8]) -> bool {
    let is_control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r');
    // Without a way out of the loop over a piece, it becomes vector instructions.
    let piece = |piece: &[u8]| piece.iter().fold(false, |found, &byte| found | is_control(byte));
    bytes.chunks(4 << 10).any(piece)
}

impl Prefilter {
    pub(super) fn new() -> Self {
        Self { places: Box::new([0; 1 << 16]), count: 0, from: 0, next: 0, ascii: true, controls: false }
    }

    /// Positions of line feeds, backslashes and anchors, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.places[..usize::from(self.count)].iter().map(|&at| self.from + usize::from(at))
    }

    /// Searches the portion of a block that starts at `from`. Uses at most [`MAX_KEYS`] anchors.
    pub(super) fn sift(&mut self, anchors: &[Anchor], block: &[u8], from: usize) {
        (self.from, self.count) = (from, 0);
        let (block, pair) = (&block[from..], |at: usize| anchors[at].pair);
        let level = Level::new();
        let (length, ascii, controls) = match anchors.len() {
            0 => dispatch!(level, simd => pass(simd, [], block, &mut self.places, &mut self.count)),
            1 => {
                dispatch!(level, simd => pass(simd, [0].map(pair), block, &mut self.places, &mut self.count))
            }
            2 => {
                dispatch!(level, simd => pass(simd, [0, 1].map(pair), block, &mut self.places, &mut self.count))
            }
            3 => {
                dispatch!(level, simd => pass(simd, [0, 1, 2].map(pair), block, &mut self.places, &mut self.count))
            }
            _ => {
                dispatch!(level, simd => pass(simd, [0, 1, 2, 3].map(pair), block, &mut self.places, &mut self.count))
            }
        };
        (self.next, self.ascii, self.controls) = (from + length, ascii, controls);
    }
}

/// Returns the length of the portion, whether it is ASCII, and whether it may have control characters other than line feeds.
#[inline(always)]
fn pass<S: Simd, const N: usize>(
    simd: S,
    pairs: [[u8; 2]; N],
    block: &[u8],
    places: &mut [u16; 1 << 16],
    count: &mut u16,
) -> (usize, bool, bool) {
    let width = S::u8s::LEN;
    let all = |byte| S::u8s::splat(simd, byte);
    let (feed, backslash, vectors) = (all(b'\n'), all(b'\\'), pairs.map(|pair| pair.map(all)));
    let (mut bits, mut least, one) = (all(0), all(0xff), all(1));
    let (mut at, mut index) = (0, 0u16);
    // Each vector is compared together with the one that starts a byte later.
    while at < PORTION
        && let Some(bytes) = block.get(at..at + width + 1)
    {
        let (here, next) = (S::u8s::from_slice(simd, &bytes[..width]), S::u8s::from_slice(simd, &bytes[1..]));
        let mut found = here.simd_eq(feed) | here.simd_eq(backslash);
        for [first, second] in vectors {
            found |= here.simd_eq(first) & next.simd_eq(second);
        }
        bits |= here;
        // A line feed becomes the highest number, and the other control characters the lowest ones.
        least = least.min((here ^ feed) - one);
        let mut found = found.to_bitmask();
        while found != 0 {
            places[usize::from(index)] = (at + found.trailing_zeros() as usize) as u16;
            index += 1;
            found &= found - 1;
        }
        at += width;
    }
    let mut ascii = bits.simd_lt(all(128)).all_true();
    let mut controls = least.simd_lt(all(b' ' - 1)).any_true();
    // The last bytes of the block, too few for a vector.
    while at < PORTION && at < block.len() {
        let rest = &block[at..];
        if matches!(rest[0], b'\n' | b'\\') || pairs.iter().any(|pair| rest.starts_with(pair)) {
            places[usize::from(index)] = at as u16;
            index += 1;
        }
        ascii &= rest[0].is_ascii();
        controls |= rest[0] < b' ' && rest[0] != b'\n';
        at += 1;
    }
    *count = index;
    (at, ascii, controls)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches all portions of a block. Returns the places, whether all is ASCII, and whether there may be controls.
    fn whole(anchors: &[Anchor], block: &[u8]) -> (Vec<usize>, bool, bool) {
        let (mut prefilter, mut places, mut ascii, mut controls) =
            (Prefilter::new(), Vec::new(), true, false);
        while prefilter.next < block.len() {
            prefilter.sift(anchors, block, prefilter.next);
            places.extend(prefilter.places());
            ascii &= prefilter.ascii;
            controls |= prefilter.controls;
        }
        (places, ascii, controls)
    }

    #[test]
    fn finds_every_place_whatever_the_length() {
        let text = b"{\"userId\":\"a\\\"b\",\"x\":1}\n{\"ids\":[]}\n\\";
        let block: Vec<u8> = text.iter().copied().cycle().take(2 * PORTION).collect();
        for keys in
            [&[][..], &["userId"], &["userId", "ids"], &["userId", "ids", "x"], &["a", "b", "x", "ids"]]
        {
            let anchors: Vec<Anchor> =
                keys.iter().map(|key| Anchor::of(format!("\"{key}\"").as_bytes(), &block)).collect();
            for length in (0..300).chain(PORTION - 70..PORTION + 140) {
                let block = &block[..length];
                let wanted = (0..length).filter(|&at| {
                    matches!(block[at], b'\n' | b'\\')
                        || anchors.iter().any(|anchor| block[at..].starts_with(&anchor.pair))
                });
                assert_eq!(whole(&anchors, block), (wanted.collect(), true, false), "{keys:?} {length}");
            }
        }
    }

    #[test]
    fn tells_ascii_wherever_another_byte_stands() {
        for at in 0..200 {
            let mut block = vec![b'a'; 200];
            block[at] = 0xc3;
            assert!(!whole(&[], &block).1, "{at}");
        }
    }

    #[test]
    fn tells_control_characters_wherever_they_stand() {
        for at in 0..200 {
            for byte in 0..=255 {
                let mut block = vec![b'a'; 200];
                block[at] = byte;
                assert_eq!(whole(&[], &block).2, byte < b' ' && byte != b'\n', "{byte} at {at}");
                let in_text = byte >= b' ' || b"\t\n\x0c\r".contains(&byte);
                assert_eq!(has_controls(&block), !in_text, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn the_anchor_is_the_rarest_pair() {
        let anchor =
            Anchor::of(b"\"userId\"", b"{\"userAgent\":1,\"projectId\":2,\"user\":3,\"messageId\":4}");
        assert_eq!((&anchor.pair, anchor.offset), (b"rI", 4));
    }
}
