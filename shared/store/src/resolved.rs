//! Identifiers that a warehouse or an archive gave are suppressed with the people whose they are, and let in with them.
//!
//! A tie between such an identifier and one that the regulation names is stored on both items: in `resolved` of the named
//! one and in `resolvedFor` of the other. It lasts as long as the named one is suppressed.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Update};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::INDEXED;
use crate::people::{OF, key, spelled, subject_value};
use crate::{PERSON, Store, coverage, person_key, to_item};
use model::destination::DestinationKind;
use model::failure::Result;
use model::id::RegulationId;
use model::person::{People, SuppressionScope};
use model::regulation::{Regulation, Suppression};
use model::subject::{Named, Subject};
use model::suppression;

/// The sort key of the item that says that this step is done.
const COVERED: &str = "COVEREDRESOLVED";

/// That the step is done.
#[derive(Serialize, Deserialize)]
struct Done {}

/// An identifier that a warehouse or an archive gave, and one that a regulation names of the same person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tie {
    named: Subject,
    found: Subject,
}

impl Store {
    /// Suppresses the identifiers that warehouses and archives gave, if the regulation suppresses, and marks them, if it
    /// erases. Done once: an attempt days later must not undo a later regulation.
    ///
    /// Each is tied to its person first, which is refused once the person has been let in: whoever lifts the suppression
    /// afterwards finds the tie.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn cover_resolved(&self, regulation: &Regulation, now: Timestamp) -> Result<()> {
        let (id, kind) = (&regulation.id, regulation.regulation_type);
        let done: Option<Done> = self.get(&self.tables.regulations, (id.as_str(), COVERED)).await?;
        if done.is_some() {
            return Ok(());
        }
        let ties = self.ties(id).await?;
        let scope = coverage::scope(regulation);
        if kind.suppression() == Some(Suppression::Add) {
            let change = coverage::linked_too(&coverage::change(regulation, &scope));
            let writes: Vec<_> = ties.iter().map(|tie| self.tie(tie)).collect();
            let tied: Vec<bool> = stream::iter(writes).buffered(INDEXED).try_collect().await?;
            let theirs = ties.iter().zip(tied).filter(|(_, tied)| *tied).map(|(tie, _)| &tie.found);
            self.suppress(&distinct(theirs), &change).await?;
        }
        if kind.erases_from(DestinationKind::Archive) {
            // Whoever is named by a kind that the list does not hold has no ties, but what was found may be on the list.
            let found = self.resolved(id).await?.into_iter().filter(|named| named.person.is_some());
            let found: Vec<_> = found.flat_map(|named| suppression::of(&[named.subject])).collect();
            self.mark_erased(&distinct(found.iter()), &scope, now.max(regulation.created_at)).await?;
        }
        self.put(&self.tables.regulations, to_item(id.as_str(), COVERED, &Done {})?).await
    }

    /// The ties of a regulation, as the suppression list holds identifiers.
    async fn ties(&self, id: &RegulationId) -> Result<Vec<Tie>> {
        let mut named: BTreeMap<u32, Vec<Subject>> = BTreeMap::new();
        for (number, person) in (0..).zip(model::subject::people(&self.named(id).await?)) {
            named.insert(number, suppression::of(&person));
        }
        let mut ties = BTreeSet::new();
        for Named { person, subject } in self.resolved(id).await? {
            let Some(named) = person.and_then(|number| named.get(&number)) else { continue };
            for found in suppression::of(&[subject]).into_iter().filter(|found| !named.contains(found)) {
                ties.extend(named.iter().map(|named| Tie { named: named.clone(), found: found.clone() }));
            }
        }
        Ok(ties.into_iter().collect())
    }

    /// Ties two identifiers. Returns whether they are tied: not, if the named one is let in.
    async fn tie(&self, tie: &Tie) -> Result<bool> {
        let [named, found] = sides(tie);
        let named = named
            .update_expression("ADD resolved :members")
            .condition_expression("attribute_exists(#scope)")
            .expression_attribute_names("#scope", "scope");
        let found = found
            .update_expression(format!("ADD resolvedFor :members SET {OF} REMOVE expiresAt"))
            .expression_attribute_values(":subject", subject_value(&tie.found));
        self.update_pair([named, found]).await
    }

    /// Unties two identifiers, unless the named one is suppressed.
    async fn untie(&self, tie: &Tie) -> Result<()> {
        let [named, found] = sides(tie);
        let named = named
            .update_expression("DELETE resolved :members")
            .condition_expression("attribute_not_exists(#scope)")
            .expression_attribute_names("#scope", "scope");
        self.update_pair([named, found.update_expression("DELETE resolvedFor :members")]).await.map(drop)
    }

    /// Lets in what was suppressed with these subjects, who have been let in everywhere, unless somebody else who is
    /// suppressed has it, too.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub(crate) async fn lift_resolved(&self, subjects: &[Subject], change: &crate::Change<'_>) -> Result<()> {
        let subjects = spelled(subjects);
        let people = self.people(&subjects).await?;
        let mut ties = BTreeSet::new();
        for named in subjects.iter().filter(|named| !is_out(named, &people)) {
            let found = people.get(named).into_iter().flat_map(|person| person.resolved.clone());
            ties.extend(found.map(|found| Tie { named: named.clone(), found }));
        }
        let found = distinct(ties.iter().map(|tie| &tie.found));
        let known = self.people(&spelled(&found)).await?;
        let whose = |found: &Subject| -> BTreeSet<Subject> {
            let known = found.spelled().filter_map(|one| known.get(&one));
            known.flat_map(|person| person.resolved_for.clone()).collect()
        };
        let others: BTreeSet<Subject> = found.iter().flat_map(whose).collect();
        let others = self.people(&others).await?;
        let free = |found: &&Subject| !whose(found).iter().any(|one| is_out(one, &others));
        let free: Vec<Subject> = found.iter().filter(free).cloned().collect();
        self.lift_all(&free, &coverage::linked_too(change)).await?;
        let writes: Vec<_> = ties.iter().map(|tie| self.untie(tie)).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect().await
    }
}

fn is_out(subject: &Subject, people: &People) -> bool {
    people.get(subject).is_some_and(|person| person.scopes.contains(&SuppressionScope::Workspace))
}

fn distinct<'a>(subjects: impl Iterator<Item = &'a Subject>) -> Vec<Subject> {
    subjects.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// The named identifier's side, and that of the one which was found.
fn sides(tie: &Tie) -> [UpdateBuilder; 2] {
    [(&tie.named, &tie.found), (&tie.found, &tie.named)].map(|(item, member)| {
        let members = AttributeValue::Ss(vec![person_key(member)]);
        Update::builder().set_key(Some(key(item, PERSON))).expression_attribute_values(":members", members)
    })
}
