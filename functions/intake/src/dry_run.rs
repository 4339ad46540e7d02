//! `POST /regulations?dryRun=true`: how much a regulation would reach, counted where the data is. Nothing is made,
//! suppressed or erased.

use std::collections::BTreeMap;
use std::time::Duration;

use app::admission::resolves;
use destinations::cloud;
use futures::future::{join, join_all};
use model::destination::{Destination, DestinationKind};
use model::id::DestinationId;
use model::missing::Missing;
use model::probe::{Finding, Probe, Resolvable};
use model::regulation::{Regulation, RegulationType};
use model::resolved::{Resolved, ResolvedNumbers};
use model::subject::{Named, Pseudonym, Subject, SubjectType, people, searched};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;
use crate::subjects::shown;

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
    /// Their other ids, which would be treated the same way, by pseudonym, as the certificate will name them; the
    /// first of them, if they are very many.
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
    /// Number of identifiers by kind that warehouses and archives know of them beside those, and by which places would be
    /// asked, too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    resolved: BTreeMap<SubjectType, u64>,
    /// Number of identifiers by kind that stand with several people there, and would not be used.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, u64>)]
    resolved_shared: BTreeMap<SubjectType, u64>,
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
    let mut linked = context.store.linked(&subjects).await?;
    let people: Vec<_> = people(named).collect();
    let everyone = [people.concat(), linked.subjects.clone()].concat();
    let counts =
        destinations.iter().map(|destination| count(context, regulation, destination, &everyone, &people));
    let resolvers = destinations.iter().filter(|destination| resolves(regulation, destination));
    let resolved = resolvers.map(|destination| resolved(context, destination, &people));
    let (counts, resolved) = join(join_all(counts), join_all(resolved)).await;
    let (mut with_resolved, mut numbers) = (people.clone(), ResolvedNumbers::default());
    let mut unknown = Vec::new();
    let former = if resolved.is_empty() { Resolved::default() } else { linked.resolve(&people) };
    let place = |one: &Named| Some((usize::try_from(one.person?).ok()?, one.subject.kind));
    let former =
        Resolvable { found: former.found.iter().filter_map(place).collect(), ..Resolvable::default() };
    for resolved in resolved.into_iter().chain([Ok(former)]) {
        match resolved {
            Ok(Resolvable { found, shared }) => {
                let mut more = ResolvedNumbers { shared, ..ResolvedNumbers::default() };
                for (place, kind) in found {
                    // Which identifier it is, is not told; that there is one decides whether a vendor can be asked.
                    with_resolved[place].push(Subject { kind, id: String::new() });
                    *more.found.entry(kind).or_default() += 1;
                }
                numbers.add(&more);
            }
            Err(why) => unknown.push(why),
        }
    }
    let reach = |(destination, counted): (&Destination, Option<(Option<u64>, String)>)| {
        let (count, reason) = counted.unwrap_or_else(|| {
            let said = at_vendor(destination, &people, &with_resolved);
            (None, [&[said][..], &unknown[..]].concat().join("; "))
        });
        let Destination { id, name, vendor, kind, .. } = destination.clone();
        Reach { id, name, vendor, kind, count, reason }
    };
    let destinations = destinations.iter().zip(counts).map(reach).collect();
    let key = context.pseudonyms().await?;
    let named = |subjects: &[Subject]| shown(subjects).iter().map(|one| key.pseudonym(one)).collect();
    Ok(DryRun {
        dry_run: true,
        regulation_type: regulation.regulation_type,
        subject_count: people.len(),
        identifiers: regulation.identifiers.clone(),
        linked_subjects: named(&linked.subjects),
        linked_count: linked.subjects.len(),
        shared_count: linked.shared.len() as u64,
        left_out: named(&linked.left_out),
        left_out_count: linked.left_out.len(),
        resolved: numbers.found,
        resolved_shared: numbers.shared,
        destinations,
    })
}

/// What is counted at a destination, and what there is to know of it; nothing, if it is a vendor.
async fn count(
    context: &Context,
    regulation: &Regulation,
    destination: &Destination,
    subjects: &[Subject],
    people: &[Vec<Subject>],
) -> Option<(Option<u64>, String)> {
    if destination.kind == DestinationKind::Cloud {
        return None;
    }
    let (destination_id, part) = (destination.id.clone(), regulation.part.clone());
    let probe = Probe::Count { destination_id, subjects: subjects.to_vec(), part };
    Some(match ask(context, destination, &probe).await {
        Ok(finding) => counted(finding, people),
        Err(why) => (None, why),
    })
}

/// What a warehouse or an archive knows of people beside what they are given by, or why it cannot be said.
async fn resolved(
    context: &Context,
    place: &Destination,
    people: &[Vec<Subject>],
) -> Result<Resolvable, String> {
    let probe = Probe::Resolvable { destination_id: place.id.clone(), people: people.to_vec() };
    let unknown =
        |why| format!("other identifiers of the people cannot be looked up in {}: {why}", place.name);
    let finding = ask(context, place, &probe).await.map_err(unknown)?;
    if !finding.ok {
        return Err(unknown(finding.message));
    }
    let resolvable: Resolvable = serde_json::from_value(finding.details).unwrap_or_default();
    let is_known = |(person, _): &(usize, SubjectType)| *person < people.len();
    match resolvable.found.iter().all(is_known) {
        true => Ok(resolvable),
        false => Err(unknown("it answered about others".to_owned())),
    }
}

/// Asks a destination's function, or says why it did not answer.
async fn ask(context: &Context, destination: &Destination, probe: &Probe) -> Result<Finding, String> {
    match timeout(COUNT_TIMEOUT, context.workers.ask(destination.kind, probe)).await {
        Ok(Ok(finding)) => Ok(finding),
        Ok(Err(failure)) => {
            tracing::warn!(destination = %destination.id, detail = failure.detail, "{}", failure.public);
            Err(failure.public)
        }
        Err(_) => Err("counting takes longer than a call may last".to_owned()),
    }
}

/// What was counted, and who was not looked for.
fn counted(finding: Finding, people: &[Vec<Subject>]) -> (Option<u64>, String) {
    let (count, kinds) = (finding.count(), finding.kinds());
    match Missing::of(people, &kinds) {
        None => (count, finding.message),
        Some(missing) if missing.is_everyone() => (None, missing.to_string()),
        Some(missing) => (count, format!("{}; {missing}", finding.message)),
    }
}

/// How many people the vendor would be asked about only by what warehouses and archives know, and how many not at all.
fn at_vendor(destination: &Destination, people: &[Vec<Subject>], with_resolved: &[Vec<Subject>]) -> String {
    let mut said = vec![format!("{} has no call that counts", destination.vendor)];
    let Ok(vendor) = cloud::vendor(&destination.vendor) else { return said.remove(0) };
    let by = |person: &[Subject]| Some(vendor.identifiers(person, &destination.settings).first()?.kind);
    let (mut resolved, mut missing) = (BTreeMap::<_, usize>::new(), 0);
    for (person, with_resolved) in people.iter().zip(with_resolved) {
        match by(with_resolved) {
            None => missing += 1,
            found if found == by(person) => {}
            Some(kind) => *resolved.entry(kind).or_default() += 1,
        }
    }
    for (kind, count) in resolved {
        said.push(format!("would also be asked for {count} {kind} that your own data knows"));
    }
    if missing > 0 {
        said.push(vendor.missing(missing, people.len(), &destination.settings));
    }
    said.join("; ")
}
