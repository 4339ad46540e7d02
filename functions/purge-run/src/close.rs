//! Closes a run: stores evidence and status of each regulation, resumes those that wait, and leaves nothing behind that
//! holds an identifier.

use std::collections::{BTreeMap, HashMap};

use archive::listing::ListingProgress;
use archive::run_plan::{RunMember, RunPlan};
use aws::bucket::Key;
use lambda::clock;
use model::failure::{FailureKind, Result};
use model::id::{DestinationId, RunId};
use model::missing::{Missing, NO_IDENTIFIER};
use model::purge_run::Phase;
use model::status::TaskStatus;
use model::subject::Subject;
use model::task::Task;

use crate::context::Context;
use crate::evidence::{forgot, found, verified};
use crate::id_shape::Looks;
use crate::report::write_report;
use crate::run::{answer, end, goes_on, still_waits};
use crate::tally::{Obstacles, Tally, except, tally};

/// The most residual objects that a message names.
const NAMED: usize = 3;

pub async fn close(context: &Context, run: &RunId) -> Result<()> {
    let record = context.store.run(run).await?;
    if record.is_some_and(|record| record.phase == Phase::Closed) {
        // It was closed before, but for what a crash left undone.
        context.files.delete(Key::RunPlan(run)).await?;
        return end(context, run, Phase::Closed).await;
    }
    let dry_run = goes_on(context, run).await?.dry_run;
    // Without a plan the run is closed already, but for what a crash left undone below.
    let plan = context.files.read::<RunPlan>(Key::RunPlan(run)).await?;
    if let Some(plan) = plan.as_ref().filter(|_| dry_run) {
        write_report(context, run, plan).await?;
    } else if let Some(plan) = &plan {
        let mut archives = tally(context, run).await?;
        archives.values_mut().for_each(Tally::hold_back);
        except(context, &mut archives).await?;
        let listing: ListingProgress = context.files.read(Key::Listing(run)).await?.unwrap_or_default();
        for archive in plan.archives() {
            let tally = archives.entry(archive.clone()).or_default();
            tally.excluded = listing.excluded.get(archive).copied().unwrap_or(0);
        }
        let mut looks = Looks::default();
        for member in &plan.members {
            // A regulation that was answered before a crash may be at its next attempt by now.
            if !still_waits(context, member).await? {
                continue;
            }
            let settled = settle(context, run, member, plan, &archives, &listing, &mut looks).await;
            // One regulation that cannot be settled does not hold up the others: its seal fails the tasks that did not end.
            match settled {
                Err(failure) if failure.kind == FailureKind::Permanent => {
                    tracing::error!(regulation = %member.regulation_id, %failure, "cannot be settled");
                }
                settled => settled?,
            }
            answer(context, member).await?;
        }
    }
    context.files.delete(Key::RunPlan(run)).await?;
    end(context, run, Phase::Closed).await
}

/// Stores evidence and status of one regulation in its archives.
async fn settle(
    context: &Context,
    run: &RunId,
    member: &RunMember,
    plan: &RunPlan,
    archives: &HashMap<DestinationId, Tally>,
    listing: &ListingProgress,
    looks: &mut Looks,
) -> Result<()> {
    let people = context.store.individuals(&member.regulation_id).await?;
    for archive in &member.archives {
        let mut task = context.store.task(&member.regulation_id, archive).await?;
        if let Some(why) = listing.unreadable.get(archive) {
            task.end(TaskStatus::Failed, Some(why.clone()), clock::now());
        } else {
            let tally = &archives[archive];
            settle_archive(context, run, member, &people, &mut task, tally).await?;
            if task.status == TaskStatus::NoDataFound && tally.suspect == 0 {
                let advice = looks.advice(context, archive, plan, member).await;
                task.message = advice.or(task.message);
            }
        }
        context.store.save_step(&member.regulation_id, &task).await?;
    }
    Ok(())
}

/// Stores evidence and status of one regulation in one archive. Objects that the archive's settings exclude, or that
/// exceptions cover, are in the evidence and fail nothing. People whom the archive was not searched for are never done.
async fn settle_archive(
    context: &Context,
    run: &RunId,
    member: &RunMember,
    people: &[Vec<Subject>],
    task: &mut Task,
    tally: &Tally,
) -> Result<()> {
    let (id, its) = (&member.regulation_id, &*task);
    let missing = Missing::of(people, &tally.kinds);
    let mut verified = verified(member, its, tally);
    if let Some(missing) = &missing {
        verified.residuals.insert(NO_IDENTIFIER.to_owned(), missing.people as u64);
    }
    for evidence in [found(member, its, tally), forgot(member, its, tally), verified] {
        context.store.keep_run_evidence(id, run, &evidence).await?;
    }
    if !tally.residuals.is_empty() {
        task.end(TaskStatus::Failed, Some(explain(&tally.bucket, &tally.residuals)), clock::now());
    } else if let Some(missing) = missing {
        let message = [Some(missing.to_string()), remark(tally)].into_iter().flatten().collect::<Vec<_>>();
        task.end(TaskStatus::NoIdentifier, Some(message.join("; ")), clock::now());
    } else {
        let status = found_or_not(context, member, task).await?;
        task.end(status, remark(tally), clock::now());
    }
    Ok(())
}

/// What a person should know of an archive that is done.
fn remark(tally: &Tally) -> Option<String> {
    let suspect = (tally.suspect > 0).then(|| {
        format!(
            "{} line(s) that cannot be read name somebody of this purge run and are kept: look at them",
            tally.suspect
        )
    });
    let excepted = (tally.excepted > 0)
        .then(|| format!("{} object(s) that cannot be read are excepted", tally.excepted));
    let remarks: Vec<_> = suspect.into_iter().chain(excepted).collect();
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

/// The status of a task whose archive no longer holds anything of the subjects.
async fn found_or_not(context: &Context, member: &RunMember, task: &Task) -> Result<TaskStatus> {
    Ok(match context.store.ever_found(&member.regulation_id, &task.destination_id).await? {
        true => TaskStatus::Confirmed,
        false => TaskStatus::NoDataFound,
    })
}

fn explain(bucket: &str, residuals: &BTreeMap<String, Obstacles>) -> String {
    let named: Vec<_> = residuals
        .iter()
        .take(NAMED)
        .map(|(key, obstacles)| format!("s3://{bucket}/{key} ({})", obstacles.first.detail))
        .collect();
    let more = match residuals.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} object(s) could not be purged and stay as they are: {}{more}; put them right, remove or except them, then retry",
        residuals.len(),
        named.join(", ")
    )
}
