//! Avro object container files (<https://avro.apache.org/docs/1.12.0/specification/#object-container-files>).
//!
//! 1. The header holds schema, codec and the sync marker that ends each block. `schema` reads the schema.
//! 2. A block is decompressed and read record by record (`record`): values at a rule's path are compared, all others
//!    skipped.
//! 3. A block without a hit is copied as it is. In a block with hits, the other records stay byte for byte and
//!    are compressed again with the same codec. A block that would be empty is dropped. The header stays.

mod packing;
mod record;
mod schema;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{Read, Write};

use super::blocks::MAX_RECORD;
use super::source::{ByteSource, judge};
use super::{Codec, Content, Format, FormatError, Object, Pause, Report, Rewritten};
use crate::matching::{Matcher, Verdict};
use packing::Packing;
use schema::Schema;

pub(super) const MAGIC: &[u8] = b"Obj\x01";
const CORRUPT: FormatError = FormatError::Corrupt("Avro data that breaks its own format");
const ENUM: &str = "Avro whose schema names a subject in the symbols of an enum: have it written as text";
/// Limit in bytes on the memory that a header can require.
const MAX_HEADER: usize = 16 << 20;
const MARK: usize = 16;

pub(super) fn purge(
    object: &dyn Object,
    mut out: Option<&mut (dyn Write + Send)>,
    matcher: &Matcher,
    from: Option<Pause>,
    pause: &dyn Fn() -> bool,
) -> Result<Rewritten, FormatError> {
    let mut source = ByteSource::open(object, 0)?;
    let Header { schema, packing, mark } = Header::read(&mut source)?;
    schema.must_suit(matcher.root())?;
    if schema.lists_a_subject(matcher) {
        return Err(FormatError::Unsupported(ENUM.into()));
    }
    let format = Format { content: Content::Avro, codec: Codec::Plain };
    let begun = (0, Report { format, ..Report::default() });
    let (done, mut report) = from.map_or(begun, |from| (from.done, from.report));
    if done > 0 {
        source = ByteSource::open(object, done)?;
    } else if let Some(out) = &mut out {
        let header = object.range(0..source.position()).map_err(FormatError::Io)?;
        out.write_all(&header).map_err(FormatError::Io)?;
    }
    while let Some(block) = Block::read(&mut source, &mark)? {
        let records = packing.open(&block.data)?;
        let kept = block.without(&records, &schema, matcher, &mut report)?;
        report.bytes += records.len() as u64;
        if let Some(out) = &mut out {
            match kept {
                None => block.write(&mark, out),
                Some(kept) if kept.count == 0 => Ok(()),
                Some(kept) => kept.pack(&packing)?.write(&mark, out),
            }
            .map_err(FormatError::Io)?;
        }
        if pause() {
            let done = source.position();
            return Ok(Rewritten::Paused(Pause { done, report, ..Pause::default() }));
        }
    }
    if let Some(out) = &mut out {
        out.flush().map_err(FormatError::Io)?;
    }
    Ok(Rewritten::Whole(report))
}

/// Checks by its header whether the rules can be applied to a file.
pub(super) fn check(object: &dyn Object, matcher: &Matcher) -> Result<(), FormatError> {
    let header = Header::read(&mut ByteSource::open(object, 0)?)?;
    header.schema.must_suit(matcher.root())
}

struct Header {
    schema: Schema,
    packing: Packing,
    mark: [u8; MARK],
}

impl Header {
    fn read(source: &mut ByteSource<'_>) -> Result<Self, FormatError> {
        let mut magic = [0; 4];
        exactly(source, &mut magic)?;
        let (mut schema, mut packing, mut left) = (None, Packing::Null, MAX_HEADER);
        loop {
            let mut count = long(source)?.ok_or(CORRUPT)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                long(source)?;
                count = count.checked_neg().ok_or(CORRUPT)?;
            }
            for _ in 0..count {
                let mut sized = || {
                    let length = long(source)?.and_then(|length| usize::try_from(length).ok());
                    let length = length.filter(|&length| length <= left).ok_or(CORRUPT)?;
                    left -= length;
                    let mut bytes = vec![0; length];
                    exactly(source, &mut bytes).map(|()| bytes)
                };
                match (sized()?.as_slice(), sized()?) {
                    (b"avro.schema", json) => schema = Some(Schema::parse(&json)?),
                    (b"avro.codec", name) => packing = Packing::named(&name)?,
                    _ => left = left.checked_sub(1).ok_or(CORRUPT)?,
                }
            }
        }
        let mut mark = [0; MARK];
        exactly(source, &mut mark)?;
        Ok(Self { schema: schema.ok_or(CORRUPT)?, packing, mark })
    }
}

/// Records as a file stores them.
struct Block {
    count: u64,
    data: Vec<u8>,
}

impl Block {
    /// The next block; `None` at the end of the file.
    fn read(source: &mut ByteSource<'_>, mark: &[u8; MARK]) -> Result<Option<Self>, FormatError> {
        let Some(count) = long(source)? else { return Ok(None) };
        let size = long(source)?.and_then(|size| usize::try_from(size).ok()).ok_or(CORRUPT)?;
        if size > MAX_RECORD {
            return Err(FormatError::Unsupported(Cow::Borrowed("an Avro block longer than 128 MiB")));
        }
        let mut data = Vec::new();
        // Grows with the bytes present, not with the size that the file claims.
        let read =
            source.by_ref().take(size as u64).read_to_end(&mut data).map_err(|error| judge(error, ""))?;
        let mut end = [0; MARK];
        exactly(source, &mut end)?;
        let count = u64::try_from(count).map_err(|_| CORRUPT)?;
        if read == size && end == *mark { Ok(Some(Self { count, data })) } else { Err(CORRUPT) }
    }

    /// The kept records, uncompressed; `None`, if all are kept.
    fn without(
        &self,
        records: &[u8],
        schema: &Schema,
        matcher: &Matcher,
        report: &mut Report,
    ) -> Result<Option<Self>, FormatError> {
        let (mut rest, mut hits, mut found) = (records, Vec::new(), matcher.record());
        let (mut kept, mut copied, mut removed) = (Vec::new(), 0, 0);
        // A record that holds an identifier is never empty.
        if self.count > records.len() as u64 {
            return Err(CORRUPT);
        }
        for _ in 0..self.count {
            let start = records.len() - rest.len();
            record::read(schema, &mut rest, matcher.root(), &mut found)?;
            let end = records.len() - rest.len();
            let verdict = found.decide(&mut hits);
            report.decided(verdict, &hits, &[], matcher);
            if verdict == Verdict::Remove {
                removed += 1;
                kept.extend_from_slice(&records[copied..start]);
                copied = end;
            }
        }
        if !rest.is_empty() {
            return Err(CORRUPT);
        }
        report.lines += self.count;
        Ok((removed > 0).then(|| {
            kept.extend_from_slice(&records[copied..]);
            Self { count: self.count - removed, data: kept }
        }))
    }

    fn pack(self, packing: &Packing) -> Result<Self, FormatError> {
        Ok(Self { data: packing.close(&self.data)?, ..self })
    }

    fn write(&self, mark: &[u8], out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        let mut head = Vec::new();
        put_long(&mut head, self.count);
        put_long(&mut head, self.data.len() as u64);
        out.write_all(&head)?;
        out.write_all(&self.data)?;
        out.write_all(mark)
    }
}

fn exactly(source: &mut ByteSource<'_>, bytes: &mut [u8]) -> Result<(), FormatError> {
    source.read_exact(bytes).map_err(|error| match judge(error, "") {
        FormatError::Corrupt(_) => CORRUPT,
        other => other,
    })
}

/// Reads a number as Avro encodes it: zigzag, seven bits per byte, lowest first. `None` at the end of the file.
fn long(source: &mut ByteSource<'_>) -> Result<Option<i64>, FormatError> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let mut byte = [0];
        let read = source.read(&mut byte).map_err(|error| judge(error, ""))?;
        match read {
            0 if shift == 0 => return Ok(None),
            0 => return Err(CORRUPT),
            _ => number |= u64::from(byte[0] & 0x7f).checked_shl(shift).unwrap_or(0),
        }
        if byte[0] < 0x80 {
            return Ok(Some(unzigzag(number)));
        }
    }
    Err(CORRUPT)
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn put_long(out: &mut Vec<u8>, number: u64) {
    let mut number = number << 1;
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
