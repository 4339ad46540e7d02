//! The table `regulations`: everything about a regulation lies under its id.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, failure, text, to_item, unless_refused, value};
use crate::evidence::{Evidence, Step};
use crate::failure::{Failure, Result};
use crate::id::{DestinationId, RegulationId};
use crate::regulation::Regulation;
use crate::status::Status;
use crate::status::TaskStatus;
use crate::subject::Subject;
use crate::task::Task;

pub(super) const META: &str = "META";
const SUBJECTS: &str = "SUBJECTS#";
const LINKED: &str = "LINKED#";
const TASK: &str = "TASK#";
const EVIDENCE: &str = "EVIDENCE#";
/// Under which the regulations stand whose subjects are to be dropped, by the time.
const DUE: &str = "DUE";

/// The value of `list` under which all regulations are in the index by date.
pub(super) const LIST: &str = "REGULATION";

/// How many bytes of identifiers one item holds: well below DynamoDB's 400 KB.
const CHUNK_BYTES: usize = 300_000;

#[derive(Serialize, Deserialize)]
struct Chunk {
    subjects: Vec<Subject>,
}

/// When the subjects of a regulation are to be dropped. Its key sorts by time.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Due {
    sk: String,
    regulation_id: RegulationId,
}

fn due_key(at: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{:012}#{id}", at.as_second())
}

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
        for (number, subjects) in chunks(subjects).into_iter().enumerate() {
            items.push(to_item(pk, &format!("{SUBJECTS}{number:03}"), &Chunk { subjects })?);
        }
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

    /// The subjects of a regulation; none once they are dropped.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn subjects(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        let chunks: Vec<Chunk> = self.all(&self.tables.regulations, id.as_str(), SUBJECTS).await?;
        Ok(chunks.into_iter().flat_map(|chunk| chunk.subjects).collect())
    }

    /// The other ids of a regulation's subjects, as far as they are known; none once they are dropped.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn linked_subjects(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        let chunks: Vec<Chunk> = self.all(&self.tables.regulations, id.as_str(), LINKED).await?;
        Ok(chunks.into_iter().flat_map(|chunk| chunk.subjects).collect())
    }

    /// Everyone whom a regulation covers: its subjects, and their other ids.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn everyone(&self, id: &RegulationId) -> Result<Vec<Subject>> {
        let mut all = self.subjects(id).await?;
        if !all.is_empty() {
            all.extend(self.linked_subjects(id).await?);
        }
        Ok(all)
    }

    /// Keeps the other ids of a regulation's subjects.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn keep_linked(&self, id: &RegulationId, linked: Vec<Subject>) -> Result<()> {
        for (number, subjects) in chunks(linked).into_iter().enumerate().filter(|(_, c)| !c.is_empty()) {
            let item = to_item(id.as_str(), &format!("{LINKED}{number:03}"), &Chunk { subjects })?;
            let request = self.client.put_item().table_name(&self.tables.regulations).set_item(Some(item));
            request.send().await.map_err(|e| failure(&e))?;
        }
        Ok(())
    }

    /// Drops the subjects of a regulation, and their other ids. Harmless when they are gone.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn drop_subjects(&self, id: &RegulationId) -> Result<()> {
        #[derive(Deserialize)]
        struct Key {
            sk: String,
        }
        let mut keys: Vec<Key> = self.all(&self.tables.regulations, id.as_str(), SUBJECTS).await?;
        keys.extend(self.all::<Key>(&self.tables.regulations, id.as_str(), LINKED).await?);
        for key in keys {
            self.delete(&self.tables.regulations, (id.as_str(), &key.sk)).await?;
        }
        Ok(())
    }

    /// Notes when the subjects of a regulation are due to be dropped. Harmless when it is noted already.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn note_due(&self, id: &RegulationId, at: Timestamp) -> Result<()> {
        let due = Due { sk: due_key(at, id), regulation_id: id.clone() };
        let item = to_item(DUE, &due.sk, &due)?;
        let request = self.client.put_item().table_name(&self.tables.regulations).set_item(Some(item));
        request.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    /// Drops the subjects of the regulations that are due by now and have not begun another attempt. What one did or
    /// found stays. Answers how many were due.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn drop_due(&self, now: Timestamp) -> Result<usize> {
        let due = self.client.query().key_condition_expression("pk = :pk AND sk < :end");
        let due = due.expression_attribute_values(":end", text(&due_key(now, "")));
        let due: Vec<Due> = self.read_all(due, &self.tables.regulations, DUE).await?;
        for Due { sk, regulation_id } in &due {
            let regulation = self.regulation(regulation_id).await?;
            let kept_until = regulation.and_then(|regulation| regulation.identifiers_kept_until());
            if kept_until.is_some_and(|until| until <= now) {
                self.drop_subjects(regulation_id).await?;
            }
            self.delete(&self.tables.regulations, (DUE, sk)).await?;
        }
        Ok(due.len())
    }

    /// The tasks of a regulation.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn tasks(&self, id: &RegulationId) -> Result<Vec<Task>> {
        self.all(&self.tables.regulations, id.as_str(), TASK).await
    }

    /// One task of a regulation.
    ///
    /// # Errors
    /// As DynamoDB says; `Permanent`, if there is none.
    pub async fn task(&self, id: &RegulationId, destination: &DestinationId) -> Result<Task> {
        let task = self.get(&self.tables.regulations, (id.as_str(), &task_key(destination))).await?;
        task.ok_or_else(|| Failure::permanent(format!("{id} has no task for {destination}")))
    }

    /// Stores a task.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn save_task(&self, id: &RegulationId, task: &Task) -> Result<()> {
        let item = to_item(id.as_str(), &task_key(&task.destination_id), task)?;
        let request = self.client.put_item().table_name(&self.tables.regulations).set_item(Some(item));
        request.send().await.map_err(|e| failure(&e))?;
        Ok(())
    }

    /// The evidence of a regulation.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn evidence(&self, id: &RegulationId) -> Result<Vec<Evidence>> {
        self.all(&self.tables.regulations, id.as_str(), EVIDENCE).await
    }

    /// Keeps a piece of evidence. What a step said first in an attempt stands: a step that runs again would
    /// find less, since it already removed some.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn keep_evidence(&self, id: &RegulationId, evidence: &Evidence) -> Result<()> {
        let destination = evidence.destination_id.as_ref().map_or("", DestinationId::as_str);
        let sk = format!("{EVIDENCE}{:04}#{destination}#{}", evidence.attempt, evidence.step.as_str());
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.regulations)
            .set_item(Some(to_item(id.as_str(), &sk, evidence)?))
            .condition_expression("attribute_not_exists(pk)");
        unless_refused(put.send().await)
    }

    /// Whether any attempt found something of the subjects at a destination.
    ///
    /// # Errors
    /// As DynamoDB says.
    pub async fn ever_found(&self, id: &RegulationId, destination: &DestinationId) -> Result<bool> {
        let evidence = self.evidence(id).await?;
        Ok(evidence
            .iter()
            .filter(|e| e.step == Step::Find && e.destination_id.as_ref() == Some(destination))
            .any(|e| e.counts.values().any(|count| *count > 0)))
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

fn task_key(destination: &DestinationId) -> String {
    format!("{TASK}{destination}")
}

fn chunks(subjects: Vec<Subject>) -> Vec<Vec<Subject>> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = 0;
    for subject in subjects {
        // The item repeats the names `type` and `id` and the kind for each subject.
        bytes += subject.id.len() + 32;
        if bytes > CHUNK_BYTES {
            chunks.push(Vec::new());
            bytes = subject.id.len() + 32;
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(subject);
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_cut_into_items_that_dynamodb_takes_and_none_is_lost() {
        let subjects: Vec<_> = (0..5_000).map(|n| Subject::user(format!("{n:0>600}"))).collect();
        let chunks = chunks(subjects.clone());
        assert!(chunks.iter().all(|c| c.iter().map(|s| s.id.len() + 32).sum::<usize>() <= CHUNK_BYTES));
        assert_eq!(chunks.concat(), subjects);
    }
}
