//! `POST /regulations?dryRun=true`: how much a regulation would reach, counted where the data is. Nothing is made,
//! suppressed or erased.

use std::collections::BTreeMap;
use std::time::Duration;

use destinations::cloud;
use futures::future::join_all;
use model::destination::{Destination, DestinationKind};
use model::id::DestinationId;
use model::probe::Probe;
use model::regulation::{Regulation, RegulationType};
use model::subject::{Named, Pseudonym, Subject, SubjectType, people, searched};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;

/// How long a destination may count: API Gateway waits for 29 seconds.
const COUNT_TIMEOUT: Duration = Duration::from_secs(25);

/// What a regulation would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    dry_run: bool,
    regulation_type: RegulationType,
    /// Number of people, or of objects.
    subject_count: usize,
    /// Number of identifiers by kind, if people are given by several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, usize>)]
    identifiers: BTreeMap<SubjectType, usize>,
    /// Their other ids, which would be treated the same way, by pseudonym, as the certificate will name them.
    #[schema(value_type = Vec<String>)]
    linked_subjects: Vec<Pseudonym>,
    /// How many these are.
    linked_count: usize,
    /// How many other ids of theirs are others', too, and would be left alone.
    shared_count: u64,
    /// Ids that events linked to them and that would be left out: user ids, and all ids of a subject with more than 20.
    #[schema(value_type = Vec<String>)]
    left_out: Vec<Pseudonym>,
    /// How many these are.
    left_out_count: usize,
    /// Every destination that it would reach.
    destinations: Vec<Reach>,
}

/// What it would find at one destination.
#[derive(Serialize, ToSchema)]
struct Reach {
    id: DestinationId,
    name: String,
    vendor: String,
    kind: DestinationKind,
    /// Rows of a warehouse or lines of an archive; null, if that cannot be said.
    #[schema(required)]
    count: Option<u64>,
    /// Why it cannot be said, or what there is to know of the count.
    reason: String,
}

/// Counts at every destination at once.
///
/// # Errors
/// `Transient`, if other ids of the subjects cannot be read.
pub async fn rehearse(
    context: &Context,
    regulation: &Regulation,
    named: &[Named],
    destinations: &[Destination],
) -> Result<DryRun, ApiError> {
    let subjects = searched(named);
    let linked = context.store.linked(&subjects).await?;
    let everyone = [&subjects[..], &linked.subjects].concat();
    let people: Vec<_> = people(named).collect();
    let counts =
        destinations.iter().map(|destination| reach(context, regulation, destination, &everyone, &people));
    let key = context.pseudonyms().await?;
    let named = |subjects: &[Subject]| subjects.iter().map(|one| key.pseudonym(one)).collect();
    Ok(DryRun {
        dry_run: true,
        regulation_type: regulation.regulation_type,
        subject_count: people.len(),
        identifiers: regulation.identifiers.clone(),
        linked_subjects: named(&linked.subjects),
        linked_count: linked.subjects.len(),
        shared_count: linked.shared,
        left_out: named(&linked.left_out),
        left_out_count: linked.left_out.len(),
        destinations: join_all(counts).await,
    })
}

async fn reach(
    context: &Context,
    regulation: &Regulation,
    destination: &Destination,
    subjects: &[Subject],
    people: &[Vec<Subject>],
) -> Reach {
    let (count, reason) = match destination.kind {
        DestinationKind::Cloud => (None, at_vendor(destination, people)),
        _ if subjects.is_empty() => (None, "nobody is given by a userId or anonymousIds".to_owned()),
        kind => {
            let (destination_id, part) = (destination.id.clone(), regulation.part.clone());
            let probe = Probe::Count { destination_id, subjects: subjects.to_vec(), part };
            match timeout(COUNT_TIMEOUT, context.workers.ask(kind, &probe)).await {
                Ok(Ok(finding)) => (finding.count(), finding.message),
                Ok(Err(failure)) => {
                    tracing::warn!(destination = %destination.id, detail = failure.detail, "{}", failure.public);
                    (None, failure.public)
                }
                Err(_) => (None, "counting takes longer than a call may last".to_owned()),
            }
        }
    };
    let Destination { id, name, vendor, kind, .. } = destination.clone();
    Reach { id, name, vendor, kind, count, reason }
}

/// How many people the vendor would be asked about.
fn at_vendor(destination: &Destination, people: &[Vec<Subject>]) -> String {
    let uncounted = format!("{} has no call that counts", destination.vendor);
    let Ok(vendor) = cloud::vendor(&destination.vendor) else { return uncounted };
    let is_known = |person: &&Vec<Subject>| !vendor.identifiers(person, &destination.settings).is_empty();
    match people.iter().filter(|person| !is_known(person)).count() {
        0 => uncounted,
        some => format!("{uncounted}; {}", vendor.missing(some, people.len(), &destination.settings)),
    }
}
