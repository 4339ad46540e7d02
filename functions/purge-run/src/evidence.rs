//! The evidence of what a run did for a regulation in an archive, in counts.

use std::collections::{BTreeMap, HashMap};

use archive::run_plan::{RunMember, RunPlan};
use destinations::layout::origin;
use lambda::clock;
use model::evidence::{Evidence, Step};
use model::failure::Result;
use model::id::{DestinationId, RunId};
use model::task::Task;

use crate::context::Context;
use crate::tally::{Hit, Tally};

/// Stores what was found for each member, before anything is removed: whatever happens to this run, later ones and the
/// certificate know that something was there.
pub async fn keep_found(
    context: &Context,
    run: &RunId,
    plan: &RunPlan,
    archives: &HashMap<DestinationId, Tally>,
) -> Result<()> {
    keep(context, run, plan, archives, found).await
}

/// Stores what an aborted run removed for each member.
pub async fn keep_forgot(
    context: &Context,
    run: &RunId,
    plan: &RunPlan,
    archives: &HashMap<DestinationId, Tally>,
) -> Result<()> {
    keep(context, run, plan, archives, forgot).await
}

async fn keep(
    context: &Context,
    run: &RunId,
    plan: &RunPlan,
    archives: &HashMap<DestinationId, Tally>,
    evidence: fn(&RunMember, &Task, &Tally) -> Evidence,
) -> Result<()> {
    for member in &plan.members {
        for archive in &member.archives {
            let Some(tally) = archives.get(archive) else { continue };
            let task = context.store.task(&member.regulation_id, archive).await?;
            let evidence = evidence(member, &task, tally);
            context.store.keep_run_evidence(&member.regulation_id, run, &evidence).await?;
        }
    }
    Ok(())
}

/// The evidence of what was there.
pub fn found(member: &RunMember, task: &Task, tally: &Tally) -> Evidence {
    let hits = hits(member, tally);
    let lines = hits.iter().map(|(_, hit)| lines_of(member, &hit.lines)).sum();
    let counts = counts(&[("lines", lines), ("objects", hits.len() as u64)]);
    let mut found = evidence(member, task, Step::Find, counts);
    found.looked_at = self::counts(&[
        ("versions", tally.versions),
        ("ruledOut", tally.ruled_out),
        ("bytes", tally.bytes),
        ("bytesRead", tally.read),
    ]);
    let origins = hits.iter().filter_map(|(key, _)| origin(key));
    found.sources = origins.map(|(id, day)| (id, (day, day))).collect();
    found
}

/// The evidence of what was removed.
pub fn forgot(member: &RunMember, task: &Task, tally: &Tally) -> Evidence {
    let hits = hits(member, tally);
    let mut counts = counts(&[
        ("objectsRewritten", hits.iter().filter(|(_, hit)| hit.rewritten).count() as u64),
        ("versionsDeleted", hits.iter().map(|(_, hit)| hit.deleted).sum()),
    ]);
    let others = hits.iter().map(|(_, hit)| hit.others).sum::<u64>();
    if others > 0 {
        counts.insert("othersLinesInDeletedVersions".to_owned(), others);
    }
    evidence(member, task, Step::Forget, counts)
}

/// The evidence of what a second look still found.
pub fn verified(member: &RunMember, task: &Task, tally: &Tally) -> Evidence {
    let left = tally.hits.values().map(|hit| lines_of(member, &hit.left)).sum();
    let mut verified = evidence(member, task, Step::Verify, counts(&[("lines", left)]));
    for obstacles in tally.residuals.values() {
        *verified.residuals.entry(obstacles.first.reason.as_str().to_owned()).or_default() += 1;
    }
    let others = [
        ("unreadableLinesThatNameASubject", tally.suspect),
        ("excepted", tally.excepted),
        ("excluded", tally.excluded),
    ];
    verified.residuals.extend(counts(&others).into_iter().filter(|(_, count)| *count > 0));
    verified.exceptions.clone_from(&tally.exceptions);
    verified
}

fn evidence(member: &RunMember, task: &Task, step: Step, counts: BTreeMap<String, u64>) -> Evidence {
    Evidence::of(task, member.attempt, step, clock::now(), counts)
}

/// The objects that held a member's subjects, by key.
fn hits<'a>(member: &RunMember, tally: &'a Tally) -> Vec<(&'a String, &'a Hit)> {
    let is_theirs = |hit: &Hit| member.subjects.iter().any(|subject| hit.lines.contains_key(subject));
    tally.hits.iter().filter(|(_, hit)| is_theirs(hit)).collect()
}

fn lines_of(member: &RunMember, lines: &BTreeMap<u32, u64>) -> u64 {
    member.subjects.iter().filter_map(|subject| lines.get(subject)).sum()
}

fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}
