//! The HTTP API: regulations, suppressions, destinations, certificates. Compatible with Segment's Public API.
//!
//! Each file is one resource: its handlers, and the types that they take and return. `#[utoipa::path]` on a handler is
//! both its route (named once more in `handler.rs`, with the scopes that it needs) and its entry in the API's
//! description (`openapi.json`, kept beside this folder; `make openapi` writes it anew). A type that derives `ToSchema`
//! needs a unique name, an operation a unique `operation_id`. The errors that follow from an operation's form are added
//! by `openapi.rs`; a handler names only others.

mod access;
mod admin;
mod auth;
mod batches;
mod case;
mod certificates;
mod context;
mod counting;
mod csv;
mod cursor;
mod destinations;
mod dry_run;
mod error;
mod exceptions;
mod figures;
mod handler;
mod headers;
mod idempotency;
mod limit;
mod me;
mod middleware;
mod named;
mod openapi;
mod page;
mod regulation_list;
mod regulations;
mod reports;
mod request;
mod runs;
mod search;
mod source_regulations;
mod sources;
mod subjects;
mod suppression_filter;
mod suppressions;
mod tokens;
mod trail;
mod upstreams;
mod v1beta;

pub use context::Context;
pub use handler::{description, router};
