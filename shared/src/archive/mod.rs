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
pub mod filters;
#[cfg(feature = "archive")]
pub mod ledger;
#[cfg(feature = "archive")]
mod object;
#[cfg(feature = "archive")]
pub mod purge;
#[cfg(feature = "archive")]
mod sample;
#[cfg(feature = "archive")]
pub mod survey;
#[cfg(feature = "archive")]
mod trouble;
#[cfg(feature = "archive")]
mod upload;
#[cfg(feature = "archive")]
pub mod workspace;

#[cfg(feature = "archive")]
pub use bucket::{Archive, Listing, client};

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
    /// The share of the archive's lines, from 0 to 1, that a run may remove without being confirmed.
    #[serde(default)]
    pub max_share: Share,
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Share(pub f64);

impl Default for Share {
    fn default() -> Self {
        Self(0.01)
    }
}

impl TryFrom<f64> for Share {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err("maxShare must be from 0 to 1") }
    }
}
