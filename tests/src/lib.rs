//! Lethe on one machine: what the end-to-end tests and `make demo` are made of.
//!
//! ```text
//! aws        the local AWS            stack         the template, deployed to it
//! postgres   a real Postgres          api           a client of the public API
//! vendors    fake vendors             certificate   what the reader of a certificate does
//! s3         an S3 that misbehaves    prism         holds both sides against a vendor's document
//! ingest     a client of the tracking API     queue         the queue of batches
//! chaos      a network that fails by seed     proxy         one that fails when told to
//!
//! people     who is in the data: the three, and those one could take for them
//! archive    an archive in S3         census        counts its lines, independently
//! warehouse  a schema in Postgres, and counts its rows
//!
//! world      all of it for one test   destinations  as the public API takes them
//! traces     all that a stack holds, to be searched      strict  what AWS would have refused, counted, and raised alarms for
//! ```
//!
//! Everything runs on ports found free and in directories of its own, so that tests and a running demo never
//! meet, and ends with the program that started it ([`process`]).

#![allow(clippy::print_stdout, reason = "programs that tell a story")]

pub mod api;
pub mod archive;
pub mod aws;
pub mod bigquery;
pub mod census;
pub mod certificate;
pub mod chaos;
pub mod destinations;
pub mod ingest;
pub mod people;
pub mod postgres;
pub mod prism;
pub mod process;
pub mod progress;
pub mod proxy;
pub mod queue;
pub mod redshift;
pub mod s3;
pub mod scenario;
pub mod serve;
pub mod snowflake;
pub mod stack;
pub mod strict;
pub mod traces;
pub mod vendors;
pub mod warehouse;
pub mod world;
