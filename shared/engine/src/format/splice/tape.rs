//! Records a deflate stream that may have to be written again, cut into segments.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::super::inflate::Block;

/// Limits on the compressed bytes and segments kept. If a very long record or very many blocks exceed them, all are
/// dropped and the data is compressed again.
const MAX_BYTES: usize = 4 << 20;
const MAX_SEGMENTS: usize = 4 << 10;

/// Some symbols of one block, or some bytes of a stored one.
pub(super) struct Segment {
    /// The plain bytes that the segment encodes.
    pub(super) plain: Range<u64>,
    /// Its position on the tape. For a stored block, that of the bytes only.
    bits: Range<u64>,
    pub(super) part: TapePart,
    /// Whether it ends with the end of its block.
    pub(super) closes: bool,
    /// Whether it begins a member, so that nothing from it on refers to anything before it.
    pub(super) fresh: bool,
}

/// Which part of its block a segment is.
#[derive(Clone)]
pub(super) enum TapePart {
    Stored,
    /// The header, and symbols after it.
    First(Arc<Codes>),
    /// Symbols only.
    Later(Arc<Codes>),
}

/// What is needed to continue a block elsewhere.
pub(super) struct Codes {
    /// The bytes that contain its header, and the header's bits within them.
    pub(super) header: (Vec<u8>, Range<u64>),
    /// The end-of-block code, and its length in bits.
    pub(super) end: (u32, u32),
}

/// The segment being read.
struct Open {
    plain: u64,
    bit: u64,
    /// `None`: before a block.
    part: Option<TapePart>,
    fresh: bool,
}

/// The compressed data of all members in sequence, without headers and trailers.
pub(in crate::format) struct Tape {
    bytes: Vec<u8>,
    /// Bytes dropped from the front so far.
    dropped: u64,
    /// The reading position, in bits from the start of the tape.
    here: u64,
    segments: VecDeque<Segment>,
    open: Open,
}

impl Tape {
    pub(in crate::format) fn new() -> Self {
        let open = Open { plain: 0, bit: 0, part: None, fresh: true };
        Self { bytes: Vec::new(), dropped: 0, here: 0, segments: VecDeque::new(), open }
    }

    /// Adds compressed bytes, of which the last `unread` bits are not decoded yet.
    pub(in crate::format) fn add(&mut self, bytes: &[u8], unread: u32) {
        self.bytes.extend_from_slice(bytes);
        self.here = (self.dropped + self.bytes.len() as u64) * 8 - u64::from(unread);
    }

    /// A member begins with the next bytes added.
    pub(in crate::format) fn member_begins(&mut self) {
        self.here = (self.dropped + self.bytes.len() as u64) * 8;
        (self.open.bit, self.open.fresh) = (self.here, true);
    }

    /// A block's header was read.
    pub(in crate::format) fn block_begins(&mut self, block: Block) {
        self.open.part = Some(match block {
            Block::Stored => {
                self.open.bit = self.here;
                TapePart::Stored
            }
            Block::Codes { end } => {
                let bits = self.open.bit..self.here;
                let bytes = self.bytes_of(&bits).to_vec();
                let header = (bytes, bits.start % 8..bits.start % 8 + bits.end - bits.start);
                TapePart::First(Arc::new(Codes { header, end }))
            }
        });
    }

    /// Decoding is between two symbols, at this plain byte.
    pub(in crate::format) fn between_symbols(&mut self, plain: u64) {
        if let Some(part) = self.open.part.clone().filter(|_| plain > self.open.plain) {
            self.cut(part.clone(), plain, false);
            self.open.part = Some(match part {
                TapePart::First(codes) => TapePart::Later(codes),
                part => part,
            });
        }
    }

    /// The end of a block was read. An empty block is dropped.
    pub(in crate::format) fn block_ends(&mut self, plain: u64) {
        match self.open.part.take() {
            Some(part) if plain > self.open.plain || matches!(part, TapePart::Later(_)) => {
                self.cut(part, plain, true);
            }
            _ => self.open.bit = self.here,
        }
    }

    fn cut(&mut self, part: TapePart, plain: u64, closes: bool) {
        let Open { plain: start, bit, fresh, .. } = self.open;
        self.segments.push_back(Segment { plain: start..plain, bits: bit..self.here, part, closes, fresh });
        self.open = Open { plain, bit: self.here, part: None, fresh: false };
        if self.segments.len() > MAX_SEGMENTS || self.bytes.len() > MAX_BYTES {
            self.segments.clear();
            self.tidy();
        }
    }

    /// The plain byte at which the tape begins.
    pub(super) fn begins_at(&self) -> u64 {
        self.first().map_or(self.open.plain, |segment| segment.plain.start)
    }

    pub(super) fn first(&self) -> Option<&Segment> {
        self.segments.front()
    }

    /// Removes and returns the first segment, if `wanted` accepts it.
    pub(super) fn pop_if(&mut self, wanted: impl FnOnce(&Segment) -> bool) -> Option<Segment> {
        self.segments.pop_front_if(|segment| wanted(segment))
    }

    /// The bytes that contain a removed segment, and its bits within them.
    pub(super) fn bits(&self, segment: &Segment) -> (&[u8], Range<u64>) {
        let bits = &segment.bits;
        (self.bytes_of(bits), bits.start % 8..bits.start % 8 + bits.end - bits.start)
    }

    fn bytes_of(&self, bits: &Range<u64>) -> &[u8] {
        &self.bytes[(bits.start / 8 - self.dropped) as usize..(bits.end.div_ceil(8) - self.dropped) as usize]
    }

    /// Drops the bytes of removed segments.
    pub(super) fn tidy(&mut self) {
        let from = self.first().map_or(self.open.bit, |segment| segment.bits.start) / 8;
        self.bytes.drain(..(from - self.dropped) as usize);
        self.dropped = from;
    }
}
