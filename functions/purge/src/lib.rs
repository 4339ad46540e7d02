//! Works through one batch of a purge run: looks for the subjects in archive objects, removes them, looks again. Or
//! only looks at an archive. A library, so that the simulation can drive it.

mod context;
mod handler;
mod probe;
mod record;

pub use context::Context;
pub use handler::{Reply, Request, handle};
