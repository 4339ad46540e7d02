//! Works through one batch of a purge run: looks for the subjects in archive objects, removes them, looks again. Or
//! only looks at an archive, or through one for other identifiers of people. A library, so that the simulation can drive it.

mod context;
mod handler;
mod probe;
mod record;
mod resolve;

pub use context::Context;
pub use handler::{Reply, Request, Work, handle};
