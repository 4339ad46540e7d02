//! Looks up other identifiers of a regulation's people in a warehouse, before anything is erased anywhere.
//!
//! 1. What was found is stored once, in the first attempt that gets so far: later the rows may be gone.
//! 2. A failure is noted with every open task, so that whoever reads the status knows why nothing was erased.
//! 3. A probe answers the same without storing or telling an identifier.

use app::task_step::{self, Next, Request};
use lambda::clock;
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::id::DestinationId;
use model::probe::{Finding, Resolvable};
use model::resolved::Resolved;
use model::subject::{Subject, people};
use serde::Deserialize;
use serde_json::json;
use warehouses::resolve::resolve as look_up;
use warehouses::with_engine;

use crate::handler::Context;

/// The state machine's request.
#[derive(Deserialize)]
pub struct Resolve {
    #[allow(dead_code, reason = "tells it from a step of the task")]
    action: Action,
    #[serde(flatten)]
    /// Whose people, and where.
    pub request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    Resolve,
}

pub async fn resolve(context: &Context, request: Request) -> Result<Next> {
    let (store, id) = (&context.store, &request.regulation_id);
    let task = store.task(id, &request.destination_id).await?;
    if !store.is_resolved(id, &request.destination_id).await? {
        let named: Vec<_> = people(&store.named(id).await?).collect();
        let known = task_step::kept(store.individuals(id).await?)?;
        let resolved = match ask(context, &request.destination_id, &named, &known).await {
            Ok(resolved) => resolved,
            Err(failure) => return Err(tell(context, &request, &task.name, failure).await?),
        };
        let numbers = resolved.numbers();
        let counts = numbers.found.iter().map(|(kind, count)| (kind.to_string(), *count)).collect();
        let mut evidence = Evidence::of(&task, request.attempt, Step::Resolve, clock::now(), counts);
        let shared = numbers.shared.iter();
        evidence.residuals =
            shared.map(|(kind, count)| (format!("{kind} of several people, not used"), *count)).collect();
        store.keep_evidence(id, &evidence).await?;
        store.keep_resolved(id, &request.destination_id, resolved).await?;
    }
    Ok(Next { done: true, wait_seconds: 0 })
}

async fn ask(
    context: &Context,
    warehouse: &DestinationId,
    people: &[Vec<Subject>],
    known: &[Vec<Subject>],
) -> Result<Resolved> {
    let destination = context.store.destination(warehouse).await?;
    let secrets = context.secrets.fresh(&destination).await?;
    with_engine!(&context.surroundings, &destination, &secrets, |engine| look_up(engine, people, known).await)
}

/// Notes a failure with every open task. Returns the failure.
async fn tell(context: &Context, request: &Request, name: &str, failure: Failure) -> Result<Failure> {
    let (store, id) = (&context.store, &request.regulation_id);
    let message =
        format!("other identifiers of the people cannot be looked up in {name}: {}", failure.public);
    for mut task in store.tasks(id).await?.into_iter().filter(|task| !task.status.is_final()) {
        task.message = Some(message.clone());
        store.save_task_if(id, &task, task.status).await?;
    }
    Ok(Failure { public: message, ..failure })
}

/// What the warehouse knows of people, by kind.
pub async fn resolvable(
    context: &Context,
    warehouse: &DestinationId,
    people: &[Vec<Subject>],
) -> Result<Finding> {
    let Resolved { found, shared } = ask(context, warehouse, people, people).await?;
    let place = |person: Option<u32>| person.and_then(|number| usize::try_from(number).ok());
    let found = found.iter().filter_map(|one| Some((place(one.person)?, one.subject.kind))).collect();
    let message = "it was looked up".to_owned();
    Ok(Finding { ok: true, message, details: json!(Resolvable { found, shared }) })
}
