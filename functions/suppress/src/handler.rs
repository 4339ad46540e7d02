//! Changes the suppression list for a regulation, before anything is erased.
//!
//! 1. The regulation begins, unless it was withdrawn. In its time of grace its subjects are suppressed and nothing else is
//!    done: the step is taken again when that is over.
//! 2. Its subjects, with all that is linked to them, are suppressed, or that is lifted; the evidence says how many.
//! 3. The step waits until every instance of `collect` has read the list anew.
//! 4. What warehouses and archives gave of its people since is suppressed, too, in a step of its own before anything is
//!    erased.
//! 5. The reply lists the destinations that are left to erase from, by kind, and the warehouses and archives that know
//!    people by other identifiers, too; and says how long events may still be on their way to an upstream.

use std::time::Duration;

use app::admission;
use aws::secrets::SecretStore;
use jiff::SignedDuration;
use lambda::clock;
use lambda::metrics::{Metric, report};
use model::destination::DestinationKind;
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::id::{DestinationId, RegulationId};
use model::person::FRESH_MILLISECONDS;
use model::regulation::{Regulation, Suppression};
use model::status::Status;
use model::suppression;
use model::task::Task;
use serde::{Deserialize, Serialize};
use store::Store;

/// The events of an execution that its turns may fill. It ends at 25,000: the rest is for its other steps, and for calls
/// that are retried. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
const EVENTS: usize = 15_000;

/// The events of one turn: five of the call, two each of the choice, the wait and the count.
const EVENTS_PER_TURN: usize = 11;

/// What an invocation uses, made once at cold start.
pub struct Context {
    /// The tables.
    pub store: Store,
    /// The pseudonyms' key.
    pub secrets: SecretStore,
    /// How long a regulation may wait for others to share its purge run.
    pub purge_delay: SignedDuration,
    /// How long, after a suppression, a request may go on to an upstream that was begun before.
    pub relay_ends: SignedDuration,
}

/// The attempt of a regulation that begins.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    regulation_id: RegulationId,
    attempt: u32,
    /// Whether it is about what warehouses and archives gave: those that the regulation names are suppressed already.
    #[serde(default)]
    resolved: bool,
}

/// The destinations that are left to erase from, by kind.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Warehouses that are asked for other identifiers of the people before anything is erased.
    resolvers: Vec<DestinationId>,
    /// Archives that are looked through for them.
    archive_resolvers: Vec<DestinationId>,
    archives: Vec<DestinationId>,
    warehouses: Vec<DestinationId>,
    cloud_destinations: Vec<DestinationId>,
    /// How often each warehouse and cloud destination is called before the execution hands over to another.
    turns: u32,
    /// How long, in seconds, the archives' purge may wait for other regulations, so that one run serves them all.
    purge_delay_seconds: i64,
    /// How long, in seconds, nothing is erased, since a request to an upstream may be on its way; 0, if there is none.
    upstream_seconds: i64,
    /// How long, in seconds, the regulation may still be withdrawn before it begins; 0, once it has begun.
    grace_seconds: i64,
}

/// Takes the first step of an attempt; see the head of this file.
///
/// # Errors
/// `Transient`, if AWS throttles or cannot be reached; `Permanent`, if it refuses a call or there is no such regulation.
pub async fn suppress(context: &Context, request: Request) -> Result<Plan> {
    let (store, id) = (&context.store, &request.regulation_id);
    let regulation = store
        .regulation(id)
        .await?
        .ok_or_else(|| Failure::permanent(format!("there is no regulation {id}")))?;
    if let Some(left) = regulation.grace_left(clock::now()) {
        admission::hold(store, &regulation, &suppression::of(&store.subjects(id).await?)).await?;
        note_subjects(context, id).await?;
        if regulation.regulation_type.suppression().is_some() {
            report_delay(&regulation);
        }
        return Ok(Plan { grace_seconds: left, ..Plan::default() });
    }
    let withdrawn = match regulation.status {
        Status::Initialized => !store.begin_regulation(id).await?,
        status => status == Status::Invalid,
    };
    if withdrawn {
        return Ok(Plan::default());
    }
    let tasks = store.tasks(id).await?;
    if request.resolved {
        store.cover_resolved(&regulation, clock::now()).await?;
        clock::sleep(Duration::from_millis(FRESH_MILLISECONDS)).await;
    } else {
        change_list(context, &regulation, &tasks, request.attempt).await?;
        note_subjects(context, id).await?;
    }
    let resolvers = |kind| {
        let resolves = tasks.iter().filter(move |task| task.resolves && task.kind == kind);
        resolves.map(|task| task.destination_id.clone()).collect()
    };
    let warehouses = left(&tasks, DestinationKind::Warehouse);
    let cloud_destinations = left(&tasks, DestinationKind::Cloud);
    Ok(Plan {
        resolvers: resolvers(DestinationKind::Warehouse),
        archive_resolvers: resolvers(DestinationKind::Archive),
        archives: left(&tasks, DestinationKind::Archive),
        turns: turns(warehouses.len() + cloud_destinations.len()),
        warehouses,
        cloud_destinations,
        purge_delay_seconds: context.purge_delay.as_secs(),
        upstream_seconds: upstream_seconds(context, &regulation).await?,
        grace_seconds: 0,
    })
}

/// Changes the list as the regulation says, and keeps evidence of it.
async fn change_list(context: &Context, regulation: &Regulation, tasks: &[Task], attempt: u32) -> Result<()> {
    let (store, now) = (&context.store, clock::now());
    let covered = store.cover(regulation, tasks.iter().any(|task| task.resolves), now).await?;
    let counted = match regulation.regulation_type.suppression() {
        Some(Suppression::Add) => "suppressed",
        Some(Suppression::Remove) => "unsuppressed",
        None => return Ok(()),
    };
    let evidence = Evidence {
        destination_id: None,
        vendor: None,
        attempt,
        step: Step::Suppress,
        at: now,
        counts: [
            (counted.to_owned(), covered.subjects),
            ("linked".to_owned(), covered.linked),
            ("shared".to_owned(), covered.shared),
            ("leftOut".to_owned(), covered.left_out),
        ]
        .into_iter()
        .filter(|(name, count)| name == counted || *count > 0)
        .collect(),
        looked_at: Default::default(),
        residuals: Default::default(),
        exceptions: Default::default(),
        sources: Default::default(),
    };
    store.keep_evidence(&regulation.id, &evidence).await?;
    // Once this step is done, every instance of `collect` has read the list anew.
    clock::sleep(Duration::from_millis(FRESH_MILLISECONDS)).await;
    // One with a time of grace was suppressed when that began.
    if attempt == 1 && regulation.grace_until.is_none() {
        report_delay(regulation);
    }
    Ok(())
}

/// Reports how long the suppression took.
fn report_delay(regulation: &Regulation) {
    let delay = clock::now().duration_since(regulation.created_at);
    report(&[(Metric::SuppressionSeconds, delay.as_secs_f64())]);
}

/// How long a regulation that erases waits for requests to upstreams that were begun before its suppression.
async fn upstream_seconds(context: &Context, regulation: &Regulation) -> Result<i64> {
    if !regulation.regulation_type.erases() {
        return Ok(0);
    }
    let since = clock::now() - context.relay_ends;
    let sources = context.store.sources().await?;
    Ok(if sources.iter().any(|source| source.sends_on_since(since)) {
        context.relay_ends.as_secs()
    } else {
        0
    })
}

/// From now on a search for a person finds the regulation, even after the identifiers are dropped.
async fn note_subjects(context: &Context, id: &RegulationId) -> Result<()> {
    let key = context.secrets.pseudonym_key().await?;
    let subjects = context.store.subjects(id).await?;
    let subjects: Vec<_> = subjects.iter().map(|subject| key.pseudonym(subject)).collect();
    context.store.note_subjects(id, &subjects).await
}

fn left(tasks: &[Task], kind: DestinationKind) -> Vec<DestinationId> {
    let open = tasks.iter().filter(|task| task.kind == kind && !task.status.is_final());
    open.map(|task| task.destination_id.clone()).collect()
}

/// How often each of so many destinations may be called in one execution.
fn turns(destinations: usize) -> u32 {
    u32::try_from(EVENTS / EVENTS_PER_TURN / destinations.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step that fails is retried eight times, which takes three events each: the last turn of every destination may.
    #[test]
    fn an_execution_hands_over_before_its_history_is_full() {
        for destinations in 1..=100 {
            let turns = turns(destinations) as usize;
            assert!(turns > 10, "{destinations} destinations make {turns} turns");
            let events = destinations * (turns * EVENTS_PER_TURN + 2 * 8 * 3);
            assert!(events < 25_000, "{destinations} destinations make {events} events");
        }
    }
}
