//! The engine, pure and fast: bytes in, bytes out.
//!
//! 1. [`matching`] decides which records belong to which subject.
//! 2. [`mod@format`] takes those records out of files: JSON lines, CSV and Parquet, plain or compressed.
//! 3. [`filter`] keeps a small summary of an object, by which a later run knows that it need not read it again.

pub mod filter;
pub mod format;
pub mod matching;
