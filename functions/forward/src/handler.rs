//! Asks a vendor to delete people, or for the progress of the deletion.
//!
//! 1. A step: the engine moves every batch as far as the time allows; outcomes become evidence when all are known.
//! 2. A probe: a harmless call proves region and credentials.
//! 3. Settings and secrets are checked again before either, so that nothing is sent where it must not go.

use std::collections::BTreeMap;
use std::time::Instant;

use app::task_step::{self, Next, Request};
use app::worker::{self, Event};
use aws::secrets::SecretStore;
use destinations::check_use;
use destinations::cloud::{self, Outcome, Vendor};
use forward::engine::{Engine, Job, VendorProgress, VendorTurn};
use jiff::{SignedDuration, Timestamp};
use model::destination::{Destination, Secrets};
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::probe::{Finding, Probe};
use model::status::TaskStatus;
use model::subject::Subject;
use model::task::Task;
use serde_json::Value;
use store::Store;

pub struct Context {
    pub store: Store,
    pub secrets: SecretStore,
    pub engine: Engine,
    pub any_endpoint: bool,
    pub retry_window: SignedDuration,
}

pub async fn handle(context: &Context, event: Event<Request>, until: Instant) -> Result<worker::Reply<Next>> {
    let step = async |request, until| forward(context, &request, until).await;
    worker::handle(event, until, step, async |probe, until| look(context, probe, until).await).await
}

/// Proves region and credentials with a harmless call.
async fn look(context: &Context, probe: Probe, until: Instant) -> Result<Finding> {
    let (destination, secrets, own) = match probe {
        Probe::Check { destination_id } => {
            let destination = context.store.destination(&destination_id).await?;
            let secrets = context.secrets.fresh(&destination).await?;
            (destination, secrets, None)
        }
        // A draft leaves nothing behind: its calls take no slots in the store, whose keys are made of credentials.
        Probe::Draft { destination, secrets } => {
            (destination, secrets, Some(Engine::new(None, context.any_endpoint)?))
        }
        Probe::Count { .. } | Probe::Resolvable { .. } => {
            return Err(Failure::invalid("a cloud destination cannot count what it holds"));
        }
    };
    check_use(&destination, &secrets, context.any_endpoint)?;
    let vendor = cloud::vendor(&destination.vendor)?;
    let job = Job { destination: &destination, secrets: &secrets, regulation: "", people: &[] };
    own.as_ref().unwrap_or(&context.engine).check(vendor, job, until).await?;
    let warning = vendor.warning(&destination.settings, &secrets, Timestamp::now());
    let warning = warning.map(|warning| format!("; {warning}")).unwrap_or_default();
    let message = format!("{} answers, and takes the credentials{warning}", destination.vendor);
    Ok(Finding { ok: true, message, details: Value::Null })
}

async fn forward(context: &Context, request: &Request, until: Instant) -> Result<Next> {
    let next = task_step::step(&context.store, request, context.retry_window, async |task, place| {
        // Vendors are not asked by ids that events linked, since a deletion there cannot be undone.
        let people = task_step::kept(context.store.individuals(&request.regulation_id).await?)?;
        ask(context, request, task, place, &people, until).await
    })
    .await?;
    if next.done {
        witness_failure(&context.store, request).await?;
    }
    Ok(next)
}

async fn ask(
    context: &Context,
    request: &Request,
    task: &mut Task,
    destination: &Destination,
    people: &[Vec<Subject>],
    until: Instant,
) -> Result<Option<u32>> {
    if destination.enabled_until.is_some() {
        return Err(Failure::transient(format!(
            "the destination {} is disabled: enable it again, or write to its vendor yourself",
            destination.name
        )));
    }
    let secrets = context.secrets.of(destination).await?;
    check_use(destination, &secrets, context.any_endpoint)?;
    let vendor = cloud::vendor(&destination.vendor)?;
    let mut progress = progress(task);
    let before = progress.count();
    let turn =
        turn(context, request, task, Place { vendor, destination, secrets }, people, &mut progress, until);
    let turn = turn.await;
    task.progress = serde_json::to_value(&progress).unwrap_or_default();
    if turn.is_ok() || progress.count() > before {
        task.progressed(TaskStatus::Forwarded);
    }
    match turn? {
        VendorTurn::Later(seconds) => Ok(Some(seconds)),
        VendorTurn::Done => {
            let now = Timestamp::now();
            witness(&context.store, request, task, &progress).await?;
            let (status, message) = summary(vendor, destination, &progress);
            task.end(status, message, now);
            if status != TaskStatus::Failed {
                task.progress.take();
            }
            Ok(None)
        }
    }
}

struct Place<'a> {
    vendor: &'static dyn Vendor,
    destination: &'a Destination,
    secrets: Secrets,
}

/// One turn of the engine, while the task shows its progress.
async fn turn(
    context: &Context,
    request: &Request,
    task: &Task,
    place: Place<'_>,
    people: &[Vec<Subject>],
    progress: &mut VendorProgress,
    until: Instant,
) -> Result<VendorTurn> {
    let (id, Place { vendor, destination, secrets }) = (&request.regulation_id, place);
    let job = Job { destination, secrets: &secrets, regulation: id.as_str(), people };
    let keep = async |progress: &VendorProgress| {
        let progress = serde_json::to_value(progress).unwrap_or_default();
        let mut task = Task { progress, ..task.clone() };
        task.status = TaskStatus::Running;
        task_step::keep(&context.store, id, &task).await
    };
    context.engine.turn(vendor, job, progress, until, keep).await
}

fn progress(task: &Task) -> VendorProgress {
    serde_json::from_value(task.progress.clone()).unwrap_or_default()
}

/// The status that follows from the outcomes, and what to tell people.
fn summary(
    vendor: &dyn Vendor,
    destination: &Destination,
    progress: &VendorProgress,
) -> (TaskStatus, Option<String>) {
    let outcomes = progress.outcomes();
    let (all, count) =
        (outcomes.values().sum::<u64>(), |outcome| outcomes.get(&outcome).copied().unwrap_or(0));
    let mut told = Vec::new();
    match count(Outcome::Refused) {
        0 => {}
        refused => {
            let why = progress.refusal().unwrap_or("the vendor does not take these identifiers");
            told.push(format!("{refused} of {all} subjects were refused: {why}; put it right and retry"));
        }
    }
    match count(Outcome::NoIdentifier) {
        0 => {}
        missing => told.push(vendor.missing(missing as usize, all as usize, &destination.settings)),
    }
    match count(Outcome::NotSupported) {
        0 => {}
        some => told.push(format!("{some} of {all} subjects: {}", vendor.advice(&destination.settings))),
    }
    let status = outcomes.keys().next().map_or(TaskStatus::NoAction, |outcome| outcome.status());
    (status, (!told.is_empty()).then(|| told.join("; ")))
}

/// Stores the outcomes so far as evidence.
async fn witness(store: &Store, request: &Request, task: &Task, progress: &VendorProgress) -> Result<()> {
    let outcomes = progress.outcomes();
    let counts: BTreeMap<_, _> =
        outcomes.iter().map(|(outcome, n)| (outcome.as_str().to_owned(), *n)).collect();
    let evidence = Evidence::of(task, request.attempt, Step::Forward, Timestamp::now(), counts);
    store.keep_evidence(&request.regulation_id, &evidence).await
}

/// Stores evidence of what a failed task did.
async fn witness_failure(store: &Store, request: &Request) -> Result<()> {
    let task = store.task(&request.regulation_id, &request.destination_id).await?;
    let progress = progress(&task);
    if task.status == TaskStatus::Failed && progress.count() > 0 {
        witness(store, request, &task, &progress).await?;
    }
    Ok(())
}
