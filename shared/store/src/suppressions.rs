//! The table `suppressions`: who is suppressed, where and since when.
//!
//! | sk | holds |
//! |---|---|
//! | `PERSON` | all that the door needs to know of a subject; listed if the whole workspace suppresses it |
//! | a source's id | that this source suppresses it; listed under the source |

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::{EntryChange, INDEXED};
use crate::people::{ERASED, OF, moment, subject_value};
use crate::{CONCURRENCY, Page, Store, failure, paging, person_key, text};
use model::failure::Result;
use model::id::RegulationId;
use model::person::SuppressionScope;
use model::subject::Subject;

/// The index by scope and date, for listing.
const BY_SCOPE: &str = "byScope";

/// A suppressed subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    /// Who is suppressed.
    pub subject: Subject,
    /// In the whole workspace, or at one source.
    pub scope: SuppressionScope,
    /// When the first request that suppresses it was made.
    pub suppressed_at: Timestamp,
    /// The regulation that asked for it; none, if `/suppressions` was called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regulation_id: Option<RegulationId>,
    /// Why, in the words of whoever asked for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Whether it is suppressed only as another id of somebody who is.
    #[serde(default)]
    pub by_link: bool,
}

/// A change of what is kept out.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// In the whole workspace, or at one source.
    pub scope: &'a SuppressionScope,
    /// When it was asked for. Of two changes the one asked for later counts, in whichever order they are carried out.
    pub at: Timestamp,
    /// The regulation that asks for it; none, if `/suppressions` was called.
    pub by: Option<&'a RegulationId>,
    /// Why, in the words of whoever asked for it.
    pub reason: Option<&'a str>,
    /// Whether the subjects are other ids of those whom the request names.
    pub by_link: bool,
}

impl Store {
    /// Suppresses subjects. Harmless for those who are: what was said of them first stands.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Some may then be
    /// suppressed and others not: call again.
    pub async fn suppress(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let writes: Vec<_> = subjects.iter().map(|subject| self.suppress_one(subject, change)).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        // Counted even if nobody is left to suppress: an attempt that broke off may have written them and not counted.
        self.count_change().await
    }

    async fn suppress_one(&self, subject: &Subject, change: &Change<'_>) -> Result<()> {
        let mut values = EntryChange::values(subject, change.at);
        values.insert(":scope".to_owned(), text(change.scope.as_str()));
        values.insert(":link".to_owned(), AttributeValue::Bool(change.by_link));
        // Whoever is suppressed by name stays so, whomever they belong to.
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
        // A later request suppresses them already. That this one did, too, must be known if the later one is withdrawn.
        let lower = EntryChange {
            update: lower,
            condition: Some(format!("{not_later} AND attribute_exists(#scope) AND suppressedAt > :at")),
            person: "SET #since = :at".to_owned(),
            values,
        };
        self.change_entry(subject, change.scope, lower).await.map(drop)
    }

    /// Lifts the suppression of subjects; whoever asked for it earlier suppresses them no more, even if that is carried out
    /// later. Those who belong to others are let in again only if they are kept out for that alone; lift them first, since
    /// their links may be forgotten with their users' suppression.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Some may then be
    /// lifted and others not: call again.
    pub async fn unsuppress(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let people = self.people(subjects).await?;
        let writes: Vec<_> = subjects
            .iter()
            .map(|subject| {
                let person = people.get(subject);
                self.lift(
                    subject,
                    change,
                    person.is_some_and(|person| person.since.contains_key(change.scope)),
                )
            })
            .collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        // What is still known of those who were erased meanwhile was kept for this alone.
        let erased = subjects.iter().filter(|subject| {
            people.get(subject).is_some_and(|person| {
                person
                    .since
                    .get(change.scope)
                    .is_some_and(|since| person.erased.get(change.scope) >= Some(since))
            })
        });
        self.forget_people(&erased.cloned().collect::<Vec<_>>(), change.at).await?;
        self.let_entries_expire(subjects, change.scope, change.at).await?;
        self.count_change().await
    }

    async fn lift(&self, subject: &Subject, change: &Change<'_>, suppressed: bool) -> Result<()> {
        let mut values = EntryChange::values(subject, change.at);
        values.insert(":link".to_owned(), AttributeValue::Bool(true));
        let mut condition = "(attribute_not_exists(askedAt) OR askedAt < :at)".to_owned();
        if change.by_link {
            condition += " AND (attribute_not_exists(#scope) OR byLink = :link)";
        }
        // What came in meanwhile and is still on its way must not be written now.
        let span = |since: &str| match suppressed {
            true => format!(", #from = if_not_exists({since}, :at), #until = :at"),
            false => String::new(),
        };
        let (on_entry, on_person) = match change.scope {
            SuppressionScope::Workspace => (span("suppressedAt"), String::new()),
            SuppressionScope::Source(_) => (String::new(), span("#since")),
        };
        let lift = EntryChange {
            update: format!("SET liftedAt = :at, {OF}{on_entry} {GONE}"),
            condition: Some(condition),
            person: format!("SET {OF}{on_person} {NOT_AT_SOURCE}"),
            values,
        };
        self.change_entry(subject, change.scope, lift).await.map(drop)
    }

    /// Takes back what a regulation suppressed that is withdrawn, or would suppress later: not what somebody else asked
    /// for, too.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn take_back(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let writes: Vec<_> = subjects.iter().map(|subject| self.take_one_back(subject, change)).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        self.let_entries_expire(subjects, change.scope, change.at).await?;
        self.count_change().await
    }

    async fn take_one_back(&self, subject: &Subject, change: &Change<'_>) -> Result<()> {
        let mut values = EntryChange::values(subject, change.at);
        values.insert(":link".to_owned(), AttributeValue::Bool(true));
        if let Some(by) = change.by {
            values.insert(":by".to_owned(), AttributeValue::Ss(vec![by.to_string()]));
            // First: it may be about to suppress them.
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
            true => "askedAt >= :at AND suppressedAt >= :at AND byLink = :link",
        };
        let take = EntryChange {
            update: format!("SET {OF} {GONE}"),
            condition: Some(condition.to_owned()),
            person: format!("SET {OF} {NOT_AT_SOURCE}"),
            values,
        };
        self.change_entry(subject, change.scope, take).await.map(drop)
    }

    /// Notes that subjects are to be erased: their events from before are not kept any more, wherever they are.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call. Call again.
    pub async fn mark_erased(
        &self,
        subjects: &[Subject],
        scope: &SuppressionScope,
        at: Timestamp,
    ) -> Result<()> {
        let writes: Vec<_> =
            subjects.iter().map(|subject| self.mark_one_erased(subject, scope, at)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.let_expire(subjects, at).await?;
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
            .expression_attribute_names("#erased", format!("{ERASED}{scope}"))
            .expression_attribute_values(":at", moment(at))
            .expression_attribute_values(":subject", subject_value(subject));
        update.send().await.map(drop).map_err(|e| failure(&e))
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
        let query = self
            .client
            .query()
            .table_name(&self.tables.suppressions)
            .index_name(BY_SCOPE)
            .key_condition_expression("#scope = :scope")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(scope.as_str()));
        paging::page(query, count, from).await
    }

    /// Where a subject is suppressed, since when and why.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn suppressions_of(&self, subject: &Subject) -> Result<Vec<Suppressed>> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.suppressions)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .filter_expression("attribute_exists(#scope)")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":pk", text(&person_key(subject)));
        paging::all(query).await
    }
}

/// What a suppression leaves behind on its entry once it is lifted: nothing.
const GONE: &str = "REMOVE #scope, suppressedAt, askedAt, regulationId, reason, byLink";
/// What it leaves behind on the person's item, if it was a source's.
const NOT_AT_SOURCE: &str = "REMOVE #since DELETE sources :source, linkedSources :source";
