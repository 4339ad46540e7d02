//! CSV (RFC 4180), line by line; what a line means is what the `csv` crate's core says.

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use super::entry::{Entry, Place, Sink, named, place};
use super::lines::MAX_LINE;
use crate::failure::{Failure, Result};

/// How many lines a quoted cell may go over.
const MAX_OPEN: usize = 100;

/// The most cells of a row.
const MAX_CELLS: usize = 1024;

/// What may stand between cells, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// A file of CSV.
pub struct Csv {
    rows: Rows,
    /// How many cells a row has, and which of them is the identifier.
    cells: usize,
    place: usize,
    /// The lines of a row that has not ended, with their numbers.
    open: Vec<(u64, Vec<u8>)>,
}

impl Csv {
    /// What the first line says, and whether it is a header.
    ///
    /// # Errors
    /// `Invalid`, if the identifiers cannot be told from other columns.
    pub fn told_by(first: &[u8], column: Option<&str>) -> Result<(Self, bool)> {
        let of = |rows, cells, place| Self { rows, cells, place, open: Vec::new() };
        let mut is_one_cell = true;
        for delimiter in DELIMITERS {
            let mut rows = Rows::new(delimiter);
            let Row::Whole(cells) = rows.read(first) else {
                return Err(Failure::invalid(
                    "the file's first line cannot be read: a quote in it is not closed",
                ));
            };
            let (names, count): (Vec<_>, _) = (cells.names().collect(), cells.len());
            match place(&names, column) {
                Place::At(place) => return Ok((of(rows, count, place), true)),
                Place::Twice => {
                    return Err(Failure::invalid("two columns of the file have the identifier's name"));
                }
                Place::Nowhere => is_one_cell &= count == 1,
            }
        }
        match column {
            Some(_) => Err(Failure::invalid("the file's first line names no column as the message does")),
            None if is_one_cell => Ok((of(Rows::new(DELIMITERS[0]), 1, 0), false)),
            None => Err(Failure::invalid(
                "the file has several columns and none is called userId: name the column in the message",
            )),
        }
    }

    /// Takes a line.
    pub fn line(&mut self, number: u64, text: &[u8], sink: &mut impl Sink) -> Result<()> {
        if self.open.is_empty() {
            if text.trim_ascii().is_empty() {
                return sink(number, Entry::Blank);
            }
            return match self.rows.read(text) {
                Row::Open => {
                    self.open.push((number, text.to_vec()));
                    Ok(())
                }
                row => sink(number, entry(&row, self.cells, self.place)),
            };
        }
        self.open.push((number, text.to_vec()));
        let (first, bytes) =
            (self.open[0].0, self.open.iter().map(|(_, text)| text.len() + 1).sum::<usize>());
        let texts: Vec<_> = self.open.iter().map(|(_, text)| text.as_slice()).collect();
        match self.rows.read(&texts.join(&b'\n')) {
            Row::Open if self.open.len() < MAX_OPEN && bytes < MAX_LINE => Ok(()),
            Row::Open => self.give_up(sink),
            row => {
                self.open.clear();
                sink(first, entry(&row, self.cells, self.place))
            }
        }
    }

    /// No line follows.
    pub fn finish(&mut self, sink: &mut impl Sink) -> Result<()> {
        while !self.open.is_empty() {
            self.give_up(sink)?;
        }
        Ok(())
    }

    /// A quote is not closed: that line is unreadable, and those behind it are lines like others.
    fn give_up(&mut self, sink: &mut impl Sink) -> Result<()> {
        let mut lines = std::mem::take(&mut self.open).into_iter();
        if let Some((number, _)) = lines.next() {
            sink(number, Entry::Refused("opens a quote that is not closed".into()))?;
        }
        lines.try_for_each(|(number, text)| self.line(number, &text, sink))
    }
}

/// What a row says, of which so many cells are wanted and one names somebody.
fn entry(row: &Row<'_>, wanted: usize, place: usize) -> Entry {
    let Row::Whole(cells) = row else { return Entry::Refused("has too many cells".into()) };
    if cells.len() != wanted {
        let count = cells.len();
        return Entry::Refused(
            format!("has another number of cells than the first line: {count}, not {wanted}").into(),
        );
    }
    match cells.get(place).map(str::from_utf8) {
        Some(Ok(id)) => named(id.to_owned()),
        _ => Entry::Refused("is not UTF-8".into()),
    }
}

/// Reads rows one after the other.
struct Rows {
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What a text is.
enum Row<'a> {
    /// A row, with its cells.
    Whole(Cells<'a>),
    /// The beginning of a row: a quoted cell continues on the next line.
    Open,
    /// More cells than any row has.
    TooMany,
}

/// The cells of a row.
#[derive(Clone, Copy)]
struct Cells<'a> {
    text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Cells<'a> {
    /// How many there are.
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// One of them.
    fn get(&self, place: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// All of them, as far as they are UTF-8.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(|place| self.get(place).and_then(|cell| str::from_utf8(cell).ok()).unwrap_or(""))
    }
}

impl Rows {
    /// Rows with this between their cells.
    fn new(delimiter: u8) -> Self {
        Self { delimiter, text: Vec::new(), ends: vec![0; MAX_CELLS] }
    }

    /// Reads a text that is one line, or several of which all but the last end within a quoted cell.
    fn read(&mut self, text: &[u8]) -> Row<'_> {
        let mut reader =
            ReaderBuilder::new().delimiter(self.delimiter).terminator(Terminator::Any(b'\n')).build();
        self.text.resize(text.len() + 1, 0);
        let (mut written, mut ended) = (0, 0);
        for piece in [text, b"\n"] {
            let (result, _, w, e) =
                reader.read_record(piece, &mut self.text[written..], &mut self.ends[ended..]);
            (written, ended) = (written + w, ended + e);
            match result {
                ReadRecordResult::Record => {
                    return Row::Whole(Cells { text: &self.text, ends: &self.ends[..ended] });
                }
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return Row::TooMany,
            }
        }
        Row::Open
    }
}
