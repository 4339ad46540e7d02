//! Closes a run: evidence and status for each regulation, answers to those who wait, and nothing left behind
//! that holds an identifier.

use std::collections::BTreeMap;

use archive::run_plan::{Residual, RunMember, RunPlan};
use aws::bucket::Key;
use destinations::layout::origin;
use jiff::Timestamp;
use model::evidence::{Evidence, Step};
use model::failure::Result;
use model::id::RunId;
use model::purge_run::Phase;
use model::status::TaskStatus;
use model::task::Task;

use crate::context::Context;
use crate::id_shape::Looks;
use crate::report::write_report;
use crate::run::{answer, end, goes_on, still_waits};
use crate::tally::{Hit, Tally, tally};

/// How many residual objects a message names.
const NAMED: usize = 3;

pub async fn close(context: &Context, run: &RunId) -> Result<()> {
    let dry_run = goes_on(context, run).await?.dry_run;
    // Without a plan the run is closed already, but for what a crash left undone below.
    let plan = context.files.read::<RunPlan>(Key::RunPlan(run)).await?;
    if let Some(plan) = plan.as_ref().filter(|_| dry_run) {
        write_report(context, run, plan).await?;
    } else if let Some(plan) = &plan {
        let archives = tally(context, run).await?;
        let mut looks = Looks::default();
        for member in &plan.members {
            // Who was answered before a crash may be at its next attempt by now.
            if !still_waits(context, member).await? {
                continue;
            }
            for archive in &member.archives {
                let mut task = context.store.task(&member.regulation_id, archive).await?;
                if let Some(why) = plan.unreadable.get(archive) {
                    task.end(TaskStatus::Failed, Some(why.clone()), Timestamp::now());
                } else {
                    let empty = Tally::default();
                    settle(context, member, &mut task, archives.get(archive).unwrap_or(&empty)).await?;
                    if task.status == TaskStatus::NoDataFound && task.message.is_none() {
                        task.message = looks.advice(context, archive, plan, member).await;
                    }
                }
                context.store.save_task(&member.regulation_id, &task).await?;
            }
            answer(context, member).await?;
        }
    }
    context.files.delete(Key::RunPlan(run)).await?;
    end(context, run, Phase::Closed).await
}

/// Evidence and status of one regulation in one archive.
async fn settle(context: &Context, member: &RunMember, task: &mut Task, tally: &Tally) -> Result<()> {
    let of =
        |lines: &BTreeMap<u32, u64>| -> u64 { member.subjects.iter().filter_map(|s| lines.get(s)).sum() };
    let (keys, hits): (Vec<&String>, Vec<&Hit>) =
        tally.hits.iter().filter(|(_, hit)| of(&hit.lines) > 0).unzip();
    let counts = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
    };
    let evidence = |step, counts| Evidence::of(task, member.attempt, step, Timestamp::now(), counts);

    let lines = hits.iter().map(|hit| of(&hit.lines)).sum();
    let mut found = evidence(Step::Find, counts(&[("lines", lines), ("objects", hits.len() as u64)]));
    found.looked_at = counts(&[
        ("versions", tally.versions),
        ("ruledOut", tally.ruled_out),
        ("bytes", tally.bytes),
        ("bytesRead", tally.read),
    ]);
    found.sources =
        keys.into_iter().filter_map(|key| origin(key)).map(|(id, day)| (id, (day, day))).collect();
    let rewritten = hits.iter().filter(|hit| hit.rewritten).count() as u64;
    let mut forgot = counts(&[
        ("objectsRewritten", rewritten),
        ("versionsDeleted", hits.iter().map(|hit| hit.deleted).sum()),
    ]);
    let others = hits.iter().map(|hit| hit.others).sum::<u64>();
    if others > 0 {
        forgot.insert("othersLinesInDeletedVersions".to_owned(), others);
    }
    let forgot = evidence(Step::Forget, forgot);
    let left = tally.hits.values().map(|hit| of(&hit.left)).sum();
    let mut verified = evidence(Step::Verify, counts(&[("lines", left)]));
    for residual in tally.residuals.values() {
        *verified.residuals.entry(residual.reason.as_str().to_owned()).or_default() += 1;
    }
    if tally.suspect > 0 {
        verified.residuals.insert("unreadableLinesThatNameASubject".to_owned(), tally.suspect);
    }
    for evidence in [found, forgot, verified] {
        context.store.keep_evidence(&member.regulation_id, &evidence).await?;
    }
    let (status, message) = if !tally.residuals.is_empty() {
        (TaskStatus::Failed, Some(explain(&tally.bucket, &tally.residuals)))
    } else if tally.suspect > 0 {
        let message = format!(
            "{} line(s) that cannot be read name somebody of this purge run and are kept: look at them",
            tally.suspect
        );
        (found_or_not(context, member, task).await?, Some(message))
    } else {
        (found_or_not(context, member, task).await?, None)
    };
    task.end(status, message, Timestamp::now());
    Ok(())
}

/// How a task ends whose archive holds nothing of the subjects any more.
async fn found_or_not(context: &Context, member: &RunMember, task: &Task) -> Result<TaskStatus> {
    Ok(match context.store.ever_found(&member.regulation_id, &task.destination_id).await? {
        true => TaskStatus::Confirmed,
        false => TaskStatus::NoDataFound,
    })
}

fn explain(bucket: &str, residuals: &BTreeMap<String, Residual>) -> String {
    let named: Vec<_> = residuals
        .iter()
        .take(NAMED)
        .map(|(key, residual)| format!("s3://{bucket}/{key} ({})", residual.detail))
        .collect();
    let more = match residuals.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} object(s) could not be purged and stay as they are: {}{more}; put them right or remove them, then retry",
        residuals.len(),
        named.join(", ")
    )
}
