use aws::bucket::{Bucket, Key};
use aws::secrets::SecretStore;
use aws::signing::Signer;
use lambda::clock;
use lambda::metrics::{Metric, report};
use model::certificate::Issuer;
use model::destination::DestinationKind;
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::id::RegulationId;
use model::outcome::Outcome;
use model::regulation::{Regulation, kept_until};
use model::status::Status;
use model::status::TaskStatus;
use model::task::Task;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::certificate::{certify, sign_head};

/// What an invocation uses, made once at cold start.
pub struct Context {
    /// The tables.
    pub store: Store,
    /// The pseudonyms' key.
    pub secrets: SecretStore,
    /// Signs certificates.
    pub signer: Signer,
    /// The bucket that keeps them.
    pub certificates: Bucket,
    /// The company that certificates name.
    pub issuer: Issuer,
}

/// What to seal, as the state machine and the schedule name it.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// An attempt of a regulation.
    Attempt(Attempt),
    /// Each day: the audit trail, whether or not there is a certificate to seal it with; and secrets that nothing needs.
    Daily {
        /// What to do.
        action: Daily,
    },
}

/// What is done each day.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Daily {
    /// The head of the audit trail is written to write-once storage, and the secrets of destinations that have been
    /// disabled for long are deleted.
    SealTrail,
}

/// The attempt of a regulation that ends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    regulation_id: RegulationId,
    attempt: u32,
    /// The outcomes of the state machine's branches, including errors that no function could note.
    #[serde(default)]
    outcomes: Value,
}

/// The answer to the state machine.
#[derive(Default, Serialize)]
pub struct Reply {
    /// The regulation's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// Seals an attempt or the audit trail.
///
/// # Errors
/// `Transient`, if AWS throttles or cannot be reached; `Permanent`, if it refuses a call or there is no such regulation.
pub async fn handle(context: &Context, request: Request) -> Result<Reply> {
    match request {
        Request::Attempt(attempt) => Ok(Reply { status: Some(seal(context, attempt).await?) }),
        Request::Daily { action: Daily::SealTrail } => {
            context.store.keep_key(context.signer.public_key().await?).await?;
            sign_head(context).await?;
            seal_trail(context).await?;
            forget_secrets(context).await?;
            Ok(Reply::default())
        }
    }
}

/// 1. An attempt that was withdrawn, has ended, or is no longer the last, is left as it is.
/// 2. Tasks that did not end are failed, with the error that stopped them.
/// 3. The certificate is written, once per attempt, and appended to the log; and with it the head of the audit trail.
/// 4. If nothing failed, the identifiers are dropped; otherwise a retry needs them, for some time.
/// 5. The regulation gets its status, and the summary of what became of its people.
///
/// Each step may run twice: what is written stands.
async fn seal(context: &Context, request: Attempt) -> Result<Status> {
    let (store, id) = (&context.store, &request.regulation_id);
    // Work that has not begun begins here, unless the regulation was withdrawn: nothing withdrawn is certified.
    let begun = store.begin_regulation(id).await?;
    let mut regulation = store
        .regulation(id)
        .await?
        .ok_or_else(|| Failure::permanent(format!("there is no regulation {id}")))?;
    if !begun || regulation.attempt != request.attempt || regulation.status.is_final() {
        return Ok(regulation.status);
    }
    let tasks = end_tasks(store, id, &request.outcomes).await?;
    let evidence = store.evidence(id).await?;
    let suppression = suppression(&regulation, &evidence);
    let status = Status::of(tasks.iter().map(|task| task.status).chain(suppression));
    let people = regulation.subject_count as u64;
    let erases_any = regulation.regulation_type.erases();
    let outcome = erases_any.then(|| Outcome::of(people, &tasks, &evidence, suppression));
    let (now, erases) = (
        clock::now(),
        regulation.part.is_none() && regulation.regulation_type.erases_from(DestinationKind::Archive),
    );
    certify(context, &regulation, status, (&tasks, evidence), now).await?;
    seal_trail(context).await?;
    if status.drops_identifiers() {
        if erases {
            let mut known = store.everyone(id).await?;
            known.retain(|subject| subject.kind.is_searched());
            store.forget_people(&known, now).await?;
        }
        store.drop_subjects(id).await?;
    } else {
        store.note_due(id, kept_until(now)).await?;
    }
    regulation.outcome = outcome;
    store.end_attempt(&regulation, status, now).await?;
    let failed = tasks.iter().filter(|task| task.status == TaskStatus::Failed).count();
    report(&[(Metric::FailedTasks, failed as f64)]);
    tracing::info!(regulation = %id, ?status, "sealed");
    Ok(status)
}

/// Writes the head of the audit trail's chain to write-once storage: records up to it can no longer be changed without
/// a trace.
async fn seal_trail(context: &Context) -> Result<()> {
    let head = context.store.trail_head().await?;
    let json = serde_json::to_string(&head)
        .map_err(|e| Failure::permanent("the trail's head cannot be written").detail(e))?;
    context.certificates.write_once(Key::TrailHead(head.number), "application/json", json).await
}

/// Deletes the secrets of destinations that have been disabled for long.
async fn forget_secrets(context: &Context) -> Result<()> {
    let now = clock::now();
    let destinations = context.store.destinations().await?;
    for destination in destinations.iter().filter(|one| one.has_outlived_its_secrets(now)) {
        context.secrets.forget(destination).await?;
    }
    Ok(())
}

async fn end_tasks(store: &Store, id: &RegulationId, outcomes: &Value) -> Result<Vec<Task>> {
    let mut tasks = store.tasks(id).await?;
    for task in tasks.iter_mut().filter(|task| !task.status.is_final()) {
        let error = error_of(outcomes, task.destination_id.as_str()).unwrap_or("unknown error");
        let before =
            task.message.take().map(|message| format!("; before that: {message}")).unwrap_or_default();
        let message = format!("the work did not end ({error}){before}; see the function's log, then retry");
        task.end(TaskStatus::Failed, Some(message), clock::now());
        store.save_task(id, task).await?;
    }
    for warehouse in tasks.iter().filter(|task| task.kind == DestinationKind::Warehouse) {
        store.leave(&warehouse.destination_id, id).await?;
    }
    Ok(tasks)
}

/// The error that a branch left for a destination, wherever it is in the outcomes. An error without a destination
/// concerns all archives.
fn error_of<'a>(outcomes: &'a Value, destination: &str) -> Option<&'a str> {
    match outcomes {
        Value::Array(items) => items.iter().find_map(|item| error_of(item, destination)),
        Value::Object(fields) => {
            let error = fields.get("failure")?.get("Error")?.as_str()?;
            let whose = fields.get("destinationId").and_then(Value::as_str);
            whose.is_none_or(|whose| whose == destination).then_some(error)
        }
        _ => None,
    }
}

/// The suppression's part in the overall status: a regulation that should have suppressed and did not is no success.
fn suppression(regulation: &Regulation, evidence: &[Evidence]) -> Option<TaskStatus> {
    regulation.regulation_type.suppression()?;
    let suppressed = evidence.iter().any(|evidence| evidence.step == Step::Suppress);
    Some(if suppressed { TaskStatus::Confirmed } else { TaskStatus::Failed })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_found_by_its_destination_wherever_it_lies() {
        let outcomes = json!([
            {"failure": {"Error": "States.Timeout"}},
            [{"destinationId": "dst_1"}, {"destinationId": "dst_2", "failure": {"Error": "Runtime.ExitError"}}],
        ]);
        assert_eq!(error_of(&outcomes[1], "dst_2"), Some("Runtime.ExitError"));
        assert_eq!(error_of(&outcomes[1], "dst_1"), None);
        assert_eq!(error_of(&outcomes[0], "dst_9"), Some("States.Timeout"));
    }
}
