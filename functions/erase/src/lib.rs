//! Deletes the subjects' rows in one warehouse and counts them to zero; or only looks at it. A library, so that the
//! simulation can drive it.

mod group_commit;
mod handler;
mod resolve;

pub use handler::{Context, Work, handle};
