//! Admits regulations: stores them with their tasks and starts them.

use aws::workflow::Workflow;
use destinations::{narrow, searched_for};
use lambda::clock;
use model::destination::Destination;
use model::failure::{Failure, Result};
use model::id::TokenId;
use model::missing::Missing;
use model::regulation::{Regulation, RegulationType};
use model::status::TaskStatus;
use model::subject::{Named, Subject, people};
use model::suppression;
use model::task::Task;
use store::Store;

/// Stores a checked regulation, with one task per destination in scope, and starts it; its work begins after `delay`
/// seconds. Harmless when it is stored already. Returns whether it is admitted: not, if the request-only token
/// `only_of` has made another.
///
/// # Errors
/// `Invalid`, if it is not allowed; `Transient` or `Permanent`, if DynamoDB fails or refuses. Nothing is stored then.
pub async fn admit(
    store: &Store,
    workflow: &Workflow,
    regulation: &Regulation,
    named: Vec<Named>,
    delay: u32,
    only_of: Option<&TokenId>,
) -> Result<bool> {
    may_lift(store, regulation, &suppression::of(named.iter().map(|one| &one.subject))).await?;
    let destinations = in_scope(store, regulation).await?;
    let mut tasks: Vec<_> = destinations.iter().map(|d| Task::new(d, regulation.part.as_ref())).collect();
    for (task, destination) in tasks.iter_mut().zip(&destinations) {
        task.resolves = resolves(regulation, destination);
    }
    // With what warehouses and archives give, somebody may be known there after all.
    if !tasks.iter().any(|task| task.resolves) {
        let people: Vec<_> = people(&named).collect();
        for (task, destination) in tasks.iter_mut().zip(&destinations) {
            end_unsearched(task, destination, &people);
        }
    }
    let stored = store.create(regulation, named, &tasks, only_of).await?;
    if stored {
        start(workflow, regulation, delay).await;
    }
    Ok(stored)
}

/// Whether the people of a regulation are looked up in a destination first: not those of one source, whose part of the
/// destination is all that may be looked at.
pub fn resolves(regulation: &Regulation, destination: &Destination) -> bool {
    regulation.part.is_none() && destinations::resolves(destination)
}

/// Ends the task of an archive that would be read for nobody.
fn end_unsearched(task: &mut Task, destination: &Destination, people: &[Vec<Subject>]) {
    let Some(kinds) = searched_for(destination) else { return };
    if let Some(missing) = Missing::of(people, &kinds).filter(Missing::is_everyone) {
        task.end(TaskStatus::NoIdentifier, Some(missing.to_string()), clock::now());
    }
}

/// Suppresses the subjects of a regulation at once, before its work would. It takes effect as soon as each instance of
/// `collect` has read the list.
///
/// # Errors
/// `Transient`, if DynamoDB throttles, refuses or cannot be reached. The regulation is carried out all the same.
pub async fn hold(store: &Store, regulation: &Regulation, subjects: &[Subject]) -> Result<()> {
    store.keep_out(regulation, subjects).await.map_err(|failure| {
        let message = format!("{} is accepted, but its suppression does not hold yet", regulation.id);
        Failure::transient(message).detail(failure)
    })
}

/// Refuses to lift at one source what the whole workspace suppresses.
async fn may_lift(store: &Store, regulation: &Regulation, subjects: &[Subject]) -> Result<()> {
    if regulation.part.is_none() || regulation.regulation_type != RegulationType::Unsuppress {
        return Ok(());
    }
    let Some(place) = store.first_suppressed_everywhere(subjects).await? else { return Ok(()) };
    let message = format!("subjectIds[{place}] is suppressed in the whole workspace: lift it there");
    Err(Failure::invalid(message).field("subjectIds"))
}

/// The destinations that a regulation erases from: those that a source is or was connected to, if it is about one.
///
/// # Errors
/// `Transient` or `Permanent`, if DynamoDB fails or refuses; `Invalid`, if one of them cannot be narrowed to the
/// regulation's part.
pub async fn in_scope(store: &Store, regulation: &Regulation) -> Result<Vec<Destination>> {
    let mut destinations = store.destinations().await?;
    destinations.retain(|d| d.enabled_until.is_none() && regulation.regulation_type.erases_from(d.kind));
    let Some(part) = &regulation.part else { return Ok(destinations) };
    let source = store.source(&part.source_id).await?;
    let connections = source.map(|source| source.connections).unwrap_or_default();
    destinations.retain(|d| part.may_lie_in(d.kind) && connections.iter().any(|c| c.destination_id == d.id));
    for destination in &destinations {
        narrow::to_source(destination, part)?;
    }
    Ok(destinations)
}

/// Starts an attempt of a regulation, whose work begins after `delay` seconds. If the start fails, the next tick starts
/// it: what is stored is accepted.
pub async fn start(workflow: &Workflow, regulation: &Regulation, delay: u32) {
    if let Err(failure) = workflow.start_deletion(&regulation.id, regulation.attempt, 0, delay).await {
        tracing::error!(regulation = %regulation.id, %failure, "not started; left to the schedule");
    }
}
