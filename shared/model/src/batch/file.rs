//! A file of subjects, read as its bytes arrive: CSV or JSON lines, plain or gzip, recognised by their first bytes and
//! never by the file's name. Memory stays the same however long it is.
//!
//! 1. Gzip is unpacked, a byte order mark is left out, and the text is cut into lines.
//! 2. The first line that is not blank says what the file is. One that begins with `{` is JSON: every line is an
//!    object. Anything else is CSV: a header, if a cell of it is the name of an identifier column; otherwise the file
//!    must have one column and no header. An ambiguous file is refused as a whole.
//!    A file of people by several identifiers has the API's fields, or columns of their names and a header.
//! 3. Every further line names a subject or is refused with a reason. A bad line does not affect its neighbours: a
//!    quote that is never closed makes its own line unreadable, and the next line is read as usual.

use std::io::Write;

use flate2::write::MultiGzDecoder;
use serde_json::{Map, Value};

use super::csv::Csv;
use super::entry::{Entry, Named, Place, Sink, json, place, user};
use super::lines::{Line, Lines, MAX_LINE};
use crate::failure::{Failure, Result};

/// The most bytes of a file, unpacked: room for 1,000,000 subjects and many other columns.
const MAX_BYTES: u64 = 4 << 30;

/// Bytes of gzip to unpack at a time: they may expand a thousandfold.
const PIECE: usize = 4 << 10;

/// A file that is being read.
pub struct File {
    named: Named,
    packing: Packing,
    /// Bytes of text so far.
    bytes: u64,
    lines: Lines,
    reader: Reader,
}

enum Packing {
    /// Too few bytes have come to tell.
    Unknown(Vec<u8>),
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

impl File {
    /// A file of which nothing is read yet.
    pub fn new(named: Named) -> Self {
        let packing = Packing::Unknown(Vec::new());
        Self { named, packing, bytes: 0, lines: Lines::default(), reader: Reader::Unknown }
    }

    /// Reads more bytes and passes the entry of each line that ends in them to the sink.
    ///
    /// # Errors
    /// `Invalid`, if the file as a whole cannot be read; any error of the sink.
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

    /// Ends the file: passes on the last line.
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
        let Self { lines, reader, named, .. } = &mut self;
        lines.finish(&mut |line| reader.line(line, named, sink))?;
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
        let Self { lines, reader, named, .. } = self;
        lines.push(text, &mut |line| reader.line(line, named, sink))
    }
}

/// How the lines are read.
enum Reader {
    /// All lines so far were blank.
    Unknown,
    Json,
    Csv(Csv),
}

impl Reader {
    fn line(&mut self, line: Line<'_>, by: &Named, sink: &mut impl Sink) -> Result<()> {
        let (number, Some(text)) = (line.number, line.text) else { return self.too_long(line.number, sink) };
        match self {
            Self::Unknown => {
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                if text.trim_ascii().is_empty() {
                    sink(number, Entry::Blank)
                } else {
                    self.first(number, text, by, sink)
                }
            }
            Self::Json if text.trim_ascii().is_empty() => sink(number, Entry::Blank),
            Self::Json => sink(number, object(text, by)),
            Self::Csv(csv) => csv.line(number, text, sink),
        }
    }

    fn first(&mut self, number: u64, text: &[u8], by: &Named, sink: &mut impl Sink) -> Result<()> {
        if text.contains(&0) || text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(Failure::invalid("the file is neither CSV nor JSON lines in UTF-8, plain or gzip"));
        }
        if text.trim_ascii_start().starts_with(b"{") {
            *self = Self::Json;
            return sink(number, object(text, by));
        }
        let (mut csv, has_header) = Csv::told_by(text, by)?;
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

/// The entry for a line of JSON.
fn object(text: &[u8], by: &Named) -> Entry {
    let column = match by {
        Named::ByUserId(column) => column.as_deref(),
        Named::ByAll { suppressed } => return json(text, *suppressed),
    };
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
        Some(Value::String(id)) => user(id.clone()),
        // As in archives, the number 123 and the text "123" are the same.
        Some(Value::Number(id)) if !id.is_f64() => user(id.to_string()),
        _ => refused("has an identifier that is neither a text nor a whole number"),
    }
}

fn broken() -> Failure {
    Failure::invalid("the file begins as gzip and is not sound: it may not have been uploaded whole")
}
