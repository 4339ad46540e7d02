//! A file of subjects, read as its bytes arrive: CSV or JSON lines, plain or gzip, told by their first bytes and
//! never by the file's name. Memory stays the same however long it is.
//!
//! 1. Gzip is unpacked, a byte order mark is left out, and the text is cut into lines.
//! 2. The first line that is not blank says what the file is. One that begins with `{` is JSON: every line is an
//!    object. Anything else is CSV: a header, if a cell of it is the name of a column of identifiers; otherwise the
//!    file must have one column and no header. What could be read in two ways is refused as a whole.
//! 3. Every further line names a subject, or is told to the caller with why it does not. None takes its neighbours
//!    with it: a quote that is never closed makes its own line unreadable, and the next line is read as usual.

use std::io::Write;

use flate2::write::MultiGzDecoder;
use serde_json::{Map, Value};

use super::csv::Csv;
use super::entry::{Entry, Place, Sink, named, place};
use super::lines::{Line, Lines, MAX_LINE};
use crate::failure::{Failure, Result};

/// The most bytes of a file, unpacked: 1,000,000 subjects with much beside them.
const MAX_BYTES: u64 = 4 << 30;

/// How many bytes of gzip are unpacked at a time: they may become a thousand times as many.
const PIECE: usize = 4 << 10;

/// A file of which more bytes may come.
pub struct File {
    column: Option<String>,
    packing: Packing,
    /// How many bytes of text there were.
    bytes: u64,
    lines: Lines,
    reader: Reader,
}

enum Packing {
    /// Too few bytes came to tell.
    Unknown(Vec<u8>),
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

impl File {
    /// A file of which nothing was read; `column` names the column or field of the identifiers.
    pub fn new(column: Option<String>) -> Self {
        let packing = Packing::Unknown(Vec::new());
        Self { column, packing, bytes: 0, lines: Lines::default(), reader: Reader::Unknown }
    }

    /// Takes more of its bytes.
    ///
    /// # Errors
    /// `Invalid`, if the file as a whole cannot be read; what the sink says.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<()> {
        match &mut self.packing {
            Packing::Unknown(head) => {
                head.extend_from_slice(bytes);
                // The longest mark to know is a byte order mark.
                if head.len() < 3 { Ok(()) } else { self.begin(sink) }
            }
            Packing::Plain => self.text(bytes, sink),
            Packing::Gzip(_) => bytes.chunks(PIECE).try_for_each(|piece| self.unpack(piece, sink)),
        }
    }

    /// Says that there are no more.
    ///
    /// # Errors
    /// As [`File::push`].
    pub fn finish(mut self, sink: &mut impl Sink) -> Result<()> {
        if let Packing::Unknown(_) = self.packing {
            self.begin(sink)?;
        }
        if let Packing::Gzip(decoder) = &mut self.packing {
            decoder.try_finish().map_err(|_| broken())?;
            let text = std::mem::take(decoder.get_mut());
            self.text(&text, sink)?;
        }
        let Self { lines, reader, column, .. } = &mut self;
        lines.finish(&mut |line| reader.line(line, column.as_deref(), sink))?;
        reader.finish(sink)
    }

    fn begin(&mut self, sink: &mut impl Sink) -> Result<()> {
        let Packing::Unknown(head) = std::mem::replace(&mut self.packing, Packing::Plain) else {
            return Ok(());
        };
        if head.starts_with(&[0x1f, 0x8b]) {
            self.packing = Packing::Gzip(Box::new(MultiGzDecoder::new(Vec::new())));
        }
        self.push(&head, sink)
    }

    fn unpack(&mut self, piece: &[u8], sink: &mut impl Sink) -> Result<()> {
        let Packing::Gzip(decoder) = &mut self.packing else { return Ok(()) };
        decoder.write_all(piece).map_err(|_| broken())?;
        let mut text = std::mem::take(decoder.get_mut());
        let taken = self.text(&text, sink);
        text.clear();
        if let Packing::Gzip(decoder) = &mut self.packing {
            *decoder.get_mut() = text;
        }
        taken
    }

    fn text(&mut self, text: &[u8], sink: &mut impl Sink) -> Result<()> {
        self.bytes += text.len() as u64;
        if self.bytes > MAX_BYTES {
            return Err(Failure::invalid("the file has more than 4 GiB: send it in parts"));
        }
        let Self { lines, reader, column, .. } = self;
        lines.push(text, &mut |line| reader.line(line, column.as_deref(), sink))
    }
}

/// What the lines are read as.
enum Reader {
    /// No line had anything in it.
    Unknown,
    Json,
    Csv(Csv),
}

impl Reader {
    fn line(&mut self, line: Line<'_>, column: Option<&str>, sink: &mut impl Sink) -> Result<()> {
        let (number, Some(text)) = (line.number, line.text) else { return self.too_long(line.number, sink) };
        match self {
            Self::Unknown => {
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                if text.trim_ascii().is_empty() {
                    sink(number, Entry::Blank)
                } else {
                    self.first(number, text, column, sink)
                }
            }
            Self::Json if text.trim_ascii().is_empty() => sink(number, Entry::Blank),
            Self::Json => sink(number, object(text, column)),
            Self::Csv(csv) => csv.line(number, text, sink),
        }
    }

    fn first(&mut self, number: u64, text: &[u8], column: Option<&str>, sink: &mut impl Sink) -> Result<()> {
        if text.contains(&0) || text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(Failure::invalid("the file is neither CSV nor JSON lines in UTF-8, plain or gzip"));
        }
        if text.trim_ascii_start().starts_with(b"{") {
            *self = Self::Json;
            return sink(number, object(text, column));
        }
        let (mut csv, has_header) = Csv::told_by(text, column)?;
        let taken = if has_header { sink(number, Entry::Header) } else { csv.line(number, text, sink) };
        *self = Self::Csv(csv);
        taken
    }

    fn too_long(&mut self, number: u64, sink: &mut impl Sink) -> Result<()> {
        match self {
            Self::Unknown => {
                let message = format!("the file's first line has more than {MAX_LINE} bytes");
                return Err(Failure::invalid(message));
            }
            Self::Csv(csv) => csv.finish(sink)?,
            Self::Json => {}
        }
        sink(number, Entry::Refused(format!("has more than {MAX_LINE} bytes").into()))
    }

    fn finish(&mut self, sink: &mut impl Sink) -> Result<()> {
        if let Self::Csv(csv) = self { csv.finish(sink) } else { Ok(()) }
    }
}

/// What a line of JSON says.
fn object(text: &[u8], column: Option<&str>) -> Entry {
    let refused = |why: &'static str| Entry::Refused(why.into());
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(text) else {
        return refused("is not a JSON object");
    };
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    let value = match place(&names, column) {
        Place::At(place) => fields.values().nth(place),
        Place::Nowhere => return refused("has no field of the identifier's name"),
        Place::Twice => return refused("has two fields of the identifier's name"),
    };
    match value {
        Some(Value::String(id)) => named(id.clone()),
        // As in archives, the number 123 and the text "123" are the same.
        Some(Value::Number(id)) if !id.is_f64() => named(id.to_string()),
        _ => refused("has an identifier that is neither a text nor a whole number"),
    }
}

fn broken() -> Failure {
    Failure::invalid("the file begins as gzip and is not sound: it may not have been uploaded whole")
}
