//! Changes the suppression list for a regulation, and records which ids the regulation covers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::people::spelled;
use crate::{Change, Store, to_item};
use model::destination::DestinationKind;
use model::failure::Result;
use model::person::SuppressionScope;
use model::regulation::{Regulation, Suppression};
use model::source::Sightings;
use model::subject::{Subject, SubjectType};

/// What gives the former user ids of people.
const LINKS: &str = "links";

/// The sort key of the item that records which ids a regulation covers, once this step is done.
const COVERED: &str = "COVERED";

/// Which ids a regulation covers, in numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Covered {
    /// Number of identifiers that the regulation names and the suppression list holds.
    pub subjects: u64,
    /// Number of their other ids that it acts on, too.
    pub linked: u64,
    /// Number of other ids that they share with others; it leaves these alone.
    pub shared: u64,
    /// Number of other ids that it leaves out: user ids, and all ids of a subject with too many.
    #[serde(default)]
    pub left_out: u64,
    /// The sources that saw any of them, with days.
    #[serde(default)]
    pub seen: Sightings,
}

impl Store {
    /// Suppresses the subjects of a regulation that suppresses, then their other ids: in this order, an event that
    /// links a new id to a subject is either seen here or dropped.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn keep_out(&self, regulation: &Regulation, subjects: &[Subject]) -> Result<()> {
        if regulation.regulation_type.suppression() != Some(Suppression::Add) {
            return Ok(());
        }
        let scope = scope(regulation);
        let change = change(regulation, &scope);
        self.suppress(subjects, &change).await?;
        self.suppress(&self.linked(subjects).await?.subjects, &linked_too(&change)).await
    }

    /// Takes back what [`keep_out`](Self::keep_out) did.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn let_in_again(&self, regulation: &Regulation, subjects: &[Subject]) -> Result<()> {
        if regulation.regulation_type.suppression() != Some(Suppression::Add) {
            return Ok(());
        }
        let scope = scope(regulation);
        let change = change(regulation, &scope);
        let linked = self.linked(subjects).await?.suppressible();
        self.take_back(&linked, &linked_too(&change)).await?;
        self.take_back(subjects, &change).await
    }

    /// The first step of the work on a regulation, done once: an attempt days later must not undo a later regulation.
    ///
    /// 1. Suppresses its subjects and their other ids, if that broke off when the request came; or lifts their
    ///    suppression.
    /// 2. Marks the subjects that are to be erased.
    /// 3. Stores their other ids, and counts the ids that it covers. With `resolves`, their former user ids are
    ///    stored with what warehouses will give.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn cover(&self, regulation: &Regulation, resolves: bool, now: Timestamp) -> Result<Covered> {
        let (id, kind) = (&regulation.id, regulation.regulation_type);
        if let Some(covered) = self.covered(regulation).await? {
            return Ok(covered);
        }
        let subjects = self.suppressible(id).await?;
        let scope = scope(regulation);
        let change = change(regulation, &scope);
        if kind.suppression() == Some(Suppression::Add) {
            self.suppress(&self.not_suppressed(&subjects, &change).await?, &change).await?;
        }
        let erases =
            kind.erases_from(DestinationKind::Archive) && regulation.subject_type != SubjectType::ObjectId;
        // Not before the request, by whichever clock: an event that came in before it is from before the erasure, and one
        // that came in since is suppressed.
        let erased_at = now.max(regulation.created_at);
        if erases {
            // First, as the suppression is: an event that links another id to them is seen below, or notes nothing.
            self.mark_erased(&subjects, &scope, erased_at).await?;
        }
        let mut linked = self.linked(&subjects).await?;
        if resolves {
            let people: Vec<_> = model::subject::people(&self.named(id).await?).collect();
            self.keep_resolved_by(id, LINKS, linked.resolve(&people)).await?;
        }
        let theirs = linked_too(&change);
        match kind.suppression() {
            Some(Suppression::Add) => {
                self.suppress(&self.not_suppressed(&linked.subjects, &theirs).await?, &theirs).await?;
            }
            Some(Suppression::Remove) => {
                self.unsuppress(&linked.suppressible(), &theirs).await?;
                self.unsuppress(&subjects, &change).await?;
            }
            None => {}
        }
        let everyone = [&subjects[..], &linked.subjects[..]].concat();
        if erases {
            self.mark_erased(&linked.subjects, &scope, erased_at).await?;
        }
        let covered = Covered {
            subjects: subjects.len() as u64,
            linked: linked.subjects.len() as u64,
            shared: linked.shared.len() as u64,
            left_out: linked.left_out.len() as u64,
            seen: self.people(&spelled(&everyone)).await?.seen(),
        };
        self.keep_linked(id, linked).await?;
        let item = to_item(id.as_str(), COVERED, &covered)?;
        self.put(&self.tables.regulations, item).await?;
        Ok(covered)
    }

    /// The index of the first of these subjects that is suppressed in the whole workspace, if any is.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn first_suppressed_everywhere(&self, subjects: &[Subject]) -> Result<Option<usize>> {
        let people = self.people(&spelled(subjects)).await?;
        Ok(subjects.iter().position(|subject| {
            let mut known = subject.spelled().filter_map(|one| people.get(&one));
            known.any(|person| person.all_scopes().contains(&SuppressionScope::Workspace))
        }))
    }

    /// Which ids a regulation covers; none before the work on it has begun.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn covered(&self, regulation: &Regulation) -> Result<Option<Covered>> {
        self.get(&self.tables.regulations, (regulation.id.as_str(), COVERED)).await
    }

    async fn not_suppressed(&self, subjects: &[Subject], change: &Change<'_>) -> Result<Vec<Subject>> {
        let subjects = spelled(subjects);
        let people = self.people(&subjects).await?;
        let is_out = |subject: &&Subject| {
            let Some(person) = people.get(subject) else { return false };
            let so_far = person.since.get(change.scope).is_some_and(|since| *since <= change.at);
            so_far
                && (person.scopes.contains(change.scope)
                    || change.by_link && person.linked_scopes.contains(change.scope))
        };
        Ok(subjects.iter().filter(|subject| !is_out(subject)).cloned().collect())
    }
}

pub(crate) fn scope(regulation: &Regulation) -> SuppressionScope {
    let source = regulation.part.as_ref().map(|part| part.source_id.clone());
    source.map_or(SuppressionScope::Workspace, SuppressionScope::Source)
}

pub(crate) fn change<'a>(regulation: &'a Regulation, scope: &'a SuppressionScope) -> Change<'a> {
    Change { scope, at: regulation.created_at, by: Some(&regulation.id), reason: None, by_link: false }
}

pub(crate) fn linked_too<'a>(change: &Change<'a>) -> Change<'a> {
    Change { by_link: true, ..change.clone() }
}
