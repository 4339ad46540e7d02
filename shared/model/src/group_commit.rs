//! Regulations whose rows are deleted together: a group commit.
//!
//! A warehouse that keeps its tables by column reads or rewrites the same blocks for one person as for 50,000, and
//! takes few deletions of a table at once: BigQuery runs 2 and queues 20
//! (<https://cloud.google.com/bigquery/docs/data-manipulation-language#update_delete_merge_dml_concurrency>). So while
//! one regulation holds the *lease* at a destination and deletes, the others wait. The next *leader* chooses its *group*
//! among all that wait then: itself and its *followers*.
//!
//! Finding and verifying stay each regulation's own: a group shares nothing but the deletion.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::RegulationId;
use crate::subject::Subject;

/// The most regulations of a group: the ids of all are kept in one item.
const MOST_REGULATIONS: usize = 500;
/// The most identifiers of a group.
const MOST_IDS: usize = 50_000;
/// The most bytes of identifiers of a group, as JSON: BigQuery takes requests of 10 MB
/// (<https://cloud.google.com/bigquery/quotas>), and wraps each identifier.
const MOST_BYTES: usize = 4 << 20;

/// A regulation that waits at a destination for its rows to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// The regulation.
    #[serde(rename = "sk")]
    pub regulation_id: RegulationId,
    /// The attempt that waits.
    pub attempt: u32,
    /// When it began to wait.
    pub since: Timestamp,
    /// The tables that hold rows of its subjects.
    pub tables: BTreeSet<String>,
    /// Number of its identifiers.
    pub ids: usize,
    /// Bytes of its identifiers, as JSON.
    pub bytes: usize,
    /// What its leader did for it; none until then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<GroupOutcome>,
}

/// What a group did for a regulation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOutcome {
    /// Number of regulations whose rows were deleted together.
    pub together: u64,
    /// The tables from which they were deleted; the others are left to each regulation.
    pub tables: BTreeSet<String>,
}

impl GroupMember {
    /// A regulation that begins to wait at `since`.
    pub fn new(
        regulation_id: RegulationId,
        attempt: u32,
        since: Timestamp,
        tables: BTreeSet<String>,
        subjects: &[Subject],
    ) -> Self {
        let bytes = subjects.iter().map(|subject| json_len(&subject.id)).sum();
        Self { regulation_id, attempt, since, tables, ids: subjects.len(), bytes, outcome: None }
    }
}

fn json_len(id: &str) -> usize {
    serde_json::to_string(id).map_or(id.len(), |json| json.len())
}

/// The group of a leader: itself, however large, and as many followers as fit, those that waited longest first. Empty, if
/// the leader no longer waits.
pub fn choose(leader: &RegulationId, mut waiting: Vec<GroupMember>) -> Vec<GroupMember> {
    waiting.retain(|member| member.outcome.is_none());
    waiting.sort_by(|a, b| (a.since, &a.regulation_id).cmp(&(b.since, &b.regulation_id)));
    let Some(at) = waiting.iter().position(|member| member.regulation_id == *leader) else {
        return Vec::new();
    };
    let mut group = vec![waiting.remove(at)];
    let (mut ids, mut bytes) = (group[0].ids, group[0].bytes);
    for member in waiting {
        let fits = ids + member.ids <= MOST_IDS && bytes + member.bytes <= MOST_BYTES;
        if fits && group.len() < MOST_REGULATIONS {
            ids += member.ids;
            bytes += member.bytes;
            group.push(member);
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(second: i64, ids: usize, bytes: usize) -> GroupMember {
        let since = Timestamp::from_second(second).expect("in range");
        GroupMember { ids, bytes, ..GroupMember::new(RegulationId::new(), 1, since, BTreeSet::new(), &[]) }
    }

    fn seconds(group: &[GroupMember]) -> Vec<i64> {
        group.iter().map(|member| member.since.as_second()).collect()
    }

    #[test]
    fn the_leader_takes_followers_that_waited_longest_as_far_as_they_fit() {
        let waiting =
            vec![member(3, 5_000, 0), member(1, 30_000, 0), member(2, 20_000, 0), member(4, 15_000, 0)];
        let group = choose(&waiting[0].regulation_id, waiting.clone());
        assert_eq!(seconds(&group), [3, 1, 4], "20,000 more would be too many, 15,000 are not");
        let heavy = vec![member(1, 1, MOST_BYTES), member(2, 1, 1), member(3, 1, 0)];
        assert_eq!(seconds(&choose(&heavy[0].regulation_id, heavy.clone())), [1, 3]);
    }

    #[test]
    fn the_leader_is_in_its_group_however_large() {
        let waiting = vec![member(1, 1, 1), member(2, MOST_IDS + 1, MOST_BYTES + 1)];
        assert_eq!(seconds(&choose(&waiting[1].regulation_id, waiting.clone())), [2]);
    }

    #[test]
    fn a_group_has_a_limit_of_regulations() {
        let waiting: Vec<_> = (0..MOST_REGULATIONS as i64 + 9).map(|second| member(second, 1, 1)).collect();
        let group = choose(&waiting[0].regulation_id.clone(), waiting);
        assert_eq!(group.len(), MOST_REGULATIONS);
    }

    #[test]
    fn a_regulation_that_was_served_waits_no_more() {
        let served = GroupMember { outcome: Some(GroupOutcome::default()), ..member(1, 1, 1) };
        let waits = member(2, 1, 1);
        let (first, second) = (served.regulation_id.clone(), waits.regulation_id.clone());
        assert_eq!(seconds(&choose(&second, vec![served.clone(), waits.clone()])), [2]);
        assert!(choose(&first, vec![served, waits]).is_empty(), "nor does it lead");
    }

    #[test]
    fn bytes_are_counted_as_they_are_sent() {
        let subjects = [Subject::user("a"), Subject::user("\u{1}"), Subject::user("\"")];
        let member =
            GroupMember::new(RegulationId::new(), 1, Timestamp::UNIX_EPOCH, BTreeSet::new(), &subjects);
        assert_eq!((member.ids, member.bytes), (3, 3 + 8 + 4));
    }
}
