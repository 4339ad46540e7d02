use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use shared::destination::Destination;
use shared::evidence::{Evidence, Step};
use shared::failure::{Failure, Result};
use shared::secrets::SecretStore;
use shared::status::TaskStatus;
use shared::store::Store;
use shared::subject::Subject;
use shared::task::Task;
use shared::warehouse::PostgresSettings;
use shared::warehouse::postgres::Postgres;
use shared::work::{self, Next, Request};

pub struct Context {
    pub store: Store,
    pub secrets: SecretStore,
    pub retry_window: SignedDuration,
}

pub async fn erase(context: &Context, request: Request, until: Instant) -> Result<Next> {
    work::step(&context.store, &request, context.retry_window, async |task, destination, subjects| {
        delete_rows(context, &request, task, destination, subjects, until).await
    })
    .await
}

/// Counts, deletes and counts again. The first count is kept before anything goes, so that it outlives a crash.
async fn delete_rows(
    context: &Context,
    request: &Request,
    task: &mut Task,
    destination: &Destination,
    subjects: &[Subject],
    until: Instant,
) -> Result<Option<u32>> {
    let settings: PostgresSettings = destination.settings()?;
    let secrets = context.secrets.of(destination).await?;
    let warehouse = Postgres::connect(&settings, secrets.get("password")?).await?;
    task.progressed(TaskStatus::Running);

    let id = &request.regulation_id;
    let found = warehouse.find(subjects).await?;
    let evidence = Evidence::of(task, request.attempt, Step::Find, Timestamp::now(), found);
    context.store.keep_evidence(id, &evidence).await?;

    let (_, finished) = warehouse.forget(subjects, until).await?;
    if !finished {
        return Ok(Some(1));
    }
    let left = warehouse.find(subjects).await?;
    if left.values().any(|rows| *rows > 0) {
        return Err(Failure::transient("rows of the subjects arrived while they were deleted"));
    }
    let now = Timestamp::now();
    context.store.keep_evidence(id, &Evidence::of(task, request.attempt, Step::Verify, now, left)).await?;
    let status = match context.store.ever_found(id, &destination.id).await? {
        true => TaskStatus::Confirmed,
        false => TaskStatus::NoDataFound,
    };
    task.end(status, None, now);
    Ok(None)
}
