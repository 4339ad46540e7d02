//! A purge run: one pass over the archives for all regulations that wait.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits to begin.
    Queued,
    /// Looks for the subjects.
    Find,
    /// Would remove more than it may: waits for somebody to confirm it.
    Guard,
    /// Removes them.
    Forget,
    /// Looks again.
    Verify,
    /// Ended.
    Closed,
    /// Given up; its regulations wait for the next.
    Aborted,
}

impl Phase {
    /// The name in keys and state machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Find => "find",
            Self::Guard => "guard",
            Self::Forget => "forget",
            Self::Verify => "verify",
            Self::Closed => "closed",
            Self::Aborted => "aborted",
        }
    }
}
