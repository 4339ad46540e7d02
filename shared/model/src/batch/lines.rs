//! Cuts bytes that arrive in pieces into lines, in constant memory.

use memchr::memchr;

/// The longest line, in bytes: far above an identifier and the columns beside it.
pub const MAX_LINE: usize = 64 << 10;

/// Splits a stream into lines.
#[derive(Default)]
pub struct Lines {
    /// What has arrived of the current line.
    part: Vec<u8>,
    /// Whether that line is too long, so that the rest of it is dropped.
    overlong: bool,
    /// Number of lines that have ended.
    ended: u64,
}

/// A line without its end.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// The line's number, from 1.
    pub number: u64,
    /// Its text; none, if it is too long.
    pub text: Option<&'a [u8]>,
}

impl Lines {
    /// Takes a piece and calls `each` for every line that ends in it.
    pub fn push<E>(
        &mut self,
        mut piece: &[u8],
        each: &mut impl FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = memchr(b'\n', piece) {
            self.keep(&piece[..end]);
            piece = &piece[end + 1..];
            self.end(each)?;
        }
        self.keep(piece);
        Ok(())
    }

    /// Calls `each` for the last line, if it has no line feed.
    pub fn finish<E>(&mut self, each: &mut impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.part.is_empty() && !self.overlong { Ok(()) } else { self.end(each) }
    }

    fn keep(&mut self, piece: &[u8]) {
        // One byte more, for the carriage return that may end it.
        self.overlong |= self.part.len() + piece.len() > MAX_LINE + 1;
        if !self.overlong {
            self.part.extend_from_slice(piece);
        }
    }

    fn end<E>(&mut self, each: &mut impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        self.ended += 1;
        let text = self.part.strip_suffix(b"\r").unwrap_or(&self.part);
        let fits = !self.overlong && text.len() <= MAX_LINE;
        let given = each(Line { number: self.ended, text: fits.then_some(text) });
        self.part.clear();
        self.overlong = false;
        given
    }
}
