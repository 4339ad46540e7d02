//! Evidence: what each step did, in counts and times, without an identifier.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::exception::Covered;
use crate::id::DestinationId;
use crate::source::{SeenAt, Sightings};
use crate::subject::hex;
use crate::task::Task;

/// The steps that leave evidence, in the order in which they happen at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The suppression list was changed.
    Suppress,
    /// Which other identifiers of the people a warehouse or an archive gave.
    Resolve,
    /// What was there before anything was removed.
    Find,
    /// What was removed.
    Forget,
    /// What a second look still found: nothing, or the task is not done.
    Verify,
    /// What a vendor answered.
    Forward,
}

impl Step {
    /// The name in stored keys and certificates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suppress => "suppress",
            Self::Resolve => "resolve",
            Self::Find => "find",
            Self::Forget => "forget",
            Self::Verify => "verify",
            Self::Forward => "forward",
        }
    }
}

/// What one step of one attempt did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Where; none for the suppression list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub destination_id: Option<DestinationId>,
    /// The destination's vendor, as it was then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vendor: Option<String>,
    /// In which attempt of the regulation.
    pub attempt: u32,
    /// Which step.
    pub step: Step,
    /// When.
    pub at: Timestamp,
    /// What was found, removed or left of the subjects, by name: rows by table, lines, versions, subjects by
    /// the vendor's answer.
    pub counts: BTreeMap<String, u64>,
    /// What was looked at to find it: objects, bytes, tables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub looked_at: BTreeMap<String, u64>,
    /// What could not be removed, and until when, by its reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub residuals: BTreeMap<String, u64>,
    /// The exceptions that covered what could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exceptions: Vec<Covered>,
    /// From which sources it came, and on which days, as far as an archive's folders tell.
    #[serde(skip_serializing_if = "Sightings::is_empty", default)]
    #[schema(value_type = Vec<SeenAt>)]
    pub sources: Sightings,
}

impl Evidence {
    /// Evidence of a step at a destination.
    pub fn of(task: &Task, attempt: u32, step: Step, at: Timestamp, counts: BTreeMap<String, u64>) -> Self {
        let (looked_at, residuals, exceptions) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let (destination_id, vendor) = (Some(task.destination_id.clone()), Some(task.vendor.clone()));
        let sources = Sightings::default();
        Self { destination_id, vendor, attempt, step, at, counts, looked_at, residuals, exceptions, sources }
    }

    /// Combines this with what the same step did in a later run. `find` takes the larger count, since a later run finds
    /// again what was not removed; `forget` adds up; the other steps take the later count.
    fn and_then(&self, later: &Self) -> Self {
        let mut both = later.clone();
        let combine: fn(u64, u64) -> u64 = match self.step {
            Step::Find => u64::max,
            Step::Forget => |before, now| before + now,
            Step::Suppress | Step::Resolve | Step::Verify | Step::Forward => |_, now| now,
        };
        for (name, before) in &self.counts {
            let count = both.counts.entry(name.clone()).or_default();
            *count = combine(*before, *count);
        }
        both.sources.extend(self.sources.clone());
        both
    }
}

/// The evidence of one attempt at one destination, by step. An archive may have been purged by several runs, of which
/// all but the last were aborted.
pub fn by_step<'a>(evidence: impl IntoIterator<Item = &'a Evidence>) -> BTreeMap<Step, Evidence> {
    let mut in_order: Vec<_> = evidence.into_iter().collect();
    in_order.sort_by_key(|evidence| evidence.at);
    let mut steps: BTreeMap<Step, Evidence> = BTreeMap::new();
    for later in in_order {
        match steps.get_mut(&later.step) {
            None => drop(steps.insert(later.step, later.clone())),
            Some(earlier) => *earlier = earlier.and_then(later),
        }
    }
    steps
}

/// One link of the chain: a piece of evidence and the hash that covers it and all before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The evidence.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// SHA-256, in hex, of the previous hash (empty for the first) followed by the evidence as JSON.
    pub hash: String,
}

/// Chains pieces of evidence in the order of their time, so that none can be changed, added or taken out
/// without breaking every later hash.
pub fn chain(mut evidence: Vec<Evidence>) -> Vec<Link> {
    evidence.sort_by(|a, b| {
        (a.attempt, a.at, a.step, &a.destination_id).cmp(&(b.attempt, b.at, b.step, &b.destination_id))
    });
    let mut previous = String::new();
    evidence
        .into_iter()
        .map(|evidence| {
            previous = link(&previous, &evidence);
            Link { evidence, hash: previous.clone() }
        })
        .collect()
}

/// Whether every hash of a chain matches its evidence.
pub fn unbroken(chain: &[Link]) -> bool {
    let mut previous = "";
    chain.iter().all(|piece| {
        let whole = link(previous, &piece.evidence) == piece.hash;
        previous = &piece.hash;
        whole
    })
}

fn link(previous: &str, evidence: &Evidence) -> String {
    let json = serde_json::to_vec(evidence).expect("evidence has string keys only");
    hex(&Sha256::new().chain_update(previous).chain_update(json).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(step: Step, second: i64) -> Evidence {
        Evidence {
            destination_id: Some(DestinationId::new()),
            vendor: Some("postgres".into()),
            attempt: 1,
            step,
            at: Timestamp::from_second(second).expect("in range"),
            counts: [("web.users".to_owned(), 3)].into(),
            looked_at: BTreeMap::new(),
            residuals: BTreeMap::new(),
            exceptions: Vec::new(),
            sources: Sightings::default(),
        }
    }

    #[test]
    fn runs_that_were_given_up_count_with_the_one_that_ended() {
        let with = |step, second, lines| Evidence {
            counts: [("lines".to_owned(), lines)].into(),
            ..evidence(step, second)
        };
        let all = [
            with(Step::Find, 1, 3),
            with(Step::Forget, 2, 2),
            with(Step::Find, 3, 1),
            with(Step::Forget, 4, 1),
            with(Step::Verify, 5, 1),
            with(Step::Verify, 6, 0),
        ];
        let shown = by_step(&all);
        assert_eq!(shown.values().map(|it| it.counts["lines"]).collect::<Vec<_>>(), [3, 3, 0]);
        assert_eq!(shown[&Step::Find].at, all[2].at);
    }

    #[test]
    fn a_chain_is_in_order_and_shows_every_change() {
        let whole =
            chain(vec![evidence(Step::Forget, 2), evidence(Step::Find, 1), evidence(Step::Verify, 3)]);
        assert_eq!(
            whole.iter().map(|l| l.evidence.step).collect::<Vec<_>>(),
            [Step::Find, Step::Forget, Step::Verify]
        );
        assert!(unbroken(&whole));

        let mut changed = whole.clone();
        changed[0].evidence.counts.insert("web.users".into(), 0);
        assert!(!unbroken(&changed));

        let mut shortened = whole;
        shortened.remove(1);
        assert!(!unbroken(&shortened));
    }
}
