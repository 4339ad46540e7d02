//! Lethe as its users meet it: the real template, deployed to a local AWS, with a real Postgres and a fake
//! Braze, driven through the public API. Each test has a stack of its own.
//!
//! `make test` sets up what these need.

mod alarms;
mod archives;
mod attacks;
mod bad_input;
mod batch;
mod batch_people;
mod certificates;
mod chaos;
mod clients;
mod collect;
mod console;
mod contacts;
mod cost;
mod deadlines;
mod figures;
mod formats;
mod grace;
mod group_commit;
mod hand_over;
mod happy_path;
mod hashes;
mod id_shape;
mod idempotence;
mod identifies;
mod load;
mod outages;
mod people;
mod privacy;
mod remains;
mod resolving;
mod runs;
mod s3;
mod samples;
mod scale;
mod schema;
mod sdks;
mod search;
mod sources;
mod stopped;
mod strict;
mod suppressions;
mod tokens;
mod twins;
mod upstream;
mod vendors;
mod warehouses;
mod window;
