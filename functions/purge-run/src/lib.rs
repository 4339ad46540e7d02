//! Opens, guards and closes purge runs: their objects and batches, and the outcome for each regulation. A library, so
//! that the simulation can drive it.

mod abort;
mod close;
mod context;
mod evidence;
mod guard;
mod handler;
mod id_shape;
mod list;
mod nudge;
mod open;
mod report;
mod run;
mod tally;

pub use context::Context;
pub use handler::{Reply, Request, handle};
