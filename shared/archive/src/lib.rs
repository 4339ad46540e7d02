//! Archives: event files in S3, purged in runs that serve all waiting regulations at once.
//!
//! 1. **find**: every version of every object is scanned for all subjects of the run; what was found is
//!    written down before anything is changed.
//! 2. **forget**: an object with hits is rewritten without them, on condition that nobody changed it
//!    meanwhile; then its older versions that hold a subject are deleted.
//! 3. **verify**: the objects that had hits are read once more, in all versions that are left.
//!
//! Before all that, [`resolve`] may look up people's other identifiers.
//!
//! Each phase works through batches that lie as files in Lethe's own bucket ([`run_plan`], `files`), so
//! that the state machine carries numbers only.

pub mod run_plan;

mod bucket;
pub mod count;
pub mod filters;
pub mod ledger;
pub mod listing;
mod object;
mod payer;
pub mod purge;
pub mod resolve;
mod sample;
pub mod survey;
mod trouble;
mod upload;

pub use bucket::{Archive, Listing};
