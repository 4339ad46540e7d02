//! A regulation in the table `regulations`, and how far it is. Its subjects, tasks and evidence lie beside it under its id.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;

use crate::subjects::{SUBJECTS, chunked};
use crate::tasks::task_key;
use crate::{Store, failure, text, to_item, value};
use model::failure::{Failure, Result};
use model::id::RegulationId;
use model::regulation::Regulation;
use model::status::{Status, TaskStatus};
use model::subject::Subject;
use model::task::Task;

pub(crate) const META: &str = "META";
/// The value of `list` under which all regulations are in the index by date.
pub(crate) const LIST: &str = "REGULATION";

impl Store {
    /// Stores a new regulation with its subjects and tasks, all or nothing. Harmless when it is stored already.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn create(
        &self,
        regulation: &Regulation,
        subjects: Vec<Subject>,
        tasks: &[Task],
    ) -> Result<()> {
        let pk = regulation.id.as_str();
        let mut meta = to_item(pk, META, regulation)?;
        meta.insert("list".into(), text(LIST));
        meta.insert("waitsSince".into(), value(&regulation.created_at)?);
        let mut items = vec![meta];
        items.extend(chunked(&regulation.id, SUBJECTS, subjects)?);
        for task in tasks {
            items.push(to_item(pk, &task_key(&task.destination_id), task)?);
        }
        let mut request = self.client.transact_write_items();
        for item in items {
            let put = Put::builder()
                .table_name(&self.tables.regulations)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(|e| Failure::permanent("a write cannot be built").detail(e))?;
            request = request.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if self.regulation(&regulation.id).await?.is_some() => {
                tracing::info!(regulation = %regulation.id, code = e.code(), "stored before");
                Ok(())
            }
            Err(e) => Err(failure(&e)),
        }
    }

    /// A regulation.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn regulation(&self, id: &RegulationId) -> Result<Option<Regulation>> {
        self.get(&self.tables.regulations, (id.as_str(), META)).await
    }

    /// Sets how far a regulation is.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn set_status(
        &self,
        id: &RegulationId,
        status: Status,
        finished: Option<Timestamp>,
    ) -> Result<()> {
        let mut request = self
            .client
            .update_item()
            .table_name(&self.tables.regulations)
            .key("pk", text(id.as_str()))
            .key("sk", text(META))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", value(&status)?);
        request = match finished {
            Some(at) => request
                .update_expression("SET #status = :status, finishedAt = :at REMOVE waitsSince")
                .expression_attribute_values(":at", value(&at)?),
            None => request.update_expression("SET #status = :status REMOVE finishedAt, waitsSince"),
        };
        request.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    /// Notes that the work on a regulation begins. Answers whether it may: not, if it was withdrawn.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn begin_regulation(&self, id: &RegulationId) -> Result<bool> {
        Ok(self.leave_initialized(id, Status::Running, None).await?
            || self.regulation(id).await?.is_some_and(|regulation| regulation.status != Status::Invalid))
    }

    /// Withdraws a regulation on which no work has begun: what it suppressed is taken back, and its subjects are
    /// dropped. Answers whether it could; one that broke off half-way goes on.
    ///
    /// # Errors
    /// As DynamoDB says; call again.
    pub async fn withdraw(&self, regulation: &Regulation, at: Timestamp) -> Result<bool> {
        let id = &regulation.id;
        let withdrawn = self.leave_initialized(id, Status::Invalid, Some(at)).await?;
        if !withdrawn && regulation.status != Status::Invalid {
            return Ok(false);
        }
        let subjects = self.subjects(id).await?;
        self.let_in_again(regulation, &subjects).await?;
        self.drop_subjects(id).await?;
        Ok(withdrawn || !subjects.is_empty())
    }

    /// Either the work begins or it is withdrawn, never both.
    async fn leave_initialized(
        &self,
        id: &RegulationId,
        status: Status,
        finished: Option<Timestamp>,
    ) -> Result<bool> {
        let mut request = self
            .client
            .update_item()
            .table_name(&self.tables.regulations)
            .key("pk", text(id.as_str()))
            .key("sk", text(META))
            .condition_expression("#status = :initialized")
            .update_expression("SET #status = :status REMOVE waitsSince")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":initialized", value(&Status::Initialized)?)
            .expression_attribute_values(":status", value(&status)?);
        if let Some(at) = finished {
            request = request
                .update_expression("SET #status = :status, finishedAt = :at REMOVE waitsSince")
                .expression_attribute_values(":at", value(&at)?);
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(e) if e.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(e) => Err(failure(&e)),
        }
    }

    /// Begins another attempt of a regulation that failed somewhere: its failed tasks go back to the start.
    /// Answers the number of the attempt.
    ///
    /// # Errors
    /// `Invalid`, if nothing failed, another attempt is under way, or its identifiers are kept no longer.
    pub async fn begin_attempt(&self, regulation: &Regulation, now: Timestamp) -> Result<u32> {
        if !matches!(regulation.status, Status::Failed | Status::PartialSuccess) {
            return Err(Failure::invalid("nothing of this regulation failed: there is nothing to retry"));
        }
        if let Some(until) = regulation.identifiers_kept_until().filter(|until| *until <= now) {
            let message =
                format!("its identifiers were kept until {until} and are dropped: make a new regulation");
            return Err(Failure::invalid(message));
        }
        for mut task in self.tasks(&regulation.id).await? {
            if task.status == TaskStatus::Failed {
                task.reset();
                self.save_task(&regulation.id, &task).await?;
            }
        }
        let attempt = regulation.attempt + 1;
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.regulations)
            .key("pk", text(regulation.id.as_str()))
            .key("sk", text(META))
            .condition_expression("attempt = :before")
            .update_expression("SET #status = :status, attempt = :attempt REMOVE finishedAt")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", value(&Status::Running)?)
            .expression_attribute_values(":before", AttributeValue::N(regulation.attempt.to_string()))
            .expression_attribute_values(":attempt", AttributeValue::N(attempt.to_string()));
        match request.send().await {
            Ok(_) => Ok(attempt),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Err(Failure::invalid("another attempt of this regulation has just begun"))
            }
            Err(e) => Err(failure(&e)),
        }
    }
}
