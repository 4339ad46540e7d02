//! How a file's blocks are compressed.

use std::borrow::Cow;
use std::io::{Read, Write};

use bzip2::bufread::MultiBzDecoder;
use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::{CORRUPT, MAX_RECORD};
use crate::format::FormatError;

pub(super) enum Packing {
    Null,
    Deflate,
    Bzip2,
    /// Followed by the CRC-32 of the plain bytes.
    Snappy,
    Zstandard,
}

impl Packing {
    pub(super) fn named(name: &[u8]) -> Result<Self, FormatError> {
        match name {
            b"null" => Ok(Self::Null),
            b"deflate" => Ok(Self::Deflate),
            b"bzip2" => Ok(Self::Bzip2),
            b"snappy" => Ok(Self::Snappy),
            b"zstandard" => Ok(Self::Zstandard),
            _ => Err(FormatError::Unsupported(Cow::Borrowed(
                "Avro compressed by other than deflate, bzip2, Snappy or zstd",
            ))),
        }
    }

    pub(super) fn open<'d>(&self, data: &'d [u8]) -> Result<Cow<'d, [u8]>, FormatError> {
        match self {
            Self::Null => Ok(Cow::Borrowed(data)),
            Self::Deflate => all(DeflateDecoder::new(data)),
            Self::Bzip2 => all(MultiBzDecoder::new(data)),
            Self::Zstandard => all(zstd::stream::read::Decoder::new(data).map_err(|_| CORRUPT)?),
            Self::Snappy => {
                let (packed, crc) = data.split_last_chunk::<4>().ok_or(CORRUPT)?;
                if snap::raw::decompress_len(packed).map_err(|_| CORRUPT)? > MAX_RECORD {
                    return Err(TOO_LONG);
                }
                let plain = snap::raw::Decoder::new().decompress_vec(packed).map_err(|_| CORRUPT)?;
                if crc32fast::hash(&plain).to_be_bytes() == *crc {
                    Ok(Cow::Owned(plain))
                } else {
                    Err(CORRUPT)
                }
            }
        }
    }

    pub(super) fn close(&self, plain: &[u8]) -> Result<Vec<u8>, FormatError> {
        match self {
            Self::Null => Ok(plain.to_vec()),
            Self::Deflate => {
                let mut out = DeflateEncoder::new(Vec::new(), Compression::default());
                out.write_all(plain).and_then(|()| out.finish()).map_err(FormatError::Io)
            }
            Self::Bzip2 => {
                let mut out = BzEncoder::new(Vec::new(), bzip2::Compression::best());
                out.write_all(plain).and_then(|()| out.finish()).map_err(FormatError::Io)
            }
            // In one call, so that the frame states its size, which some readers require.
            Self::Zstandard => {
                zstd::bulk::compress(plain, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(FormatError::Io)
            }
            Self::Snappy => {
                let packed = snap::raw::Encoder::new().compress_vec(plain);
                let mut packed = packed.map_err(|error| FormatError::Io(error.into()))?;
                packed.extend(crc32fast::hash(plain).to_be_bytes());
                Ok(packed)
            }
        }
    }
}

const TOO_LONG: FormatError = FormatError::Unsupported(Cow::Borrowed("an Avro block longer than 128 MiB"));

fn all(decoder: impl Read) -> Result<Cow<'static, [u8]>, FormatError> {
    let mut plain = Vec::new();
    decoder.take(MAX_RECORD as u64 + 1).read_to_end(&mut plain).map_err(|_| CORRUPT)?;
    if plain.len() > MAX_RECORD { Err(TOO_LONG) } else { Ok(Cow::Owned(plain)) }
}
