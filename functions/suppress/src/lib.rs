//! The first step of every regulation: changes the suppression list, records the ids that the regulation covers, and
//! returns the destinations to erase from. A library, so that the simulation can drive it.

mod handler;

pub use handler::{Context, Plan, Request, suppress};
