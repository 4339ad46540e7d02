//! The table `suppressions`: who is suppressed, where and since when.
//!
//! | sk | holds |
//! |---|---|
//! | `PERSON` | all that the door needs to know of a subject; listed if the whole workspace suppresses it |
//! | a source's id | that this source suppresses it; listed under the source |
//! | `LINK#…` | another id of this user |

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::people::{EXISTS_SET, subject_value};
use super::{CONCURRENCY, PERSON, Page, Store, cursor, failure, from_item, person_key, start, text, to_item};
use crate::failure::{Failure, Result};
use crate::id::RegulationId;
use crate::person::Scope;
use crate::source::SourceId;
use crate::subject::Subject;

/// The index by scope and date, for listing.
const BY_SCOPE: &str = "byScope";

/// A suppressed subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    /// Who.
    pub subject: Subject,
    /// Where.
    pub scope: Scope,
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
    pub scope: &'a Scope,
    /// When.
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
        let people = self.people(subjects).await?;
        let is_new = |subject: &&Subject| {
            people
                .get(subject)
                .is_none_or(|p| !p.scopes.contains(change.scope) || (p.by_link && !change.by_link))
        };
        let writes: Vec<_> =
            subjects.iter().filter(is_new).map(|subject| self.suppress_one(subject, change)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.count_change().await
    }

    async fn suppress_one(&self, subject: &Subject, change: &Change<'_>) -> Result<()> {
        match change.scope {
            Scope::Workspace => {
                let mut set = format!(
                    "SET #scope = :scope, suppressedAt = if_not_exists(suppressedAt, :at), byLink = :link{EXISTS_SET}"
                );
                let mut update = self.update_person(subject);
                if let Some(by) = change.by {
                    set += ", regulationId = if_not_exists(regulationId, :by)";
                    update = update.expression_attribute_values(":by", text(by.as_str()));
                }
                if let Some(reason) = change.reason {
                    set += ", reason = :reason";
                    update = update.expression_attribute_values(":reason", text(reason));
                }
                let update = update
                    .update_expression(set + " REMOVE expiresAt")
                    .expression_attribute_names("#scope", "scope")
                    .expression_attribute_values(":scope", text(change.scope.as_str()))
                    .expression_attribute_values(":at", text(&change.at.to_string()))
                    .expression_attribute_values(":link", AttributeValue::Bool(change.by_link))
                    .expression_attribute_values(":subject", subject_value(subject));
                update.send().await.map_err(|e| failure(&e))?;
            }
            Scope::Source(source) => {
                let entry = Suppressed {
                    subject: subject.clone(),
                    scope: change.scope.clone(),
                    suppressed_at: change.at,
                    regulation_id: change.by.cloned(),
                    reason: change.reason.map(str::to_owned),
                    by_link: change.by_link,
                };
                let item = to_item(&person_key(subject), source.as_str(), &entry)?;
                let put = Put::builder().table_name(&self.tables.suppressions).set_item(Some(item));
                let put = put.build().map_err(unbuildable)?;
                let set = format!("ADD sources :source SET byLink = :link{EXISTS_SET} REMOVE expiresAt");
                let update = self
                    .person_update(subject)
                    .update_expression(set)
                    .expression_attribute_values(":source", one(source))
                    .expression_attribute_values(":link", AttributeValue::Bool(change.by_link))
                    .expression_attribute_values(":subject", subject_value(subject));
                self.both(TransactWriteItem::builder().put(put).build(), update).await?;
            }
        }
        Ok(())
    }

    /// Suppresses an id that was met with a user who is suppressed, wherever that user is.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn suppress_linked(&self, subject: &Subject, scopes: &BTreeSet<Scope>) -> Result<()> {
        for scope in scopes {
            let change = Change { scope, at: Timestamp::now(), by: None, reason: None, by_link: true };
            self.suppress_one(subject, &change).await?;
        }
        Ok(())
    }

    /// Notes that subjects are to be erased: their events from before are not kept any more, wherever they are.
    ///
    /// # Errors
    /// As DynamoDB says; call again.
    pub async fn mark_erased(&self, subjects: &[Subject], at: Timestamp) -> Result<()> {
        let writes: Vec<_> = subjects.iter().map(|subject| self.mark_one_erased(subject, at)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.count_change().await
    }

    async fn mark_one_erased(&self, subject: &Subject, at: Timestamp) -> Result<()> {
        let update = self
            .update_person(subject)
            .update_expression(format!("SET erasedAt = :at{EXISTS_SET}"))
            .expression_attribute_values(":at", text(&at.to_string()))
            .expression_attribute_values(":subject", subject_value(subject));
        update.send().await.map(drop).map_err(|e| failure(&e))
    }

    /// Lifts the suppression of subjects. Harmless for those who are not suppressed.
    ///
    /// # Errors
    /// As DynamoDB says; some may then be lifted and others not: call again.
    pub async fn unsuppress(&self, subjects: &[Subject], scope: &Scope) -> Result<()> {
        let people = self.people(subjects).await?;
        let suppressed = subjects.iter().filter(|s| people.get(s).is_some_and(|p| p.scopes.contains(scope)));
        let writes: Vec<_> = suppressed.map(|subject| self.unsuppress_one(subject, scope)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        self.count_change().await
    }

    async fn unsuppress_one(&self, subject: &Subject, scope: &Scope) -> Result<()> {
        match scope {
            Scope::Workspace => {
                let update = self
                    .update_person(subject)
                    .update_expression("REMOVE #scope, suppressedAt, regulationId, reason, byLink")
                    .expression_attribute_names("#scope", "scope");
                update.send().await.map_err(|e| failure(&e))?;
                Ok(())
            }
            Scope::Source(source) => {
                let delete = Delete::builder()
                    .table_name(&self.tables.suppressions)
                    .key("pk", text(&person_key(subject)))
                    .key("sk", text(source.as_str()));
                let delete = delete.build().map_err(unbuildable)?;
                let update = self
                    .person_update(subject)
                    .update_expression("DELETE sources :source")
                    .expression_attribute_values(":source", one(source));
                self.both(TransactWriteItem::builder().delete(delete).build(), update).await
            }
        }
    }

    /// Subjects that a scope suppresses, in the order in which they were suppressed.
    ///
    /// # Errors
    /// `Invalid` for a cursor that was never given out.
    pub async fn suppressed(
        &self,
        scope: &Scope,
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
            .map_err(|e| failure(&e))?;
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

    fn person_update(&self, subject: &Subject) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        let update = Update::builder().table_name(&self.tables.suppressions);
        update.key("pk", text(&person_key(subject))).key("sk", text(PERSON))
    }

    /// Writes a source's entry and the person together.
    async fn both(
        &self,
        entry: TransactWriteItem,
        update: aws_sdk_dynamodb::types::builders::UpdateBuilder,
    ) -> Result<()> {
        let update = update.build().map_err(unbuildable)?;
        let request = self.client.transact_write_items().transact_items(entry);
        let request = request.transact_items(TransactWriteItem::builder().update(update).build());
        request.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }
}

fn one(source: &SourceId) -> AttributeValue {
    AttributeValue::Ss(vec![source.to_string()])
}

fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> Failure {
    Failure::permanent("a write cannot be built").detail(error)
}
