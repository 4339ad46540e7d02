//! The part of [`ErasureProgress`] about a deletion that is shared with other regulations
//! ([`group_commit`](model::group_commit)): whether it may be shared, whether this regulation leads, and whether it has
//! ended.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ErasureProgress, Phase};
use model::backoff;
use model::failure::Failure;
use model::group_commit::{GroupMember, GroupOutcome};
use model::id::RegulationId;

/// The longest wait that a warehouse may ask for, in seconds, before the followers go on alone.
const LONGEST_TROUBLE: u32 = 300;
/// How long followers wait for a leader that has trouble.
const FOLLOW_TROUBLE_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The state of the shared deletion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Group {
    /// The regulation may lead or follow.
    #[default]
    Open,
    /// It leads a group that is chosen.
    Leads(Box<Leadership>),
    /// It deletes alone what is left.
    Over {
        /// Number of regulations in the group.
        together: u64,
    },
}

/// A group and the progress of its deletion. Saved before the first statement begins, so that after a crash the same
/// group continues with the same statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leadership {
    /// The regulations whose rows are deleted, each with its attempt.
    pub members: Vec<(RegulationId, u32)>,
    since: Timestamp,
    /// The progress of the deletion.
    pub work: ErasureProgress,
}

impl Leadership {
    /// The outcome; `together` is the number of regulations that still had subjects.
    pub fn outcome(&self, together: u64) -> GroupOutcome {
        let work = &self.work;
        let done = |table: &&String| !work.pending.contains(*table) && !work.refused.contains_key(*table);
        GroupOutcome { together, tables: work.removed.keys().filter(done).cloned().collect() }
    }

    /// Whether the followers wait with the leader until this failure has passed.
    pub fn bears(&self, trouble: &Failure, now: Timestamp) -> bool {
        trouble.is_transient()
            && trouble.wait.unwrap_or_default() <= LONGEST_TROUBLE
            && now.duration_since(self.since) < FOLLOW_TROUBLE_FOR
    }
}

impl ErasureProgress {
    /// Whether it has rows to delete that may be deleted together with others', and no statement of its own is under
    /// way.
    pub fn may_share(&self) -> bool {
        self.phase == Phase::Forget
            && !self.pending.is_empty()
            && self.flight.is_empty()
            && !matches!(self.group, Group::Over { .. })
    }

    /// Tables that hold rows still to be removed.
    pub fn pending(&self) -> &BTreeSet<String> {
        &self.pending
    }

    /// Notes that another regulation leads. Returns the seconds until the next look.
    pub fn wait(&mut self) -> u32 {
        self.looks += 1;
        backoff::FOLLOWER.seconds_after(self.looks)
    }

    /// Makes this regulation the leader of a group.
    pub fn lead(&mut self, group: &[GroupMember], now: Timestamp) {
        let pending = group.iter().flat_map(|member| member.tables.iter().cloned()).collect();
        let work = Self { attempt: self.attempt, phase: Phase::Forget, pending, ..Self::default() };
        let members = group.iter().map(|member| (member.regulation_id.clone(), member.attempt)).collect();
        self.group = Group::Leads(Box::new(Leadership { members, since: now, work }));
    }

    /// The group that this regulation leads.
    pub fn leads(&mut self) -> Option<&mut Leadership> {
        match &mut self.group {
            Group::Leads(lead) => Some(lead),
            _ => None,
        }
    }

    /// Ends the shared deletion. This regulation deletes alone what is left of its rows.
    pub fn settle(&mut self, outcome: &GroupOutcome) {
        let over = Group::Over { together: outcome.together };
        if let Group::Leads(lead) = std::mem::replace(&mut self.group, over) {
            let work = lead.work;
            // Reported once, by the leader.
            self.bytes += work.bytes;
            if outcome.together <= 1 {
                // The tables' answers concern this regulation alone.
                let own = |table: &String| self.pending.contains(table);
                self.removed.extend(work.removed.into_iter().filter(|(table, _)| own(table)));
                self.refused.extend(work.refused.into_iter().filter(|(table, _)| own(table)));
                let refused = &self.refused;
                self.pending.retain(|table| !refused.contains_key(table));
            }
        }
        for table in &outcome.tables {
            if self.pending.remove(table) {
                self.removed.entry(table.clone()).or_default();
            }
        }
    }

    /// Number of regulations whose rows were deleted together, this one included; 0, if the deletion has not ended.
    pub(super) fn together(&self) -> u64 {
        match self.group {
            Group::Over { together } => together,
            _ => 0,
        }
    }

    /// Counts as removed all rows that this regulation had found in tables where the shared deletion succeeded: they
    /// cannot be told apart by regulation.
    pub(super) fn count_shared(&mut self) {
        let found = std::mem::take(&mut self.found);
        if self.together() <= 1 {
            return;
        }
        for (table, rows) in found {
            if let Some(removed) = self.removed.get_mut(&table).filter(|_| !self.refused.contains_key(&table))
            {
                *removed = rows.max(*removed);
            }
        }
    }
}
