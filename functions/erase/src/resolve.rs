//! Looks up other identifiers of a regulation's people in a warehouse, before anything is erased anywhere.

use app::resolving::{self, LookedUp};
use app::task_step::{Next, Request};
use model::failure::Result;
use model::id::DestinationId;
use model::probe::Finding;
use model::resolved::Resolved;
use model::subject::Subject;
use warehouses::resolve::resolve as look_up;
use warehouses::with_engine;

use crate::handler::Context;

pub async fn resolve(context: &Context, request: Request) -> Result<Next> {
    resolving::step(&context.store, &request, async |named, known| {
        let resolved = ask(context, &request.destination_id, named, known).await?;
        Ok(Some(LookedUp { resolved, ..LookedUp::default() }))
    })
    .await
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

/// What the warehouse knows of people, by kind.
pub async fn resolvable(
    context: &Context,
    warehouse: &DestinationId,
    people: &[Vec<Subject>],
) -> Result<Finding> {
    Ok(resolving::finding(&ask(context, warehouse, people, people).await?))
}
