use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use shared::destination::Destination;
use shared::destination::cloud::{self, Connection, Outcome};
use shared::destination::engine::{Engine, Progress, Turn};
use shared::evidence::{Evidence, Step};
use shared::failure::Result;
use shared::secrets::SecretStore;
use shared::status::TaskStatus;
use shared::store::Store;
use shared::subject::Subject;
use shared::task::Task;
use shared::work::{self, Next, Request};

pub struct Context {
    pub store: Store,
    pub secrets: SecretStore,
    pub engine: Engine,
    pub retry_window: SignedDuration,
}

pub async fn forward(context: &Context, request: Request, until: Instant) -> Result<Next> {
    work::step(&context.store, &request, context.retry_window, async |task, destination, subjects| {
        ask(context, &request, task, destination, subjects, until).await
    })
    .await
}

async fn ask(
    context: &Context,
    request: &Request,
    task: &mut Task,
    destination: &Destination,
    subjects: &[Subject],
    until: Instant,
) -> Result<Option<u32>> {
    let secrets = context.secrets.of(destination).await?;
    let connection = Connection { settings: &destination.settings, secrets: &secrets };
    let mut progress: Progress = serde_json::from_value(task.progress.take()).unwrap_or_default();
    let vendor = cloud::vendor(&destination.vendor)?;
    let turn = context.engine.turn(vendor, &connection, subjects, &mut progress, until).await;
    task.progress = serde_json::to_value(&progress).unwrap_or_default();
    match turn? {
        Turn::Later(seconds) => {
            task.progressed(TaskStatus::Forwarded);
            Ok(Some(seconds))
        }
        Turn::Done => {
            let counts = progress.outcomes.iter().map(|(outcome, n)| (outcome.as_str().to_owned(), *n));
            let now = Timestamp::now();
            let evidence = Evidence::of(task, request.attempt, Step::Forward, now, counts.collect());
            context.store.keep_evidence(&request.regulation_id, &evidence).await?;
            let least_certain = progress.outcomes.keys().next();
            task.end(
                least_certain.map_or(TaskStatus::NoAction, |outcome: &Outcome| outcome.status()),
                None,
                now,
            );
            task.progress.take();
            Ok(None)
        }
    }
}
