//! `/regulations`: creates, shows, withdraws and retries regulations.

use std::collections::BTreeMap;
use std::time::Duration;

use app::admission;
use axum::extract::State;
use jiff::Timestamp;
use lambda::clock;
use model::evidence::{Evidence, by_step};
use model::failure::Failure;
use model::id::{DestinationId, RegulationId};
use model::outcome::Outcome;
use model::regulation::{NewRegulation, Regulation, RegulationType};
use model::resolved::ResolvedNumbers;
use model::source::{Recipient, SeenAt, Sightings, SourceId};
use model::status::{Status, TaskStatus};
use model::subject::{Named, Subject, SubjectType};
use model::suppression;
use model::task::Task;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::auth::{Caller, Reserved, forbidden};
use crate::case::Case;
use crate::context::{Context, Shared};
use crate::dry_run::{self, DryRun};
use crate::error::{ApiError, Data, Reply, data};
use crate::request::{Body, Id, Rehearsal};
use crate::runs::{self, RunOfTask};
use crate::subjects::{shown, who_received};
use crate::suppressions::Whom;

/// How long a response waits until the suppression is written. The regulation's work writes it in any case, and API
/// Gateway waits 30 seconds.
const HOLD_TIMEOUT: Duration = Duration::from_secs(20);

/// What a regulation was accepted as.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegulationCreated {
    pub regulate_id: RegulationId,
    /// A regulation under way that asked for the same about the same subjects. This one is carried out nonetheless:
    /// what came in since the other looked would otherwise stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<RegulationId>,
}

/// What became of a request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum RegulationAnswer {
    /// It is accepted.
    Created(RegulationCreated),
    /// It was only rehearsed.
    DryRun(DryRun),
}

/// Accepts a regulation: stored with one task per destination in scope, then started. With `dryRun=true` nothing is
/// done but counting.
#[utoipa::path(post, path = "/regulations", operation_id = "createRegulation", tag = "Regulations",
    params(Rehearsal), request_body = NewRegulation,
    responses((status = 200, description = "It is accepted, or rehearsed", body = Data<RegulationAnswer>)))]
pub async fn create(
    State(context): Shared,
    caller: Caller,
    rehearsal: Rehearsal,
    Reserved(id): Reserved,
    Body(request): Body<NewRegulation>,
) -> Reply<RegulationAnswer> {
    let accepted = request.accept(id, clock::now(), context.default_law)?;
    answer(&context, &caller, rehearsal, accepted).await
}

/// Carries out or rehearses a regulation that passed its checks.
pub async fn answer(
    context: &Context,
    caller: &Caller,
    rehearsal: Rehearsal,
    (regulation, named): (Regulation, Vec<Named>),
) -> Reply<RegulationAnswer> {
    if !rehearsal.dry_run {
        return Ok(data(RegulationAnswer::Created(admit(context, caller, regulation, named).await?)));
    }
    caller.may_rehearse(&regulation)?;
    let destinations = admission::in_scope(&context.store, &regulation).await?;
    let counted = dry_run::rehearse(context, &regulation, &named, &destinations).await?;
    Ok(data(RegulationAnswer::DryRun(counted)))
}

/// Accepts a regulation, from any of the APIs.
pub async fn admit(
    context: &Context,
    caller: &Caller,
    regulation: Regulation,
    named: Vec<Named>,
) -> Result<RegulationCreated, ApiError> {
    caller.may_regulate(&regulation)?;
    let mut regulation = regulation.with_grace(context.grace_hours);
    let request = regulation.fingerprint(context.pseudonyms().await?, &named);
    regulation.duplicate_of = context.store.same_under_way(&request, &regulation.id).await?;
    regulation.actor = Some(caller.id().to_owned());
    let (store, workflow, only_of) = (&context.store, &context.workflow, caller.request_only());
    let subjects = suppression::of(named.iter().map(|one| &one.subject));
    if !admission::admit(store, workflow, &regulation, named, 0, only_of).await? {
        return Err(forbidden("this token has made its one regulation"));
    }
    match timeout(HOLD_TIMEOUT, admission::hold(&context.store, &regulation, &subjects)).await {
        Ok(held) => held?,
        Err(_) => tracing::warn!(regulation = %regulation.id, "answered before its suppression holds"),
    }
    if let Err(failure) = context.store.note_same(&request, &regulation.id).await {
        tracing::warn!(regulation = %regulation.id, %failure, "a duplicate of it will not be recognised");
    }
    Ok(RegulationCreated { regulate_id: regulation.id, duplicate_of: regulation.duplicate_of })
}

/// What a regulation is about, if not the whole workspace, what it repeats, and what came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The source whose events alone it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<SourceId>,
    /// The collection of that cloud source.
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    /// A regulation that asked for the same, and was under way when this one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<RegulationId>,
    /// Until when nothing is erased, and it may be withdrawn; none, where it began at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_until: Option<Timestamp>,
    /// What became of its people, once an attempt has ended; none, if it erases nothing, or ended before that was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl About {
    pub fn new(regulation: &Regulation) -> Self {
        let (source_id, collection) =
            regulation.part.clone().map(|part| (part.source_id, part.collection)).unzip();
        Self {
            source_id,
            collection: collection.flatten(),
            duplicate_of: regulation.duplicate_of.clone(),
            grace_until: regulation.grace_until,
            outcome: regulation.outcome,
        }
    }
}

/// One regulation.
#[derive(Serialize, ToSchema)]
pub struct OneRegulation {
    regulation: RegulationShown,
}

/// How far a regulation is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RegulationShown {
    id: RegulationId,
    workspace_id: String,
    overall_status: Status,
    regulation_type: RegulationType,
    subject_type: SubjectType,
    /// Number of people, or of objects.
    subject_count: usize,
    /// Number of identifiers by kind, if people are given by several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, usize>)]
    identifiers: BTreeMap<SubjectType, usize>,
    /// Which attempt is under way or was last: 1, and one more for every retry.
    attempt: u32,
    /// Who asked for it: a token's id, `admin`, or a batch and who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
    /// Until when it can be retried, if it failed somewhere: its identifiers are dropped then.
    #[serde(skip_serializing_if = "Option::is_none")]
    identifiers_kept_until: Option<Timestamp>,
    #[serde(flatten)]
    about: About,
    #[serde(flatten)]
    case: Case,
    stream_status: Vec<StreamStatus>,
    #[serde(flatten)]
    covers: Covers,
}

/// Whom a regulation covers beside those whom it names, and who received their events. The first is known once the work
/// has begun, from events that came in through the tracking API; the second from these, too, and in the end from what
/// archives held. Request-only tokens are told none of it: all is empty.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Covers {
    /// Their other ids, which are suppressed and erased with them: the first half megabyte of them, and none once the identifiers are
    /// dropped.
    linked_subjects: Vec<Whom>,
    /// How many these are or were.
    linked_count: u64,
    /// How many other ids of theirs are others', too, and left alone.
    shared_count: u64,
    /// Ids that events linked to them and that are left out, since a write key is no proof: user ids, and all ids of a
    /// subject with more than 20. Name those that are theirs in a regulation of its own. None once the identifiers are
    /// dropped; the certificate names them by pseudonyms.
    left_out_subjects: Vec<Whom>,
    /// How many these are or were.
    left_out_count: u64,
    /// Identifiers that warehouses and archives gave for them, by which places are asked, too; none once the identifiers are
    /// dropped.
    resolved_subjects: Vec<ResolvedSubject>,
    /// How many these are or were, by kind.
    #[schema(value_type = BTreeMap<String, u64>)]
    resolved: BTreeMap<SubjectType, u64>,
    /// How many identifiers stand with several people there, by kind: they are not used.
    #[schema(value_type = BTreeMap<String, u64>)]
    resolved_shared: BTreeMap<SubjectType, u64>,
    /// Which sources saw them.
    #[schema(value_type = Vec<SeenAt>)]
    sources: Sightings,
    /// Which destinations those sources' events went to meanwhile.
    recipients: Vec<Recipient>,
}

/// An identifier that a warehouse or an archive gave.
#[derive(Serialize, ToSchema)]
struct ResolvedSubject {
    #[serde(rename = "type")]
    kind: SubjectType,
    id: String,
}

impl Covers {
    async fn of(context: &Context, regulation: &Regulation, evidence: &[Evidence]) -> Result<Self, ApiError> {
        let Some(covered) = context.store.covered(regulation).await? else { return Ok(Self::default()) };
        let linked = context.store.linked_subjects(&regulation.id).await?;
        let left_out = context.store.left_out_subjects(&regulation.id).await?;
        let mut resolved = ResolvedNumbers::default();
        for numbers in context.store.resolved_numbers(&regulation.id).await? {
            resolved.add(&numbers);
        }
        let resolved_subjects = context.store.resolved_subjects(&regulation.id).await?;
        let mut seen = covered.seen;
        seen.extend(evidence.iter().flat_map(|evidence| evidence.sources.clone()));
        Ok(Self {
            linked_subjects: shown(&linked).iter().cloned().map(Whom::from).collect(),
            linked_count: covered.linked,
            shared_count: covered.shared,
            left_out_subjects: shown(&left_out).iter().cloned().map(Whom::from).collect(),
            left_out_count: covered.left_out,
            resolved_subjects: shown(&resolved_subjects)
                .iter()
                .cloned()
                .map(|Subject { kind, id }| ResolvedSubject { kind, id })
                .collect(),
            resolved: resolved.found,
            resolved_shared: resolved.shared,
            recipients: who_received(context, &seen).await?,
            sources: seen,
        })
    }
}

/// The destinations of one stream; Lethe has one stream, the workspace.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StreamStatus {
    id: String,
    destination_status: Vec<DestinationStatus>,
}

/// Segment's fields, and beside them our finer status, a message, and the evidence of the last attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DestinationStatus {
    name: String,
    id: DestinationId,
    vendor: String,
    /// The nearest of Segment's seven values.
    status: Status,
    /// How far it really is.
    task_status: TaskStatus,
    /// What happened and what to do about it; empty if nothing is wrong.
    err_string: String,
    finished_at: Option<Timestamp>,
    /// What each step of the last attempt did, by the step's name.
    evidence: BTreeMap<&'static str, Evidence>,
    /// The purge run that works on it, while one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    purge_run: Option<RunOfTask>,
}

impl DestinationStatus {
    fn new(task: Task, evidence: &[Evidence], purge_run: Option<RunOfTask>) -> Self {
        let mine = || evidence.iter().filter(|e| e.destination_id.as_ref() == Some(&task.destination_id));
        let last = mine().map(|e| e.attempt).max();
        Self {
            evidence: by_step(mine().filter(|e| Some(e.attempt) == last))
                .into_iter()
                .map(|(step, evidence)| (step.as_str(), evidence))
                .collect(),
            name: task.name,
            id: task.destination_id,
            vendor: task.vendor,
            status: task.status.segment(),
            task_status: task.status,
            err_string: task.message.unwrap_or_default(),
            finished_at: task.finished_at,
            purge_run,
        }
    }
}

/// How far a regulation is, destination by destination.
#[utoipa::path(get, path = "/regulations/{id}", operation_id = "getRegulation", tag = "Regulations", params(("id" = RegulationId, Path)),
    responses((status = 200, description = "The regulation", body = Data<OneRegulation>)))]
pub async fn show(State(context): Shared, caller: Caller, Id(id): Id<RegulationId>) -> Reply<OneRegulation> {
    let regulation = find(&context, &id).await?;
    let evidence = context.store.evidence(&id).await?;
    let mut destination_status = Vec::new();
    for task in context.store.tasks(&id).await? {
        let run = runs::of_task(&context, &task).await?;
        destination_status.push(DestinationStatus::new(task, &evidence, run));
    }
    let shown = RegulationShown {
        covers: match caller.request_only() {
            None => Covers::of(&context, &regulation, &evidence).await?,
            Some(_) => Covers::default(),
        },
        identifiers_kept_until: regulation.identifiers_kept_until(),
        about: About::new(&regulation),
        case: Case::new(&regulation),
        id: regulation.id,
        workspace_id: context.workspace_id.clone(),
        overall_status: regulation.status,
        regulation_type: regulation.regulation_type,
        subject_type: regulation.subject_type,
        subject_count: regulation.subject_count,
        identifiers: regulation.identifiers,
        attempt: regulation.attempt,
        actor: regulation.actor,
        created_at: regulation.created_at,
        finished_at: regulation.finished_at,
        stream_status: vec![StreamStatus { id: context.workspace_id.clone(), destination_status }],
    };
    Ok(data(OneRegulation { regulation: shown }))
}

/// That a regulation was withdrawn (Segment's answer).
#[derive(Serialize, ToSchema)]
pub struct RegulationWithdrawn {
    #[schema(value_type = String, pattern = "^SUCCESS$", example = "SUCCESS")]
    status: &'static str,
}

/// Withdraws a regulation while it is `INITIALIZED`: nothing is done, its identifiers are dropped, and it stays in
/// the list as `INVALID`.
#[utoipa::path(delete, path = "/regulations/{id}", operation_id = "deleteRegulation", tag = "Regulations",
    params(("id" = RegulationId, Path)),
    responses((status = 200, description = "It is withdrawn", body = Data<RegulationWithdrawn>)))]
pub async fn withdraw(
    State(context): Shared,
    caller: Caller,
    Id(id): Id<RegulationId>,
) -> Reply<RegulationWithdrawn> {
    let regulation = find(&context, &id).await?;
    caller.may_regulate(&regulation)?;
    if !context.store.withdraw(&regulation, caller.id(), clock::now()).await? {
        return Err(Failure::invalid("the work on this regulation has begun: it cannot be withdrawn").into());
    }
    Ok(data(RegulationWithdrawn { status: "SUCCESS" }))
}

/// An attempt that began.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegulationAttempt {
    regulate_id: RegulationId,
    attempt: u32,
}

/// Runs again what failed, and only that.
#[utoipa::path(post, path = "/regulations/{id}/retry", operation_id = "retryRegulation", tag = "Regulations",
    params(("id" = RegulationId, Path)), responses((status = 200, description = "The attempt has begun", body = Data<RegulationAttempt>)))]
pub async fn retry(
    State(context): Shared,
    caller: Caller,
    Id(id): Id<RegulationId>,
) -> Reply<RegulationAttempt> {
    let mut regulation = find(&context, &id).await?;
    caller.may_regulate(&regulation)?;
    regulation.attempt = context.store.begin_attempt(&regulation, clock::now()).await?;
    // The attempt is recorded: if this call breaks off here, the next tick starts it.
    context.store.reset_failed(&regulation.id).await?;
    admission::start(&context.workflow, &regulation, 0).await;
    Ok(data(RegulationAttempt { regulate_id: regulation.id, attempt: regulation.attempt }))
}

pub async fn find(context: &Context, id: &RegulationId) -> Result<Regulation, ApiError> {
    let found = context.store.regulation(id).await?;
    found.ok_or_else(|| ApiError::not_found("there is no such regulation"))
}
