//! The table `suppressions`: which subjects are suppressed, where and since when.
//!
//! | sk | holds |
//! |---|---|
//! | `PERSON` | all that `collect` needs to know of a subject; in the index, if the whole workspace suppresses it |
//! | a source's id | that this source suppresses the subject; in the index under the source |

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::{EntryChange, INDEXED, Values};
use crate::people::{ERASED, OF, moment, spelled, subject_value};
use crate::{CONCURRENCY, Page, Store, paging, person_key, text, unless_refused};
use model::failure::Result;
use model::id::RegulationId;
use model::person::{Person, REMEMBERED, SuppressionScope};
use model::subject::Subject;

/// The index by scope and date, for listing.
const BY_SCOPE: &str = "byScope";

/// A suppressed subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    /// The subject.
    pub subject: Subject,
    /// The whole workspace, or one source.
    pub scope: SuppressionScope,
    /// When the first request that suppresses it was made.
    pub suppressed_at: Timestamp,
    /// The regulation that asked for it; none, if `/suppressions` was called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regulation_id: Option<RegulationId>,
    /// The reason that the requester gave.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Whether it is suppressed only because it belongs to a suppressed subject.
    #[serde(default)]
    pub by_link: bool,
}

/// A change of the suppression list.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// The whole workspace, or one source.
    pub scope: &'a SuppressionScope,
    /// When it was asked for. Of two changes, the one asked for later counts, whichever is carried out first.
    pub at: Timestamp,
    /// The regulation that asks for it; none, if `/suppressions` was called.
    pub by: Option<&'a RegulationId>,
    /// The reason that the requester gave.
    pub reason: Option<&'a str>,
    /// Whether the subjects are other ids of those that the request names.
    pub by_link: bool,
}

impl Store {
    /// Suppresses subjects, UUIDs in each usual spelling: `collect` compares letter by letter. Those who are suppressed already
    /// keep what was first noted of them.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Some may then be
    /// suppressed and others not: call again.
    pub async fn suppress(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let subjects = spelled(subjects);
        let writes: Vec<_> = subjects.iter().map(|subject| self.suppress_one(subject, change)).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        // Counted even if nobody is left to suppress: an attempt that broke off may have written them without counting.
        self.count_change().await
    }

    async fn suppress_one(&self, subject: &Subject, change: &Change<'_>) -> Result<()> {
        let mut values = EntryChange::values(subject, change.at);
        values.insert(":scope".to_owned(), text(change.scope.as_str()));
        values.insert(":link".to_owned(), AttributeValue::Bool(change.by_link));
        // A subject that is suppressed by name stays so, even if it belongs to a suppressed user.
        let link = if change.by_link { "if_not_exists(byLink, :link)" } else { ":link" };
        let mut set = format!(
            "SET #scope = :scope, suppressedAt = if_not_exists(suppressedAt, :at), askedAt = :at, byLink = {link}, {OF}"
        );
        let mut not_later = "(attribute_not_exists(liftedAt) OR liftedAt < :at)".to_owned();
        let mut lower = "SET suppressedAt = :at".to_owned();
        if let Some(by) = change.by {
            set += ", regulationId = if_not_exists(regulationId, :by)";
            lower += ", regulationId = :by";
            not_later += " AND NOT contains(withdrawn, :by)";
            values.insert(":by".to_owned(), text(by.as_str()));
        }
        if let Some(reason) = change.reason {
            set += ", reason = :reason";
            values.insert(":reason".to_owned(), text(reason));
        }
        let list = if change.by_link { "linkedSources" } else { "sources" };
        let suppress = EntryChange {
            update: set + " REMOVE expiresAt",
            condition: Some(format!("{not_later} AND (attribute_not_exists(askedAt) OR askedAt < :at)")),
            person: format!(
                "ADD {list} :source SET #since = if_not_exists(#since, :at), {OF} REMOVE expiresAt"
            ),
            values: values.clone(),
        };
        if self.change_entry(subject, change.scope, suppress).await? {
            return Ok(());
        }
        // A later request suppresses them already. Note this one, too, in case the later one is withdrawn.
        let lower = EntryChange {
            update: lower,
            condition: Some(format!("{not_later} AND attribute_exists(#scope) AND suppressedAt > :at")),
            person: "SET #since = :at".to_owned(),
            values,
        };
        self.change_entry(subject, change.scope, lower).await.map(drop)
    }

    /// Lifts the suppression of subjects, even by requests made earlier and carried out later, and of what a warehouse knew
    /// of them. With `by_link`, lifts only what a link alone suppresses; lift that first, since links may be forgotten
    /// with their users' suppression.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Some may then be
    /// lifted and others not: call again.
    pub async fn unsuppress(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        self.lift_all(subjects, change).await?;
        if !change.by_link && *change.scope == SuppressionScope::Workspace {
            self.lift_resolved(subjects, change).await?;
        }
        self.count_change().await
    }

    pub(crate) async fn lift_all(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let subjects = spelled(subjects);
        let people = self.people(&subjects).await?;
        let writes: Vec<_> =
            subjects.iter().map(|subject| self.lift(subject, change, people.get(subject))).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        // What is still known of subjects erased meanwhile was kept for their suppression alone.
        let erased = subjects.iter().filter(|subject| {
            people.get(subject).is_some_and(|person| {
                person
                    .since
                    .get(change.scope)
                    .is_some_and(|since| person.erased.get(change.scope) >= Some(since))
            })
        });
        self.forget_people(&erased.cloned().collect::<Vec<_>>(), change.at).await?;
        self.let_entries_expire(&subjects, change.scope, change.at).await
    }

    async fn lift(&self, subject: &Subject, change: &Change<'_>, person: Option<&Person>) -> Result<()> {
        let mut values = EntryChange::values(subject, change.at);
        values.insert(":link".to_owned(), AttributeValue::Bool(true));
        let by_link = match change.by_link {
            true => " AND (attribute_not_exists(#scope) OR byLink = :link)",
            false => "",
        };
        let lift = |condition: &str, span: &str, values: Values| {
            let (on_entry, on_person) = match change.scope {
                SuppressionScope::Workspace => (span, ""),
                SuppressionScope::Source(_) => ("", span),
            };
            EntryChange {
                update: format!("SET liftedAt = :at, {OF}{on_entry} {GONE}"),
                condition: Some(format!("{condition}{by_link}")),
                person: format!("SET {OF}{on_person} {NOT_AT_SOURCE}"),
                values,
            }
        };
        if let Some(person) = person.filter(|person| person.since.contains_key(change.scope)) {
            // Events received while it was suppressed, and still on their way, must not be written now.
            let since = match change.scope {
                SuppressionScope::Workspace => "suppressedAt",
                SuppressionScope::Source(_) => "#since",
            };
            let mut span = format!(", #from = if_not_exists({since}, :at), #until = :at");
            let mut values = values.clone();
            if let Some(earlier) = earlier(person, change) {
                span += ", #earlier = :earlier";
                values.insert(":earlier".to_owned(), earlier);
            }
            // Only while it is suppressed: a write that is sent again must not make the period an empty one.
            if self.change_entry(subject, change.scope, lift("askedAt < :at", &span, values)).await? {
                return Ok(());
            }
        }
        let not_later = "(attribute_not_exists(askedAt) OR askedAt < :at) AND (attribute_not_exists(liftedAt) OR liftedAt < :at)";
        self.change_entry(subject, change.scope, lift(not_later, "", values)).await.map(drop)
    }

    /// Takes back what a withdrawn regulation suppressed, or would suppress later, but not what another request asked
    /// for, too.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn take_back(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let subjects = spelled(subjects);
        let writes: Vec<_> = subjects.iter().map(|subject| self.take_one_back(subject, change)).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        self.let_entries_expire(&subjects, change.scope, change.at).await?;
        self.count_change().await
    }

    async fn take_one_back(&self, subject: &Subject, change: &Change<'_>) -> Result<()> {
        let mut values = EntryChange::values(subject, change.at);
        values.insert(":link".to_owned(), AttributeValue::Bool(true));
        if let Some(by) = change.by {
            values.insert(":by".to_owned(), AttributeValue::Ss(vec![by.to_string()]));
            // First, since the regulation may be about to suppress them.
            let note = EntryChange {
                update: format!("ADD withdrawn :by SET {OF}"),
                condition: None,
                person: format!("SET {OF}"),
                values: values.clone(),
            };
            self.change_entry(subject, change.scope, note).await?;
        }
        let condition = match change.by_link {
            false => "askedAt = :at AND suppressedAt = :at",
            true => "askedAt = :at AND suppressedAt = :at AND byLink = :link",
        };
        let take = EntryChange {
            update: format!("SET {OF} {GONE}"),
            condition: Some(condition.to_owned()),
            person: format!("SET {OF} {NOT_AT_SOURCE}"),
            values,
        };
        self.change_entry(subject, change.scope, take).await.map(drop)
    }

    /// Notes that subjects are to be erased: events received before are dropped, wherever they are.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn mark_erased(
        &self,
        subjects: &[Subject],
        scope: &SuppressionScope,
        at: Timestamp,
    ) -> Result<()> {
        let subjects = spelled(subjects);
        let writes: Vec<_> =
            subjects.iter().map(|subject| self.mark_one_erased(subject, scope, at)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.let_expire(&subjects, at).await?;
        self.count_change().await
    }

    async fn mark_one_erased(
        &self,
        subject: &Subject,
        scope: &SuppressionScope,
        at: Timestamp,
    ) -> Result<()> {
        let update = self
            .update_person(subject)
            .update_expression(format!("SET #erased = :at, {OF}"))
            // An earlier erasure that is slower, or whose write is sent again, must not let in what a later one keeps out.
            .condition_expression("attribute_not_exists(#erased) OR #erased < :at")
            .expression_attribute_names("#erased", format!("{ERASED}{scope}"))
            .expression_attribute_values(":at", moment(at))
            .expression_attribute_values(":subject", subject_value(subject));
        unless_refused(update.send().await)
    }

    /// Subjects that a scope suppresses, in the order in which they were suppressed.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn suppressed(
        &self,
        scope: &SuppressionScope,
        count: i32,
        from: Option<&str>,
    ) -> Result<Page<Suppressed>> {
        paging::page(self.by_scope(scope), count, from).await
    }

    /// The next `count` subjects that a scope suppresses, or those that are left, in the order of
    /// [`suppressed`](Self::suppressed).
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn suppressed_subjects(
        &self,
        scope: &SuppressionScope,
        count: usize,
        from: Option<&str>,
    ) -> Result<Page<Subject>> {
        #[derive(Deserialize)]
        struct Entry {
            subject: Subject,
        }
        let mut found = Page { items: Vec::new(), next: from.map(str::to_owned) };
        loop {
            let left = i32::try_from(count - found.items.len()).unwrap_or(i32::MAX);
            let query = self.by_scope(scope).projection_expression("subject");
            let page: Page<Entry> = paging::page(query, left, found.next.as_deref()).await?;
            found.items.extend(page.items.into_iter().map(|entry| entry.subject));
            found.next = page.next;
            if found.next.is_none() || found.items.len() >= count {
                return Ok(found);
            }
        }
    }

    fn by_scope(&self, scope: &SuppressionScope) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.suppressions)
            .index_name(BY_SCOPE)
            .key_condition_expression("#scope = :scope")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(scope.as_str()))
    }

    /// The suppressions of a subject, in any spelling: where, since when and why.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn suppressions_of(&self, subject: &Subject) -> Result<Vec<Suppressed>> {
        for subject in subject.spelled() {
            let query = self
                .client
                .query()
                .table_name(&self.tables.suppressions)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .filter_expression("attribute_exists(#scope)")
                .expression_attribute_names("#scope", "scope")
                .expression_attribute_values(":pk", text(&person_key(&subject)));
            let found: Vec<_> = paging::all(query).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// The periods in which a person was suppressed before, of which events may still be on their way.
fn earlier(person: &Person, change: &Change<'_>) -> Option<AttributeValue> {
    let periods =
        person.kept_out.get(change.scope)?.iter().filter(|(_, until)| *until > change.at - REMEMBERED);
    let periods: BTreeSet<String> = periods.map(|(from, until)| format!("{from:.9}/{until:.9}")).collect();
    (!periods.is_empty()).then_some(AttributeValue::Ss(periods.into_iter().collect()))
}

/// Removes a suppression from its entry.
const GONE: &str = "REMOVE #scope, suppressedAt, askedAt, regulationId, reason, byLink";
/// Removes a source's suppression from the person's item.
const NOT_AT_SOURCE: &str = "REMOVE #since DELETE sources :source, linkedSources :source";
