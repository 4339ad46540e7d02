//! `POST /subjects/lookup`: what is known of a person. The query is in the body: an identifier must not be in a URL.

use std::collections::BTreeSet;

use axum::extract::State;
use model::source::{Recipient, SeenAt, Sightings, recipients};
use model::subject::Subject;
use model::token::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::context::{Context, Shared};
use crate::error::{ApiError, Data, Reply, data};
use crate::request::Body;
use crate::suppressions::{SuppressionFound, Whom};

/// Who is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject": { "type": "USER_ID", "id": "u7" } }))]
pub struct SubjectLookup {
    subject: Whom,
}

/// What is known of a person from events that came in through the tracking API.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectFound {
    /// The users that this id was met with; it is one of theirs, if there is one, and shared, if there are several.
    owners: Vec<Whom>,
    /// Other ids that are this person's alone.
    linked: Vec<Whom>,
    /// How many other ids this person shares with others.
    shared: u64,
    /// Ids that events linked to this person and that no regulation acts on without naming them: user ids, and all ids of
    /// a person with more than 20.
    left_out: Vec<Whom>,
    /// Which sources saw the person.
    #[schema(value_type = Vec<SeenAt>)]
    sources: Sightings,
    /// Which destinations those sources' events went to meanwhile.
    recipients: Vec<Recipient>,
    /// Where the person is suppressed; for tokens with the scope `suppressions:read`.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<Vec<SuppressionFound>>,
}

/// What is known of a person: other ids, the sources that saw them, the destinations that received their events, with
/// the first and the last day, and where they are kept out. Of an email address or a phone number only the last is known.
#[utoipa::path(post, path = "/subjects/lookup", operation_id = "lookUpSubject", tag = "Subjects",
    request_body = SubjectLookup,
    responses((status = 200, description = "What is known; nothing, of most", body = Data<SubjectFound>)))]
pub async fn look_up(
    State(context): Shared,
    caller: Caller,
    Body(request): Body<SubjectLookup>,
) -> Reply<SubjectFound> {
    let subject = request.subject.accept("subject")?;
    let store = &context.store;
    let linked = store.linked(std::slice::from_ref(&subject)).await?;
    let spelled: Vec<Subject> = subject.spelled().collect();
    let people = store.people(linked.subjects.iter().chain(&spelled)).await?;
    let owners: BTreeSet<&String> =
        spelled.iter().filter_map(|one| people.get(one)).flat_map(|person| &person.owners).collect();
    let owners = owners.into_iter().map(|id| Whom::from(Subject::user(id))).collect();
    let seen = people.seen();
    let suppressions = match caller.has(Scope::SuppressionsRead) {
        true => Some(store.suppressions_of(&subject).await?),
        false => None,
    };
    Ok(data(SubjectFound {
        recipients: who_received(&context, &seen).await?,
        sources: seen,
        owners,
        linked: linked.subjects.into_iter().map(Whom::from).collect(),
        shared: linked.shared.len() as u64,
        left_out: linked.left_out.into_iter().map(Whom::from).collect(),
        suppressions: suppressions.map(|found| found.into_iter().map(SuppressionFound::from).collect()),
    }))
}

/// The destinations that received what each source saw on these days.
pub async fn who_received(context: &Context, seen: &Sightings) -> Result<Vec<Recipient>, ApiError> {
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    Ok(recipients(seen, &context.store.sources().await?, &context.store.destinations().await?))
}

/// The bytes of identifiers that a list in an answer has at most: three lists and the subjects themselves (4 MB) stay below
/// the 6 MB that Lambda answers.
const SHOWN: usize = 512 << 10;

/// As many of these, from the first, as an answer shows. How many there are is said beside it.
pub fn shown(subjects: &[Subject]) -> &[Subject] {
    // As JSON: the identifier, its kind and the names of both.
    let sizes = subjects.iter().scan(0, |size, subject| {
        *size += subject.id.len() + 64;
        Some(*size)
    });
    &subjects[..sizes.take_while(|size| *size <= SHOWN).count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_many_is_cut_and_a_usual_one_is_not() {
        let many: Vec<_> = (0..100_000).map(|n| Subject::user(format!("user-{n}"))).collect();
        assert_eq!(shown(&many[..5_000]).len(), 5_000);
        let json: usize = shown(&many).iter().map(|subject| subject.id.len() + 40).sum();
        assert!(shown(&many).len() < many.len() && json < 600_000, "{json}");
        let long = vec![Subject::user("x".repeat(1_024)); 5_000];
        assert!((400..600).contains(&shown(&long).len()));
    }
}
