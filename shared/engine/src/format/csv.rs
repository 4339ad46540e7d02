//! Comma-separated values (RFC 4180) under a header, and delimited text without one.
//!
//! 1. The header names the columns. A column is relevant if its name is a rule's path, including the dots. If it is one
//!    only without spaces or quotes of its own, the text is refused. The delimiter is the one of `, ; tab |` that yields a
//!    relevant column. Without a header, the rules number the columns
//!    and say how the text is written; the first record shows how many cells each has.
//! 2. Records are cut out: a quoted cell may hold delimiters, line ends and doubled quotes. A quote that is closed in its
//!    line, but not followed by a delimiter, makes that line unreadable. If it is not closed in its line, nobody knows which
//!    of the next lines are rows: the text is refused. All records end with line feeds, or all with bare carriage
//!    returns; a mixture is refused, as readers differ on where its rows end.
//! 3. Cells in relevant columns are looked up exactly, as bytes: `123.0` does not match 123 here, as the same digits
//!    may be a name. A cell that is not UTF-8, or names a subject only in other quotes than these, is opaque.
//! 4. A record with more or fewer cells than the header is unreadable. Without a header it is opaque, too: cells may have
//!    shifted, and the identifier with them.
//! 5. Everything but the removed records is written as it is, the header first. The same header may come again, as
//!    concatenation makes it; another one is refused, and so is binary data.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memchr3, memmem};

use super::blocks::Blocks;
use super::codec::Encoder;
use super::detect::BINARY;
use super::mark::Mark;
use super::{BYTE_ORDER_MARK, FormatError, Report};
use crate::matching::{Matcher, Node, Verdict, has_controls};
use model::rules::{Dialect, column};

const DELIMITERS: &[u8] = b",\t;|";

/// What the header defines, or else the rules and the first record.
pub(super) struct Header<'m> {
    dialect: Dialect,
    /// Its text without the line end, if it is written.
    written: Option<Vec<u8>>,
    /// What columns of identifiers may be called.
    names: Vec<String>,
    /// Whether a column is called so but for spaces or quotes.
    misnamed: bool,
    ends: Option<RowEnd>,
    cells: usize,
    /// Relevant columns by index, with the rules' node for each.
    columns: Vec<(usize, &'m Node)>,
}

/// How records end. A carriage return before a line feed belongs to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowEnd {
    Feed,
    Return,
}

/// Whether the first bytes of an object are a CSV header that names a column of some rule.
pub(super) fn has_header(head: &[u8], matcher: &Matcher) -> bool {
    header(head, true, matcher).is_some()
}

/// A record's text without a byte order mark and its line end.
fn bare(record: &[u8]) -> &[u8] {
    let text = record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(record);
    let ends = text.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    &text[..text.len() - ends]
}

/// The rules' paths to identifiers, as a header writes them.
fn names(node: &Node, path: &str) -> Vec<String> {
    let deeper = node.children().filter(|(_, child)| child.leads_to_identifier());
    let deeper = deeper.flat_map(|(name, child)| names(child, &format!("{path}.{name}")));
    let here = node.rules().next().map(|_| path.trim_start_matches('.').to_owned());
    deeper.chain(here).collect()
}

/// Whether a record is another header than the known one: it names a column of a rule, and reads like names throughout.
/// `cells`: none, if it is malformed.
fn is_another_header(record: &[u8], cells: Option<&[Cell]>, known: &Header<'_>, matcher: &Matcher) -> bool {
    let is_name = |cell: &Cell| known.names.iter().any(|name| name.as_bytes() == &record[cell.range.clone()]);
    let reads_so = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. ,;|\t\"".contains(byte) || *byte >= 128;
    known.written.is_some()
        && cells.is_none_or(|cells| cells.len() != known.cells || cells.iter().any(is_name))
        && bare(record).iter().all(reads_so)
        && header(bare(record), true, matcher).is_some()
}

fn header<'m>(bytes: &[u8], last: bool, matcher: &'m Matcher) -> Option<(Header<'m>, usize)> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    DELIMITERS.iter().find_map(|&delimiter| {
        let dialect = Dialect { delimiter, quotes: true };
        let mut cells = Vec::new();
        let record = read_record(text, dialect, last, &mut cells).filter(|record| record.well_formed)?;
        if has_controls(&text[..record.end]) {
            return None;
        }
        let column = |(at, cell): (usize, &Cell)| {
            let name = cell.text(text);
            let name = str::from_utf8(&name).ok()?;
            Some((at, matcher.at(name.split('.')).or_else(|| matcher.at([name].into_iter()))?))
        };
        let columns: Vec<_> = cells.iter().enumerate().filter_map(column).collect();
        let end = bytes.len() - text.len() + record.end;
        let written = Some(bare(&text[..record.end]).to_vec());
        let names = names(matcher.root(), "");
        let misnamed = cells.iter().any(|cell| {
            let name = String::from_utf8_lossy(&cell.text(text)).into_owned();
            let bare = name.trim_matches(|letter: char| letter.is_whitespace() || "'\"`=".contains(letter));
            bare != name && names.iter().any(|name| name == bare)
        });
        let ends = record.ends;
        let header = Header { dialect, written, names, misnamed, ends, cells: cells.len(), columns };
        header.columns.iter().any(|(_, node)| node.leads_to_identifier()).then_some((header, end))
    })
}

/// The columns of text without a header, by the rules and the first record. `whole`: `head` is the whole text.
///
/// # Errors
/// `Unsupported`, if the first record is not one in which the rules' columns are.
pub(super) fn numbered<'m>(
    head: &[u8],
    whole: bool,
    dialect: Dialect,
    matcher: &'m Matcher,
) -> Result<Header<'m>, FormatError> {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let named = matcher.root().children();
    let columns: Vec<_> = named.filter_map(|(name, node)| Some((column(name)?, node))).collect();
    let needed = columns.iter().map(|(column, _)| column + 1).max().unwrap_or_default();
    let header = |cells, ends| {
        let (written, names) = (None, Vec::new());
        Header { dialect, written, names, misnamed: false, ends, cells, columns }
    };
    let (mut at, mut cells) = (0, Vec::new());
    while at < text.len() {
        let Some(record) = read_record(&text[at..], dialect, whole, &mut cells) else {
            return Err(FormatError::Unsupported("text whose first record is longer than 64 KiB".into()));
        };
        if !text[at..at + record.end].trim_ascii().is_empty() {
            return match record.well_formed && cells.len() >= needed {
                true => Ok(header(cells.len(), record.ends)),
                false => {
                    Err(FormatError::Unsupported("text without the columns that the rules number".into()))
                }
            };
        }
        at += record.end;
    }
    Ok(header(0, None))
}

/// Processes the records under the header, which `head` begins with, or all records of text without one, whose header
/// is `known`. Returns the checkpoint, if `pause` asked for one.
pub(super) fn purge<'m>(
    blocks: &mut Blocks<'_, '_>,
    head: &[u8],
    known: Option<Header<'m>>,
    mut out: Option<&mut Encoder<'_>>,
    matcher: &'m Matcher,
    report: &mut Report,
    pause: &dyn Fn() -> bool,
) -> Result<Option<(u64, Mark)>, FormatError> {
    let (mut gone, mut cells, mut hits) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = matcher.record();
    let mut known = match known {
        None if !blocks.is_at_start() => header(head, true, matcher).map(|(header, _)| header),
        known => known,
    };
    loop {
        let (block, last) = blocks.next()?;
        let mut at = 0;
        gone.clear();
        let mut header = match known.take() {
            Some(header) => header,
            None => {
                let (header, end) = header(block, last, matcher)
                    .ok_or(FormatError::Corrupt("a CSV header that does not end"))?;
                if header.misnamed {
                    return Err(FormatError::Corrupt(
                        "a CSV header with spaces or other quotes around the name of a rule's column",
                    ));
                }
                at = end;
                header
            }
        };
        while at < block.len() {
            // Concatenation leaves a mark before a row; it goes with it.
            let mark = if block[at..].starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
            let text = &block[at + mark..];
            let Some(record) = read_record(text, header.dialect, last, &mut cells) else { break };
            if reads_otherwise(text, &record, &cells, last, &header) {
                return Err(FormatError::Corrupt(
                    "quotes behind backslashes, which some programs take for text and others for the end of a cell",
                ));
            }
            if record.torn {
                return Err(FormatError::Corrupt(
                    "a quote that opens a cell and does not close it, so that the lines behind it may be rows or text; if \
                     quotes are only text there, number the columns, with \"quotes\": false",
                ));
            }
            if record.well_formed && pairs_up(&text[..record.end], &cells, &header) {
                return Err(FormatError::Corrupt(
                    "cells of one quote on several lines, each of which may be a row or part of a cell",
                ));
            }
            let range = at..at + mark + record.end;
            let bytes = &text[..record.end];
            at = range.end;
            if record.ends.is_some_and(|ends| *header.ends.get_or_insert(ends) != ends) {
                return Err(FormatError::Corrupt(
                    "some rows end in a line feed, and others in a carriage return",
                ));
            }
            if header.written.as_deref() == Some(bare(bytes)) {
                continue;
            }
            if is_another_header(bytes, record.well_formed.then_some(&cells), &header, matcher) {
                return Err(FormatError::Corrupt("another CSV header behind the first"));
            }
            report.lines += 1;
            if bytes.trim_ascii().is_empty() {
                report.count_unreadable(bytes, matcher);
                continue;
            }
            if !record.well_formed || cells.len() != header.cells {
                report.count_unreadable(bytes, matcher);
                report.opaque += u64::from(header.written.is_none());
                continue;
            }
            for (column, node) in &header.columns {
                match str::from_utf8(&cells[*column].text(bytes)) {
                    Ok(text) => found.cell(text, node),
                    Err(_) if node.leads_to_identifier() => found.opaque(node),
                    Err(_) => {}
                }
            }
            let verdict = found.decide(&mut hits);
            report.decided(verdict, &hits, bytes, matcher);
            if verdict == Verdict::Remove {
                gone.push(range);
            }
        }
        // Hive's delimiters are control characters.
        let is_binary = if header.written.is_some() {
            has_controls(&block[..at])
        } else {
            memchr(0, &block[..at]).is_some()
        };
        if is_binary {
            return Err(FormatError::Unsupported(BINARY.into()));
        }
        blocks.pass_on(at, &gone, out.as_deref_mut())?;
        known = Some(header);
        if last {
            report.bytes = blocks.read();
            return Ok(None);
        }
        if at > 0
            && pause()
            && let Some(place) = blocks.pause(out.as_deref_mut(), report)?
        {
            return Ok(Some(place));
        }
    }
}

/// A cell within its record, without its quotes.
struct Cell {
    range: Range<usize>,
    has_doubled_quotes: bool,
}

impl Cell {
    fn text<'r>(&self, record: &'r [u8]) -> Cow<'r, [u8]> {
        let raw = &record[self.range.clone()];
        if !self.has_doubled_quotes {
            return Cow::Borrowed(raw);
        }
        let mut text = Vec::with_capacity(raw.len());
        let mut from = 0;
        for at in memmem::find_iter(raw, "\"\"") {
            text.extend_from_slice(&raw[from..=at]);
            from = at + 2;
        }
        text.extend_from_slice(&raw[from..]);
        Cow::Owned(text)
    }
}

struct Record {
    /// Where it ends, including the line end.
    end: usize,
    /// How; `None` at the end of the text.
    ends: Option<RowEnd>,
    well_formed: bool,
    /// Whether a quote of it is closed badly or never, and lines stand behind that quote.
    torn: bool,
}

/// Cuts one record off the front; `None`, if its end is not in `bytes` yet. `last`: no bytes follow.
fn read_record(bytes: &[u8], dialect: Dialect, last: bool, cells: &mut Vec<Cell>) -> Option<Record> {
    cut(bytes, dialect, false, last, cells)
}

/// The same. `backslash`: a backslash in quotes escapes the next character.
fn cut(bytes: &[u8], dialect: Dialect, backslash: bool, last: bool, cells: &mut Vec<Cell>) -> Option<Record> {
    let Dialect { delimiter, quotes } = dialect;
    cells.clear();
    let mut at = 0;
    loop {
        let behind = if quotes && bytes.get(at) == Some(&b'"') {
            let Some((cell, behind)) = quoted(bytes, at + 1, backslash) else {
                return if last { malformed(bytes, bytes, last) } else { None };
            };
            cells.push(cell);
            behind
        } else {
            let end = memchr3(delimiter, b'\n', b'\r', &bytes[at..]).map(|length| at + length);
            if end.is_none() && !last {
                return None;
            }
            let end = end.unwrap_or(bytes.len());
            if quotes && opens_behind_blanks(&bytes[at..end]) {
                return torn(bytes, last);
            }
            cells.push(Cell { range: at..end, has_doubled_quotes: false });
            end
        };
        let record = |end, ends| Some(Record { end: behind + end, ends, well_formed: true, torn: false });
        match &bytes[behind..] {
            [next, ..] if *next == delimiter => at = behind + 1,
            [b'\n', ..] => return record(1, Some(RowEnd::Feed)),
            [b'\r', b'\n', ..] => return record(2, Some(RowEnd::Feed)),
            [] if last => return record(0, None),
            [b'\r'] if last => return record(1, None),
            [] | [b'\r'] => return None,
            [b'\r', ..] => return record(1, Some(RowEnd::Return)),
            _ => return malformed(bytes, &bytes[..behind], last),
        }
    }
}

/// Whether a cell has a quote behind blanks that it does not close: some programs skip the blanks, and read on to the
/// next quote.
fn opens_behind_blanks(cell: &[u8]) -> bool {
    let text = cell.trim_ascii_start();
    text.len() < cell.len() && text.starts_with(b"\"") && memchr_iter(b'"', text).count() % 2 == 1
}

/// The first line as a record of which nobody knows where it ends.
fn torn(bytes: &[u8], last: bool) -> Option<Record> {
    malformed(bytes, b"", last).map(|record| Record { torn: true, ..record })
}

/// Whether a record is also one, but another, where a backslash escapes a quote in quotes: so Spark and MySQL write.
fn reads_otherwise(bytes: &[u8], record: &Record, cells: &[Cell], last: bool, header: &Header<'_>) -> bool {
    if !header.dialect.quotes || memmem::find(&bytes[..record.end], b"\\\"").is_none() {
        return false;
    }
    let mut others = Vec::new();
    cut(bytes, header.dialect, true, last, &mut others).is_some_and(|other| {
        let same = |(one, other): (&Cell, &Cell)| one.range == other.range;
        let is_row = other.well_formed && others.len() == header.cells;
        is_row && !(record.well_formed && cells.len() == others.len() && cells.iter().zip(&others).all(same))
    })
}

/// Whether quotes that may be cells of their own, such as ditto marks, open and close a cell over lines that are rows by
/// themselves.
fn pairs_up(bytes: &[u8], cells: &[Cell], header: &Header<'_>) -> bool {
    let delimiter = header.dialect.delimiter;
    let may_pair = |cell: &Cell| {
        let text = &bytes[cell.range.clone()];
        matches!(text, [b'\n' | b'\r', .., last] if *last == delimiter || matches!(last, b'\n' | b'\r'))
    };
    let is_row = |line: &[u8]| memchr_iter(delimiter, line).count() + 1 == header.cells;
    header.dialect.quotes
        && cells.iter().any(may_pair)
        && bare(bytes).split(|byte| *byte == b'\n').all(is_row)
}

/// Reads a quoted cell from after its opening quote. Returns it and the position after its closing quote, or
/// `None` if it is not closed.
fn quoted(bytes: &[u8], start: usize, backslash: bool) -> Option<(Cell, usize)> {
    let mut from = start;
    if backslash {
        loop {
            let at = from + memchr2(b'"', b'\\', &bytes[from..])?;
            if bytes[at] == b'"' {
                return Some((Cell { range: start..at, has_doubled_quotes: false }, at + 1));
            }
            from = at + 2;
            if from > bytes.len() {
                return None;
            }
        }
    }
    loop {
        let quote = from + memchr(b'"', &bytes[from..])?;
        if bytes.get(quote + 1) != Some(&b'"') {
            let has_doubled_quotes = from > start;
            return Some((Cell { range: start..quote, has_doubled_quotes }, quote + 1));
        }
        from = quote + 2;
    }
}

/// A record of the first line only, since nothing shows where the record ends. `read`: up to the end of the quote that is
/// wrong, if it has one.
fn malformed(bytes: &[u8], read: &[u8], last: bool) -> Option<Record> {
    let behind = memchr2(b'\n', b'\r', read).map(|end| read[end..].trim_ascii());
    let torn = behind.is_some_and(|lines| !lines.is_empty());
    let record = |end, ends| Some(Record { end, ends, well_formed: false, torn });
    let Some(end) = memchr2(b'\n', b'\r', bytes) else {
        return if last { record(bytes.len(), None) } else { None };
    };
    match &bytes[end..] {
        [b'\n', ..] => record(end + 1, Some(RowEnd::Feed)),
        [_, b'\n', ..] => record(end + 2, Some(RowEnd::Feed)),
        [_] if last => record(end + 1, None),
        [_] => None,
        _ => record(end + 1, Some(RowEnd::Return)),
    }
}
