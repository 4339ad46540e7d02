//! `/suppressions`: whose events are dropped when they are collected, in the whole workspace or at one source.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use model::failure::Failure;
use model::person::SuppressionScope;
use model::regulation::MAX_SUBJECTS;
use model::remark;
use model::source::SourceId;
use model::subject::{Subject, SubjectType, fault};
use model::suppression;
use serde::{Deserialize, Serialize};
use store::{Change, Suppressed};
use utoipa::ToSchema;

use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::middleware::Stated;
use crate::page::{Page, Pagination};
use crate::request::{Body, Whose};

/// The longest reason, in bytes.
const MAX_REASON: usize = 500;

/// A page of the suppression list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suppressions {
    suppressed: Vec<SuppressedGroup>,
    pagination: Page,
}

/// Suppressed subjects of one kind.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SuppressedGroup {
    subject_type: SubjectType,
    subject_ids: Vec<String>,
}

/// Suppressed subjects, the longest suppressed first.
#[utoipa::path(get, path = "/suppressions", operation_id = "listSuppressions", tag = "Suppressions",
    params(Whose, Pagination),
    responses((status = 200, description = "A page of them", body = Data<Suppressions>)))]
pub async fn list(State(context): Shared, whose: Whose, page: Pagination) -> Reply<Suppressions> {
    let found = context.store.suppressed(&whose.scope, page.count, page.cursor.as_deref()).await?;
    let mut suppressed: Vec<SuppressedGroup> = Vec::new();
    for entry in found.items {
        let (subject_type, id) = (entry.subject.kind, entry.subject.id);
        match suppressed.iter_mut().find(|group| group.subject_type == subject_type) {
            Some(group) => group.subject_ids.push(id),
            None => suppressed.push(SuppressedGroup { subject_type, subject_ids: vec![id] }),
        }
    }
    Ok(data(Suppressions { suppressed, pagination: page.followed_by(found.next)? }))
}

/// A person, by one of their ids.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Whom {
    /// The kind of identifier.
    #[serde(rename = "type", deserialize_with = "model::suppression::kind")]
    #[schema(value_type = String, pattern = "^(USER_ID|ANONYMOUS_ID|EMAIL|PHONE)$")]
    kind: SubjectType,
    /// The identifier, exactly as events carry it. An email address or a phone number may be given as the SHA-256 of its
    /// normal form, in hex, and is always answered so.
    #[schema(pattern = r"\S", max_length = 1024)]
    id: String,
}

impl Whom {
    /// Checks it and returns the subject as the suppression list holds it. `field` is the parameter that holds it.
    pub fn accept(self, field: &str) -> Result<Subject, ApiError> {
        let wrong = |fault: &str| invalid(&format!("{field}.id"), format!("{field}.id {fault}"));
        match fault(&self.id) {
            Some(fault) => Err(wrong(&fault)),
            None => suppression::held(self.kind, &self.id).map_err(wrong),
        }
    }
}

impl From<Subject> for Whom {
    fn from(subject: Subject) -> Self {
        Self { kind: subject.kind, id: subject.id }
    }
}

/// Whom to suppress, or whose suppression to lift.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "subjects": [{ "type": "ANONYMOUS_ID", "id": "a7" }], "reason": "asked by phone" }))]
pub struct SuppressionChange {
    /// The people, each by one of their ids.
    #[schema(min_items = 1, max_items = 5_000)]
    subjects: Vec<Whom>,
    /// At this source; in the whole workspace, if left out.
    source_id: Option<SourceId>,
    /// Why; shown beside the suppression and kept in the audit trail. It must name nobody: one that holds an identifier of the
    /// subjects, or what looks like an email address or a telephone number, is refused.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// What became of a change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuppressionChanged {
    /// How many distinct subjects it was about.
    subjects: usize,
    /// How many other ids of theirs it covers with them.
    linked: usize,
}

/// Checks each and returns the subjects, in order.
fn accept_all(subjects: Vec<Whom>) -> Result<Vec<Subject>, ApiError> {
    let subjects = subjects.into_iter().enumerate();
    subjects.map(|(place, whom)| whom.accept(&format!("subjects[{place}]"))).collect()
}

struct Accepted {
    subjects: Vec<Subject>,
    scope: SuppressionScope,
    reason: Option<String>,
}

impl SuppressionChange {
    async fn accept(self, context: &Context) -> Result<Accepted, ApiError> {
        if self.subjects.is_empty() || self.subjects.len() > MAX_SUBJECTS {
            return Err(invalid("subjects", format!("subjects must be 1 to {MAX_SUBJECTS}")));
        }
        if self.reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON) {
            return Err(invalid("reason", format!("reason has more than {MAX_REASON} bytes")));
        }
        let given: Vec<Subject> =
            self.subjects.iter().map(|whom| Subject { kind: whom.kind, id: whom.id.clone() }).collect();
        let fault = self.reason.as_deref().and_then(|reason| remark::fault(reason, &given));
        let mut subjects = accept_all(self.subjects)?;
        if let Some(fault) = fault {
            return Err(invalid("reason", format!("reason {fault}")));
        }
        let mut seen = std::collections::HashSet::new();
        subjects.retain(|subject| seen.insert(subject.clone()));
        let scope = scope(context, self.source_id).await?;
        Ok(Accepted { subjects, scope, reason: self.reason })
    }
}

/// The scope of a source, which must exist, or of the workspace.
async fn scope(context: &Context, source_id: Option<SourceId>) -> Result<SuppressionScope, ApiError> {
    match source_id {
        Some(id) if context.store.source(&id).await?.is_none() => {
            Err(invalid("sourceId", "there is no such source".to_owned()))
        }
        Some(id) => Ok(SuppressionScope::Source(id)),
        None => Ok(SuppressionScope::Workspace),
    }
}

/// Suppresses people, with all ids that are known to be theirs. It takes effect within a second of the answer.
#[utoipa::path(post, path = "/suppressions", operation_id = "addSuppressions", tag = "Suppressions",
    request_body = SuppressionChange,
    responses((status = 200, description = "They are kept out", body = Data<SuppressionChanged>)))]
pub async fn add(
    State(context): Shared,
    Body(request): Body<SuppressionChange>,
) -> Result<Changed, ApiError> {
    let accepted = request.accept(&context).await?;
    let change = accepted.change();
    let store = &context.store;
    store.suppress(&accepted.subjects, &change).await?;
    let linked = store.linked(&accepted.subjects).await?.subjects;
    store.suppress(&linked, &Change { by_link: true, ..change }).await?;
    Ok(accepted.changed(linked.len()))
}

/// Lifts the suppression of people, and of the ids that were suppressed because of them. What the whole workspace
/// suppresses cannot be lifted at a source.
#[utoipa::path(post, path = "/suppressions/lift", operation_id = "liftSuppressions", tag = "Suppressions",
    request_body = SuppressionChange,
    responses((status = 200, description = "They are let in", body = Data<SuppressionChanged>)))]
pub async fn lift(
    State(context): Shared,
    Body(request): Body<SuppressionChange>,
) -> Result<Changed, ApiError> {
    let accepted = request.accept(&context).await?;
    let change = accepted.change();
    let store = &context.store;
    if accepted.scope != SuppressionScope::Workspace
        && let Some(place) = store.first_suppressed_everywhere(&accepted.subjects).await?
    {
        let message = format!("subjects[{place}] is suppressed in the whole workspace: lift it there");
        return Err(invalid("subjects", message));
    }
    let linked = store.linked(&accepted.subjects).await?.suppressible();
    store.unsuppress(&linked, &Change { by_link: true, ..change.clone() }).await?;
    store.unsuppress(&accepted.subjects, &change).await?;
    Ok(accepted.changed(linked.len()))
}

/// The answer, and the reason for the audit trail.
type Changed = (Extension<Stated>, Json<Data<SuppressionChanged>>);

impl Accepted {
    fn changed(self, linked: usize) -> Changed {
        let changed = SuppressionChanged { subjects: self.subjects.len(), linked };
        (Extension(Stated(self.reason)), data(changed))
    }

    fn change(&self) -> Change<'_> {
        Change {
            scope: &self.scope,
            at: Timestamp::now(),
            by: None,
            reason: self.reason.as_deref(),
            by_link: false,
        }
    }
}

/// Who is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject": { "type": "USER_ID", "id": "u7" } }))]
pub struct SuppressionSearch {
    subject: Whom,
}

/// Where somebody is kept out.
#[derive(Serialize, ToSchema)]
pub struct SuppressionsFound {
    suppressions: Vec<SuppressionFound>,
}

/// That somebody is kept out somewhere.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuppressionFound {
    /// At which source; in the whole workspace, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<SourceId>,
    suppressed_at: Timestamp,
    /// By which regulation, if by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<model::id::RegulationId>)]
    regulation_id: Option<model::id::RegulationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Whether it is because the id belongs to somebody who is kept out.
    by_link: bool,
}

impl From<Suppressed> for SuppressionFound {
    fn from(entry: Suppressed) -> Self {
        Self {
            source_id: match entry.scope {
                SuppressionScope::Workspace => None,
                SuppressionScope::Source(id) => Some(id),
            },
            suppressed_at: entry.suppressed_at,
            regulation_id: entry.regulation_id,
            reason: entry.reason,
            by_link: entry.by_link,
        }
    }
}

/// Where somebody is kept out, since when and why. Asked with a body, since an identifier must not stand in a URL.
#[utoipa::path(post, path = "/suppressions/search", operation_id = "searchSuppressions", tag = "Suppressions",
    request_body = SuppressionSearch,
    responses((status = 200, description = "Nothing, if nowhere", body = Data<SuppressionsFound>)))]
pub async fn search(
    State(context): Shared,
    Body(request): Body<SuppressionSearch>,
) -> Reply<SuppressionsFound> {
    let subject = request.subject.accept("subject")?;
    let found = context.store.suppressions_of(&subject).await?;
    Ok(data(SuppressionsFound { suppressions: found.into_iter().map(SuppressionFound::from).collect() }))
}

/// The most subjects of one check.
const MAX_CHECKED: usize = 1_000;

/// Who is asked about.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "subjects": [{ "type": "USER_ID", "id": "u7" }, { "type": "EMAIL", "id": "ada@example.com" }], "sourceId": "web"
}))]
pub struct SuppressionCheck {
    /// The people, each by one of their ids.
    #[schema(min_items = 1, max_items = 1_000)]
    subjects: Vec<Whom>,
    /// Whether this source, too, suppresses them; the workspace alone, if left out.
    source_id: Option<SourceId>,
}

/// Who is kept out.
#[derive(Serialize, ToSchema)]
pub struct SuppressionsChecked {
    /// Whether each subject is, by name or because it belongs to somebody who is; in the order of the request.
    suppressed: Vec<bool>,
}

/// Whether each of these people is kept out now: for pipelines that pass Lethe by. Asked with a body, since an identifier
/// must not stand in a URL.
#[utoipa::path(post, path = "/suppressions/check", operation_id = "checkSuppressions", tag = "Suppressions",
    request_body = SuppressionCheck,
    responses((status = 200, description = "One answer per subject", body = Data<SuppressionsChecked>)))]
pub async fn check(
    State(context): Shared,
    Body(request): Body<SuppressionCheck>,
) -> Reply<SuppressionsChecked> {
    if request.subjects.is_empty() || request.subjects.len() > MAX_CHECKED {
        return Err(invalid("subjects", format!("subjects must be 1 to {MAX_CHECKED}")));
    }
    let subjects = accept_all(request.subjects)?;
    let spelled: Vec<Subject> = subjects.iter().flat_map(Subject::spelled).collect();
    let people = context.store.people(&spelled).await?;
    let wanted = [scope(&context, request.source_id).await?, SuppressionScope::Workspace];
    let is_out = |subject: &Subject| {
        let mut known = subject.spelled().filter_map(|one| people.get(&one));
        known.any(|person| wanted.iter().any(|scope| person.all_scopes().contains(scope)))
    };
    Ok(data(SuppressionsChecked { suppressed: subjects.iter().map(is_out).collect() }))
}

fn invalid(field: &str, message: String) -> ApiError {
    ApiError::from(Failure::invalid(message)).field(field)
}
