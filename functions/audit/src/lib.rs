//! Seals a regulation: signs its evidence into a certificate, then drops its identifiers. Each day, it seals the audit
//! trail. A library, so that the simulation can drive it.

mod certificate;
mod handler;

pub use handler::{Context, Reply, Request, handle};
