//! CSV (RFC 4180), read line by line with the core of the `csv` crate.

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use super::columns::Columns;
use super::entry::{Entry, Named, Sink};
use super::lines::MAX_LINE;
use crate::failure::{Failure, Result};

/// The most lines that a quoted cell may span.
const MAX_OPEN: usize = 100;

/// The most cells of a row.
const MAX_CELLS: usize = 1024;

/// Delimiters to try, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// A file of CSV.
pub struct Csv {
    rows: Rows,
    /// Cells of a row.
    cells: usize,
    columns: Columns,
    /// The lines of an unfinished row, with their numbers.
    open: Vec<(u64, Vec<u8>)>,
}

impl Csv {
    /// Recognises the columns by the first line, and whether that line is a header.
    ///
    /// # Errors
    /// `Invalid`, if it is unclear which columns hold the identifiers.
    pub fn told_by(first: &[u8], by: &Named) -> Result<(Self, bool)> {
        let of = |rows, cells, columns| Self { rows, cells, columns, open: Vec::new() };
        let mut is_one_cell = true;
        for delimiter in DELIMITERS {
            let mut rows = Rows::new(delimiter);
            let Row::Whole(cells) = rows.read(first) else {
                return Err(Failure::invalid(
                    "the file's first line cannot be read: a quote in it is not closed",
                ));
            };
            let (names, count): (Vec<_>, _) = (cells.names().collect(), cells.len());
            match Columns::of(&names, by)? {
                Some(columns) => return Ok((of(rows, count, columns), true)),
                None => is_one_cell &= count == 1,
            }
        }
        match by {
            Named::ByUserId(None) if is_one_cell => {
                Ok((of(Rows::new(DELIMITERS[0]), 1, Columns::UserId(0)), false))
            }
            Named::ByUserId(None) => Err(Failure::invalid(
                "the file has several columns and none is called userId: name the column in the message",
            )),
            Named::ByUserId(Some(_)) => {
                Err(Failure::invalid("the file's first line names no column as the message does"))
            }
            Named::ByAll { .. } => Err(Failure::invalid(
                "the file's first line names no column userId, anonymousId, email, phone, ids.… or hashes.…",
            )),
        }
    }

    /// Reads a line.
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
                row => sink(number, entry(&row, self.cells, &self.columns)),
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
                sink(first, entry(&row, self.cells, &self.columns))
            }
        }
    }

    /// Ends the file: gives up a row that is still open.
    pub fn finish(&mut self, sink: &mut impl Sink) -> Result<()> {
        while !self.open.is_empty() {
            self.give_up(sink)?;
        }
        Ok(())
    }

    /// Refuses the first open line, whose quote is never closed, and reads the others as lines of their own.
    fn give_up(&mut self, sink: &mut impl Sink) -> Result<()> {
        let mut lines = std::mem::take(&mut self.open).into_iter();
        if let Some((number, _)) = lines.next() {
            sink(number, Entry::Refused("opens a quote that is not closed".into()))?;
        }
        lines.try_for_each(|(number, text)| self.line(number, &text, sink))
    }
}

/// The entry for a row that should have `wanted` cells.
fn entry(row: &Row<'_>, wanted: usize, columns: &Columns) -> Entry {
    let Row::Whole(cells) = row else { return Entry::Refused("has too many cells".into()) };
    if cells.len() != wanted {
        let count = cells.len();
        return Entry::Refused(
            format!("has another number of cells than the first line: {count}, not {wanted}").into(),
        );
    }
    columns.entry(|place| cells.get(place).and_then(|cell| str::from_utf8(cell).ok()))
}

/// Parses rows one after the other.
struct Rows {
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What a text was parsed as.
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
    /// The number of cells.
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell at an index.
    fn get(&self, place: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// All cells as text; empty where they are not UTF-8.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).map(|place| self.get(place).and_then(|cell| str::from_utf8(cell).ok()).unwrap_or(""))
    }
}

impl Rows {
    /// A parser of rows with this delimiter.
    fn new(delimiter: u8) -> Self {
        Self { delimiter, text: Vec::new(), ends: vec![0; MAX_CELLS] }
    }

    /// Parses a text of one line, or of several lines of which all but the last end within a quoted cell.
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
