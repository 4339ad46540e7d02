//! Looks up other identifiers of a regulation's people in one place, before anything is erased anywhere: the frame of
//! `erase` and `purge`.
//!
//! 1. What was found is stored once, in the first attempt that gets so far: later the records may be gone.
//! 2. A failure is noted with every open task, so that whoever reads the status knows why nothing was erased.
//! 3. A probe answers the same without storing or telling an identifier.

use std::collections::BTreeMap;
use std::ops::AsyncFnOnce;

use lambda::clock;
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::probe::{Finding, Resolvable};
use model::resolved::Resolved;
use model::subject::{Subject, people};
use serde::Deserialize;
use serde_json::json;
use store::Store;

use crate::task_step::{self, Next, Request};

/// The state machine's request.
#[derive(Deserialize)]
pub struct Resolve {
    #[allow(dead_code, reason = "tells it from other steps")]
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

/// What a look-up gave.
#[derive(Debug, Default)]
pub struct LookedUp {
    /// The identifiers.
    pub resolved: Resolved,
    /// What was looked at to find them.
    pub looked_at: BTreeMap<String, u64>,
    /// What could not be looked at, by reason.
    pub unread: BTreeMap<String, u64>,
}

/// Looks up a regulation's people in one place, unless that was done. `look_up` takes the people by what the regulation
/// names and by all that is known of them; it returns nothing, if it is to be called again.
///
/// # Errors
/// The failure of the look-up, which is noted with the tasks; `Transient` or `Permanent`, if DynamoDB fails or refuses.
pub async fn step(
    store: &Store,
    request: &Request,
    look_up: impl AsyncFnOnce(&[Vec<Subject>], &[Vec<Subject>]) -> Result<Option<LookedUp>>,
) -> Result<Next> {
    let id = &request.regulation_id;
    let task = store.task(id, &request.destination_id).await?;
    if !store.is_resolved(id, &request.destination_id).await? {
        let named: Vec<_> = people(&store.named(id).await?).collect();
        let known = task_step::kept(store.individuals(id).await?)?;
        let LookedUp { resolved, looked_at, unread } = match look_up(&named, &known).await {
            Ok(Some(looked_up)) => looked_up,
            Ok(None) => return Ok(Next { done: false, wait_seconds: 0 }),
            Err(failure) => return Err(tell(store, request, &task.name, failure).await?),
        };
        let numbers = resolved.numbers();
        let counts = numbers.found.iter().map(|(kind, count)| (kind.to_string(), *count)).collect();
        let mut evidence = Evidence::of(&task, request.attempt, Step::Resolve, clock::now(), counts);
        let shared = numbers.shared.iter();
        let shared = shared
            .map(|(kind, count)| (format!("{kind} not known to be one person's alone, not used"), *count));
        evidence.residuals = shared.chain(unread).collect();
        evidence.looked_at = looked_at;
        store.keep_evidence(id, &evidence).await?;
        store.keep_resolved(id, &request.destination_id, resolved).await?;
    }
    Ok(Next { done: true, wait_seconds: 0 })
}

/// Notes a failure with every open task. Returns the failure.
async fn tell(store: &Store, request: &Request, name: &str, failure: Failure) -> Result<Failure> {
    let id = &request.regulation_id;
    let message =
        format!("other identifiers of the people cannot be looked up in {name}: {}", failure.public);
    for mut task in store.tasks(id).await?.into_iter().filter(|task| !task.status.is_final()) {
        task.message = Some(message.clone());
        store.save_task_if(id, &task, task.status).await?;
    }
    Ok(Failure { public: message, ..failure })
}

/// What a place knows of people, by kind: a probe's answer.
pub fn finding(Resolved { found, shared }: &Resolved) -> Finding {
    let place = |person: Option<u32>| person.and_then(|number| usize::try_from(number).ok());
    let found = found.iter().filter_map(|one| Some((place(one.person)?, one.subject.kind))).collect();
    let details = json!(Resolvable { found, shared: shared.clone() });
    Finding { ok: true, message: "it was looked up".to_owned(), details }
}
