//! Writes accepted events to the archives. A library, as the other steps of the protocol are, so that the simulation can
//! drive it.

mod batch;
mod file;
mod handler;

pub use handler::{Context, record};
