//! The status of a regulation, in Segment's seven values, and of a task, in finer values of our own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a regulation is (Segment's seven values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Accepted, not begun.
    Initialized,
    /// Under way.
    Running,
    /// Everything that can be done is done.
    Finished,
    /// Nothing could be done.
    Failed,
    /// Done in some places, failed in others.
    PartialSuccess,
    /// The request cannot be carried out as it was put.
    Invalid,
    /// No destination in scope can delete.
    NotSupported,
}

impl Status {
    /// The overall status that follows from the tasks'. A destination that cannot delete never makes the
    /// whole fail: it is named, so that someone can be asked.
    pub fn of(tasks: impl IntoIterator<Item = TaskStatus>) -> Self {
        let (mut failed, mut done, mut unsupported) = (0, 0, 0);
        for status in tasks {
            match status {
                TaskStatus::Failed => failed += 1,
                TaskStatus::NotSupported | TaskStatus::NoIdentifier => unsupported += 1,
                status if status.is_final() => done += 1,
                _ => return Self::Running,
            }
        }
        match (failed, done, unsupported) {
            (0, 0, 1..) => Self::NotSupported,
            (0, _, _) => Self::Finished,
            (_, 0, _) => Self::Failed,
            _ => Self::PartialSuccess,
        }
    }

    /// Whether nothing more happens without a retry.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Initialized | Self::Running)
    }

    /// Whether the identifiers are no longer needed, since nothing is left to retry.
    pub fn drops_identifiers(self) -> bool {
        matches!(self, Self::Finished | Self::NotSupported | Self::Invalid)
    }
}

/// How far a task is; finer than Segment's seven values, because "forwarded" is not "deleted".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// Not begun.
    Queued,
    /// Under way.
    Running,
    /// Handed to the vendor, which has not said that it took it.
    Forwarded,
    /// The vendor took it and tells nothing further: its own deadline applies.
    Accepted,
    /// The vendor, or a second look of our own, says that it is gone.
    Confirmed,
    /// The destination held nothing of any subject.
    NoDataFound,
    /// The destination has no way to delete.
    NotSupported,
    /// Somebody is given by no identifier that the destination knows, and was not looked for there.
    NoIdentifier,
    /// There was nothing to do.
    NoAction,
    /// It did not work; the message says what to do.
    Failed,
}

impl TaskStatus {
    /// Whether nothing more happens without a retry.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Forwarded)
    }

    /// The nearest of Segment's seven values.
    pub fn segment(self) -> Status {
        match self {
            Self::Queued => Status::Initialized,
            Self::Running | Self::Forwarded => Status::Running,
            Self::Failed => Status::Failed,
            Self::NotSupported | Self::NoIdentifier => Status::NotSupported,
            Self::Accepted | Self::Confirmed | Self::NoDataFound | Self::NoAction => Status::Finished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_as_good_as_its_tasks() {
        use TaskStatus::{Accepted, Confirmed, Failed, NoDataFound, NoIdentifier, NotSupported, Queued};
        for (tasks, status) in [
            (vec![], Status::Finished),
            (vec![Confirmed, Accepted, NoDataFound], Status::Finished),
            (vec![Confirmed, NotSupported], Status::Finished),
            (vec![NotSupported], Status::NotSupported),
            (vec![Confirmed, NoIdentifier], Status::Finished),
            (vec![NoIdentifier], Status::NotSupported),
            (vec![Confirmed, Failed], Status::PartialSuccess),
            (vec![Failed, NotSupported], Status::Failed),
            (vec![Failed, Queued], Status::Running),
        ] {
            assert_eq!(Status::of(tasks.clone()), status, "{tasks:?}");
        }
    }
}
