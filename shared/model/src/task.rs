//! A task: the work of one regulation at one destination.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::backoff;
use crate::destination::{Destination, DestinationKind};
use crate::failure::Failure;
use crate::id::DestinationId;
use crate::source_scope::SourceScope;
use crate::status::TaskStatus;

/// The longest that a task waits, in seconds, whatever a vendor asks for.
const DAY: u32 = 86_400;

/// The work of one regulation at one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The destination that it works on.
    pub destination_id: DestinationId,
    /// The destination's name when the task was made: a later renaming does not rewrite history.
    pub name: String,
    /// The destination's vendor.
    pub vendor: String,
    /// The destination's kind.
    pub kind: DestinationKind,
    /// The part of the destination that it is about; all of it, if left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<SourceScope>,
    /// Whether other identifiers of the people are looked up there first.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub resolves: bool,
    /// Its status.
    pub status: TaskStatus,
    /// What happened and what to do about it, for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Number of transient failures in a row since it last made progress.
    #[serde(default)]
    pub tries: u32,
    /// When the first of those failures happened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub troubled_since: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
    /// What the destination's protocol must remember between two steps.
    #[serde(default)]
    pub progress: serde_json::Value,
}

impl Task {
    /// A new task for a destination, or for a part of it.
    pub fn new(destination: &Destination, part: Option<&SourceScope>) -> Self {
        Self {
            part: part.cloned(),
            destination_id: destination.id.clone(),
            name: destination.name.clone(),
            vendor: destination.vendor.clone(),
            kind: destination.kind,
            resolves: false,
            status: TaskStatus::Queued,
            message: None,
            tries: 0,
            troubled_since: None,
            finished_at: None,
            progress: serde_json::Value::Null,
        }
    }

    /// Puts a failed task back to the start.
    pub fn reset(&mut self) {
        *self = Self {
            status: TaskStatus::Queued,
            message: None,
            tries: 0,
            troubled_since: None,
            finished_at: None,
            ..self.clone()
        };
    }

    /// Ends the task.
    pub fn end(&mut self, status: TaskStatus, message: Option<String>, now: Timestamp) {
        self.status = status;
        self.message = message;
        self.finished_at = Some(now);
    }

    /// Notes progress: earlier failures no longer count.
    pub fn progressed(&mut self, status: TaskStatus) {
        self.status = status;
        self.message = None;
        self.tries = 0;
        self.troubled_since = None;
    }

    /// Notes a failure. While transient ones have lasted for less than `window`, returns the seconds to wait before the
    /// next try: as [`backoff::TASK`] or the failure says, a day at most. Otherwise ends the task as failed.
    pub fn failed(&mut self, failure: &Failure, window: SignedDuration, now: Timestamp) -> Option<u32> {
        let since = *self.troubled_since.get_or_insert(now);
        if !failure.is_transient() || now.duration_since(since) >= window {
            self.end(TaskStatus::Failed, Some(failure.public.clone()), now);
            return None;
        }
        self.tries += 1;
        self.message = Some(format!("{}; trying again", failure.public));
        let at_least = failure.wait.unwrap_or(0).min(DAY);
        Some(backoff::TASK.seconds_after(self.tries).max(at_least))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn task() -> Task {
        Task {
            destination_id: DestinationId::new(),
            name: "Warehouse".into(),
            vendor: "postgres".into(),
            kind: DestinationKind::Warehouse,
            part: None,
            resolves: false,
            status: TaskStatus::Running,
            message: None,
            tries: 0,
            troubled_since: None,
            finished_at: None,
            progress: serde_json::Value::Null,
        }
    }

    #[test]
    fn passing_trouble_waits_longer_each_time_and_fails_when_the_window_is_over() {
        let (mut task, hour) = (task(), SignedDuration::from_hours(1));
        let trouble = Failure::transient("down");
        let start = Timestamp::UNIX_EPOCH;
        assert_eq!(task.failed(&trouble, hour, start), Some(2));
        assert_eq!(task.failed(&trouble, hour, start + SignedDuration::from_mins(59)), Some(4));
        assert_eq!(task.failed(&trouble, hour, start + hour), None);
        assert_eq!((task.status, task.message.as_deref()), (TaskStatus::Failed, Some("down")));
    }

    #[test]
    fn waits_are_six_hours_at_most_or_a_day_if_a_vendor_asks_for_more() {
        let hour = SignedDuration::from_hours(1);
        for (asked, waits) in [(None, 21_600), (Some(30_000), 30_000), (Some(1_000_000), 86_400)] {
            let mut task = Task { tries: 500, ..task() };
            let trouble = Failure { wait: asked, ..Failure::transient("down") };
            assert_eq!(task.failed(&trouble, hour, Timestamp::UNIX_EPOCH), Some(waits));
        }
    }

    #[test]
    fn progress_ends_the_trouble() {
        let mut task = task();
        let (trouble, hour) = (Failure::transient("down"), SignedDuration::from_hours(1));
        task.failed(&trouble, hour, Timestamp::UNIX_EPOCH);
        task.progressed(TaskStatus::Running);
        assert_eq!(task.failed(&trouble, hour, Timestamp::UNIX_EPOCH + hour), Some(2));
    }

    #[test]
    fn a_lasting_failure_ends_at_once() {
        let mut task = task();
        let hour = SignedDuration::from_hours(1);
        assert_eq!(task.failed(&Failure::permanent("key revoked"), hour, Timestamp::UNIX_EPOCH), None);
        assert_eq!(task.status, TaskStatus::Failed);
    }
}
