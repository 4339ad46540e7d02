//! The table `suppressions`: who is suppressed, where and since when.
//!
//! | sk | holds |
//! |---|---|
//! | `PERSON` | all that the door needs to know of a subject; listed if the whole workspace suppresses it |
//! | a source's id | that this source suppresses it; listed under the source |
//! | `LINK#…` | another id of this user |

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::people::{ERASED, EXISTS_SET, OF, SINCE, expiry, moment, subject_value};
use crate::{
    CONCURRENCY, PERSON, Page, Store, cursor, failure, first_refused, from_item, page_failure, person_key,
    start, text, unless_refused,
};
use model::failure::{Failure, Result};
use model::id::RegulationId;
use model::person::SuppressionScope;
use model::subject::Subject;

/// The index by scope and date, for listing.
const BY_SCOPE: &str = "byScope";

/// How many changes of the list are under way at once: the index takes 1,000 a second, and more would be throttled.
const INDEXED: usize = 10;

/// A suppressed subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    /// Who.
    pub subject: Subject,
    /// Where.
    pub scope: SuppressionScope,
    /// Since when.
    pub suppressed_at: Timestamp,
    /// By which regulation, if by one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub regulation_id: Option<RegulationId>,
    /// Why, as somebody put it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Whether it is suppressed because it belongs to somebody who is.
    #[serde(default)]
    pub by_link: bool,
}

/// A change of what is kept out.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// Where.
    pub scope: &'a SuppressionScope,
    /// When it was asked for. Of two changes the one that was asked for later counts, in whichever order they
    /// are carried out.
    pub at: Timestamp,
    /// By which regulation, if by one.
    pub by: Option<&'a RegulationId>,
    /// Why, as somebody put it.
    pub reason: Option<&'a str>,
    /// Whether the subjects belong to others, whom it is about.
    pub by_link: bool,
}

impl Store {
    /// Suppresses subjects. Harmless for those who are: what was said of them first stands.
    ///
    /// # Errors
    /// As DynamoDB says; some may then be suppressed and others not: call again.
    pub async fn suppress(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        if subjects.is_empty() {
            return Ok(());
        }
        let writes: Vec<_> = subjects.iter().map(|subject| self.suppress_one(subject, change)).collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        self.count_change().await
    }

    async fn suppress_one(&self, subject: &Subject, change: &Change<'_>) -> Result<()> {
        // Whoever is suppressed by name stays so, whomever they belong to.
        let link = if change.by_link { "if_not_exists(byLink, :link)" } else { ":link" };
        let mut set = format!(
            "SET #scope = :scope, suppressedAt = if_not_exists(suppressedAt, :at), askedAt = :at, byLink = {link}{EXISTS_SET}"
        );
        let mut values = Values::from([
            (":scope".to_owned(), text(change.scope.as_str())),
            (":at".to_owned(), moment(change.at)),
            (":link".to_owned(), AttributeValue::Bool(change.by_link)),
            (":subject".to_owned(), subject_value(subject)),
        ]);
        if let Some(by) = change.by {
            set += ", regulationId = if_not_exists(regulationId, :by)";
            values.insert(":by".to_owned(), text(by.as_str()));
        }
        if let Some(reason) = change.reason {
            set += ", reason = :reason";
            values.insert(":reason".to_owned(), text(reason));
        }
        let entry = Entry {
            update: set + " REMOVE expiresAt",
            condition: "(attribute_not_exists(liftedAt) OR liftedAt < :at) AND (attribute_not_exists(askedAt) OR askedAt < :at)",
            values,
        };
        let list = if change.by_link { "linkedSources" } else { "sources" };
        let person =
            format!("ADD {list} :source SET #since = if_not_exists(#since, :at), {OF} REMOVE expiresAt");
        self.change_entry(subject, change.scope, entry, &person).await
    }

    /// Suppresses an id that was met with a user who is suppressed, wherever that user is.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn suppress_linked(
        &self,
        subject: &Subject,
        scopes: &BTreeSet<SuppressionScope>,
    ) -> Result<()> {
        for scope in scopes {
            let change = Change { scope, at: Timestamp::now(), by: None, reason: None, by_link: true };
            self.suppress_one(subject, &change).await?;
        }
        Ok(())
    }

    /// Lifts the suppression of subjects. Harmless for those who are not suppressed. Those who belong to others are
    /// let in again only if they are kept out for that alone.
    ///
    /// # Errors
    /// As DynamoDB says; some may then be lifted and others not: call again.
    pub async fn unsuppress(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let condition = match change.by_link {
            false => "attribute_exists(pk) AND (attribute_not_exists(askedAt) OR askedAt < :at)",
            true => "byLink = :link",
        };
        self.lift(subjects, change, condition).await
    }

    /// Takes back what a regulation suppressed that is withdrawn: not what somebody else asked for, too.
    ///
    /// # Errors
    /// As DynamoDB says; call again.
    pub async fn take_back(&self, subjects: &[Subject], change: &Change<'_>) -> Result<()> {
        let condition = match change.by_link {
            false => "askedAt = :at AND suppressedAt = :at",
            true => "askedAt >= :at AND suppressedAt >= :at AND byLink = :link",
        };
        self.lift(subjects, change, condition).await
    }

    async fn lift(&self, subjects: &[Subject], change: &Change<'_>, condition: &'static str) -> Result<()> {
        let people = self.people(subjects).await?;
        let known = subjects.iter().filter_map(|subject| Some((subject, people.get(subject)?)));
        let writes: Vec<_> = known
            .map(|(subject, person)| {
                let mut values = Values::from([(":at".to_owned(), moment(change.at))]);
                if condition.contains(":link") {
                    values.insert(":link".to_owned(), AttributeValue::Bool(true));
                }
                let mut set = "SET liftedAt = :at".to_owned();
                let mut rest = "DELETE sources :source, linkedSources :source REMOVE #since".to_owned();
                if !person.is_learnt() && !person.is_suppressed_beside(change.scope) {
                    set += ", expiresAt = :expires";
                    rest.insert_str(0, "SET expiresAt = :expires ");
                    values.insert(":expires".to_owned(), expiry(change.at));
                }
                let update = set + " REMOVE #scope, suppressedAt, askedAt, regulationId, reason, byLink";
                let entry = Entry { update, condition, values };
                async move { self.change_entry(subject, change.scope, entry, &rest).await }
            })
            .collect();
        stream::iter(writes).buffer_unordered(INDEXED).try_collect::<()>().await?;
        self.count_change().await
    }

    /// Changes what is said of a subject in a scope, unless something was said later. What a source says stands in an
    /// item of its own, and the person names the source.
    async fn change_entry(
        &self,
        subject: &Subject,
        scope: &SuppressionScope,
        entry: Entry,
        person: &str,
    ) -> Result<()> {
        // An expression may name only what it uses.
        let names =
            entry.update.contains("#scope").then(|| [("#scope".to_owned(), "scope".to_owned())].into());
        let SuppressionScope::Source(source) = scope else {
            let update = self
                .update_person(subject)
                .update_expression(entry.update)
                .condition_expression(entry.condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(Some(entry.values));
            return unless_refused(update.send().await);
        };
        let update = |sk: &str| {
            let update = Update::builder().table_name(&self.tables.suppressions);
            update.key("pk", text(&person_key(subject))).key("sk", text(sk))
        };
        let mut values = Values::from([(":source".to_owned(), AttributeValue::Ss(vec![source.to_string()]))]);
        for name in [":at", ":subject", ":expires"] {
            if let (true, Some(value)) = (person.contains(name), entry.values.get(name)) {
                values.insert(name.to_owned(), value.clone());
            }
        }
        let entry = update(source.as_str())
            .update_expression(entry.update)
            .condition_expression(entry.condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(entry.values));
        let person = update(PERSON)
            .update_expression(person)
            .expression_attribute_names("#since", format!("{SINCE}{source}"))
            .set_expression_attribute_values(Some(values));
        let mut request = self.client.transact_write_items();
        for update in [entry, person] {
            let update =
                update.build().map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
            request = request.transact_items(TransactWriteItem::builder().update(update).build());
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if first_refused(&e) => Ok(()),
            Err(e) => Err(failure(&e)),
        }
    }

    /// Notes that subjects are to be erased: their events from before are not kept any more, wherever they are.
    ///
    /// # Errors
    /// As DynamoDB says; call again.
    pub async fn mark_erased(
        &self,
        subjects: &[Subject],
        scope: &SuppressionScope,
        at: Timestamp,
    ) -> Result<()> {
        let writes: Vec<_> =
            subjects.iter().map(|subject| self.mark_one_erased(subject, scope, at)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
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
            .update_expression(format!("SET #erased = :at{EXISTS_SET}"))
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
        let reply = self
            .client
            .query()
            .table_name(&self.tables.suppressions)
            .index_name(BY_SCOPE)
            .key_condition_expression("#scope = :scope")
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":scope", text(scope.as_str()))
            .limit(count)
            .set_exclusive_start_key(start(from)?)
            .send()
            .await
            .map_err(|e| page_failure(from, &e))?;
        let items = reply.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_>>()?;
        Ok(Page { items, next: cursor(reply.last_evaluated_key) })
    }

    /// Where a subject is suppressed, since when and why.
    ///
    /// # Errors
    /// As DynamoDB says.
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
        let items = query.into_paginator().items().send().try_collect().await.map_err(|e| failure(&e))?;
        items.into_iter().map(from_item).collect()
    }
}

/// A change of the item that says whether a scope suppresses a subject.
struct Entry {
    update: String,
    condition: &'static str,
    values: Values,
}

type Values = HashMap<String, AttributeValue>;
