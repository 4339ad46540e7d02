//! The engine. Pure and fast: bytes in, bytes out.
//!
//! 1. [`matching`] decides which records belong to which subject.
//! 2. [`mod@format`] removes those records from files: JSON, delimited text, Parquet and Avro, plain or compressed.
//! 3. [`filter`] keeps a small summary of an object, so that a later run knows whether it must read the object again.

pub mod filter;
pub mod format;
pub mod matching;
