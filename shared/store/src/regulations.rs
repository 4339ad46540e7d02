//! A regulation in the table `regulations`, and its status. Its subjects, tasks and evidence are beside it under its
//! id.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;

use crate::subjects::{SUBJECTS, chunked};
use crate::tasks::task_key;
use crate::{
    Store, failure, first_refused, if_held, is_cancelled, number, text, to_item, unless_refused, value,
};
use lambda::clock::sleep;
use model::destination::MAX_CONNECTED;
use model::failure::{Failure, Result};
use model::id::{RegulationId, TokenId};
use model::regulation::{Extension, Regulation};
use model::status::{Status, TaskStatus};
use model::subject::Named;
use model::suppression;
use model::task::Task;

/// The most items of one transaction (DynamoDB's limit).
const TRANSACTION: usize = 100;

pub(crate) const META: &str = "META";
/// The value of `list` under which all regulations are in the index by date.
pub(crate) const LIST: &str = "REGULATION";
/// Of a regulation whose clock runs: by when it must be answered. The index of deadlines sorts by it.
pub(crate) const DUE_BY: &str = "dueBy";

impl Store {
    /// Stores a new regulation with its subjects and tasks, all or nothing. Harmless when it is stored already. With
    /// `only_of`, binds that request-only token to it in the same transaction. Returns whether it is stored: not, if
    /// the token has made another.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call; `Invalid`, if the
    /// regulation was stored before and withdrawn, or has more tasks than one transaction takes. Nothing is stored
    /// then.
    pub async fn create(
        &self,
        regulation: &Regulation,
        subjects: impl IntoIterator<Item: Into<Named>>,
        tasks: &[Task],
        only_of: Option<&TokenId>,
    ) -> Result<bool> {
        let pk = regulation.id.as_str();
        let mut meta = to_item(pk, META, regulation)?;
        meta.insert("list".into(), text(LIST));
        meta.insert("waitsSince".into(), value(&regulation.created_at)?);
        if let Some(clock) = &regulation.clock {
            meta.insert(DUE_BY.into(), value(&clock.due_at)?);
        }
        let mut items = vec![meta];
        items.extend(chunked(&regulation.id, SUBJECTS, subjects)?);
        for task in tasks {
            items.push(to_item(pk, &task_key(&task.destination_id), task)?);
        }
        let unbuildable = |e| Failure::permanent("a write cannot be built").detail(e);
        let mut writes = Vec::new();
        if let Some(token) = only_of {
            let bind = self.binding(token, &regulation.id).build().map_err(unbuildable)?;
            writes.push(TransactWriteItem::builder().update(bind).build());
        }
        for item in items {
            let put = Put::builder()
                .table_name(&self.tables.regulations)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(unbuildable)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        if writes.len() > TRANSACTION {
            let message =
                format!("a regulation may reach {MAX_CONNECTED} destinations: disable some of them");
            return Err(Failure::invalid(message));
        }
        let mut pauses = [50, 200, 800].into_iter();
        loop {
            let request = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let Err(error) = request.send().await else { return Ok(true) };
            if only_of.is_some() && first_refused(&error) {
                return Ok(false);
            }
            if let Some(stored) = self.regulation(&regulation.id).await? {
                tracing::info!(regulation = %regulation.id, code = error.code(), "stored before");
                return match stored.status {
                    Status::Invalid => {
                        Err(Failure::invalid("this regulation was made before and is withdrawn"))
                    }
                    _ => Ok(true),
                };
            }
            // Requests with the same token collided: one of them wins.
            match pauses.next().filter(|_| only_of.is_some() && is_cancelled(&error)) {
                Some(pause) => sleep(Duration::from_millis(pause)).await,
                None => return Err(failure(&error)),
            }
        }
    }

    /// A regulation.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn regulation(&self, id: &RegulationId) -> Result<Option<Regulation>> {
        self.get(&self.tables.regulations, (id.as_str(), META)).await
    }

    /// Ends an attempt of a regulation, and keeps with it the outcome that the regulation is given with. One that has
    /// ended, or was followed by another, stays as it is. The law's clock runs on, unless nothing is left to retry.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn end_attempt(&self, regulation: &Regulation, status: Status, at: Timestamp) -> Result<()> {
        let stops = if status.drops_identifiers() { ", dueBy" } else { "" };
        let set = if regulation.outcome.is_some() { ", outcome = :outcome" } else { "" };
        let mut request = self
            .update_meta(&regulation.id)
            .condition_expression("attempt = :attempt AND #status = :running")
            .update_expression(format!(
                "SET #status = :status, finishedAt = :at{set} REMOVE waitsSince{stops}"
            ));
        if let Some(outcome) = &regulation.outcome {
            request = request.expression_attribute_values(":outcome", value(outcome)?);
        }
        let request = request
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":attempt", number(regulation.attempt.into()))
            .expression_attribute_values(":running", value(&Status::Running)?)
            .expression_attribute_values(":status", value(&status)?)
            .expression_attribute_values(":at", value(&at)?);
        unless_refused(request.send().await)
    }

    /// Notes that the work on a regulation begins. Returns whether it may: not, if it was withdrawn.
    ///
    /// # Errors
    /// As [`Store::regulation`].
    pub async fn begin_regulation(&self, id: &RegulationId) -> Result<bool> {
        Ok(self.leave_initialized(id, Status::Running, None).await?
            || self.regulation(id).await?.is_some_and(|regulation| regulation.status != Status::Invalid))
    }

    /// Withdraws a regulation on which no work has begun: takes back its suppressions and drops its subjects. Finishes
    /// a withdrawal that broke off. Returns whether it is withdrawn.
    ///
    /// # Errors
    /// As [`Store::regulation`]; call again.
    pub async fn withdraw(&self, regulation: &Regulation, by: &str, at: Timestamp) -> Result<bool> {
        let id = &regulation.id;
        let withdrawn = self.leave_initialized(id, Status::Invalid, Some((by, at))).await?;
        if !withdrawn && regulation.status != Status::Invalid {
            return Ok(false);
        }
        let named = self.named(id).await?;
        self.let_in_again(regulation, &suppression::of(named.iter().map(|one| &one.subject))).await?;
        self.drop_subjects(id).await?;
        Ok(withdrawn || !named.is_empty())
    }

    /// Either the work begins or the regulation is withdrawn, never both. One that begins stays in the index of those
    /// under way, so that it is taken up again if its execution is lost.
    async fn leave_initialized(
        &self,
        id: &RegulationId,
        status: Status,
        withdrawn: Option<(&str, Timestamp)>,
    ) -> Result<bool> {
        // The client may send a write twice, as the first answer was lost: it meets its own time then.
        let condition = match withdrawn {
            Some(_) => "#status = :initialized OR finishedAt = :at",
            None => "#status = :initialized",
        };
        let request = self
            .update_meta(id)
            .condition_expression(condition)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":initialized", value(&Status::Initialized)?)
            .expression_attribute_values(":status", value(&status)?);
        let request = match withdrawn {
            Some((by, at)) => request
                .update_expression(
                    "SET #status = :status, finishedAt = :at, cancelledAt = :at, cancelledBy = :by REMOVE waitsSince, dueBy",
                )
                .expression_attribute_values(":by", text(by))
                .expression_attribute_values(":at", value(&at)?),
            None => request.update_expression("SET #status = :status"),
        };
        if_held(request.send().await)
    }

    /// Extends the time to answer, and moves the regulation in the list of deadlines. Returns whether it is extended so: not,
    /// if it was extended otherwise, or its clock runs no longer.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn extend(&self, id: &RegulationId, extension: &Extension) -> Result<bool> {
        let request = self
            .update_meta(id)
            // Or it is this very write, which the client sends again, as the first answer was lost.
            .condition_expression(
                "(attribute_exists(dueBy) AND attribute_not_exists(extension)) OR extension = :extension",
            )
            .update_expression("SET extension = :extension, dueAt = :due, dueBy = :due")
            .expression_attribute_values(":extension", value(extension)?)
            .expression_attribute_values(":due", value(&extension.due_at)?);
        if_held(request.send().await)
    }

    /// Stops the clock of a regulation that failed and whose identifiers are dropped: nothing can be retried.
    pub(crate) async fn stop_clock(&self, id: &RegulationId) -> Result<()> {
        let request = self
            .update_meta(id)
            .condition_expression("#status IN (:failed, :partial)")
            .update_expression("REMOVE dueBy")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":failed", value(&Status::Failed)?)
            .expression_attribute_values(":partial", value(&Status::PartialSuccess)?);
        unless_refused(request.send().await)
    }

    /// Begins another attempt of a regulation that failed somewhere; [`Store::reset_failed`] comes next. Returns the
    /// number of the attempt.
    ///
    /// # Errors
    /// `Invalid`, if nothing failed, another attempt is under way, or its identifiers are kept no longer; otherwise as
    /// [`Store::end_attempt`].
    pub async fn begin_attempt(&self, regulation: &Regulation, now: Timestamp) -> Result<u32> {
        if !matches!(regulation.status, Status::Failed | Status::PartialSuccess) {
            return Err(Failure::invalid("nothing of this regulation failed: there is nothing to retry"));
        }
        if let Some(until) = regulation.identifiers_kept_until().filter(|until| *until <= now) {
            let message =
                format!("its identifiers were kept until {until} and are dropped: make a new regulation");
            return Err(Failure::invalid(message));
        }
        let attempt = regulation.attempt + 1;
        let request = self
            .update_meta(&regulation.id)
            // Or it is this very write, which the client sends again, as the first answer was lost.
            .condition_expression(
                "(attempt = :before AND #status IN (:failed, :partial)) OR (attempt = :attempt AND waitsSince = :now)",
            )
            .update_expression(
                "SET #status = :status, attempt = :attempt, waitsSince = :now REMOVE finishedAt, outcome",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", value(&Status::Running)?)
            .expression_attribute_values(":failed", value(&Status::Failed)?)
            .expression_attribute_values(":partial", value(&Status::PartialSuccess)?)
            .expression_attribute_values(":now", value(&now)?)
            .expression_attribute_values(":before", number(regulation.attempt.into()))
            .expression_attribute_values(":attempt", number(attempt.into()));
        match if_held(request.send().await)? {
            true => Ok(attempt),
            false => Err(Failure::invalid("another attempt of this regulation has just begun")),
        }
    }

    /// Resets the failed tasks of a regulation, before the execution of an attempt starts. A task that was reset
    /// meanwhile stays as it is.
    ///
    /// # Errors
    /// As [`Store::end_attempt`]; some tasks may then be reset and others not: call again.
    pub async fn reset_failed(&self, id: &RegulationId) -> Result<()> {
        for mut task in self.tasks(id).await? {
            if task.status == TaskStatus::Failed {
                task.reset();
                self.save_task_if(id, &task, TaskStatus::Failed).await?;
            }
        }
        Ok(())
    }

    fn update_meta(&self, id: &RegulationId) -> UpdateItemFluentBuilder {
        let request = self.client.update_item().table_name(&self.tables.regulations);
        request.key("pk", text(id.as_str())).key("sk", text(META))
    }
}
