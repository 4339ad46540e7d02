//! Archives: event files in S3, purged in runs that serve all waiting regulations at once.
//!
//! 1. **find**: every version of every object is scanned for all subjects of the run; what was found is
//!    written down before anything is changed.
//! 2. **forget**: an object with hits is rewritten without them, on condition that nobody changed it
//!    meanwhile; then its older versions that hold a subject are deleted.
//! 3. **verify**: the objects that had hits are read once more, in all versions that are left.
//!
//! Each phase works through batches that lie as files in Lethe's own bucket ([`manifest`], `workspace`), so
//! that the state machine carries numbers only.

pub mod manifest;

#[cfg(feature = "archive")]
mod bucket;
#[cfg(feature = "archive")]
mod object;
#[cfg(feature = "archive")]
pub mod purge;
#[cfg(feature = "archive")]
mod upload;
#[cfg(feature = "archive")]
pub mod workspace;

#[cfg(feature = "archive")]
pub use bucket::{Archive, client};

use serde::Deserialize;

use crate::matching::Rules;

/// The settings of an S3 archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The bucket's name.
    pub bucket: String,
    /// Only keys that begin so.
    #[serde(default)]
    pub prefix: String,
    /// Where identifiers stand in a record; Segment's places if left out.
    #[serde(default = "Rules::segment")]
    pub rules: Rules,
}
