//! The tasks of a regulation, one for each destination, and the evidence of what they did.

use aws_sdk_dynamodb::types::ConditionCheck;

use crate::entry::Values;
use crate::{Store, if_held, text, to_item, unless_refused, value};
use model::evidence::{Evidence, Step};
use model::failure::{Failure, Result};
use model::id::{DestinationId, RegulationId, RunId};
use model::status::TaskStatus;
use model::task::Task;

const TASK: &str = "TASK#";
const EVIDENCE: &str = "EVIDENCE#";
/// The condition that a task has not ended.
const OPEN: &str = "#status IN (:queued, :running, :forwarded)";

impl Store {
    /// The tasks of a regulation.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn tasks(&self, id: &RegulationId) -> Result<Vec<Task>> {
        self.all(&self.tables.regulations, id.as_str(), TASK).await
    }

    /// One task of a regulation.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call or there is none.
    pub async fn task(&self, id: &RegulationId, destination: &DestinationId) -> Result<Task> {
        let task = self.get(&self.tables.regulations, (id.as_str(), &task_key(destination))).await?;
        task.ok_or_else(|| Failure::permanent(format!("{id} has no task for {destination}")))
    }

    /// Stores a task.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_task(&self, id: &RegulationId, task: &Task) -> Result<()> {
        let item = to_item(id.as_str(), &task_key(&task.destination_id), task)?;
        self.put(&self.tables.regulations, item).await
    }

    /// Stores a task that an invocation has worked on, unless it has ended meanwhile: of two invocations at once, the slower
    /// changes nothing then. Returns whether it is stored.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_step(&self, id: &RegulationId, task: &Task) -> Result<bool> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.regulations)
            .set_item(Some(to_item(id.as_str(), &task_key(&task.destination_id), task)?))
            .condition_expression(OPEN)
            .expression_attribute_names("#status", "status")
            .set_expression_attribute_values(Some(open()?));
        if_held(put.send().await)
    }

    /// The condition that a task has not ended, for what is written elsewhere on its behalf.
    pub(crate) fn while_open(
        &self,
        id: &RegulationId,
        destination: &DestinationId,
    ) -> Result<ConditionCheck> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.regulations)
            .key("pk", text(id.as_str()))
            .key("sk", text(&task_key(destination)))
            .condition_expression(OPEN)
            .expression_attribute_names("#status", "status")
            .set_expression_attribute_values(Some(open()?));
        check.build().map_err(|e| Failure::permanent("a condition cannot be built").detail(e))
    }

    /// Stores a task, if its stored status is still `before`.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn save_task_if(&self, id: &RegulationId, task: &Task, before: TaskStatus) -> Result<()> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.regulations)
            .set_item(Some(to_item(id.as_str(), &task_key(&task.destination_id), task)?))
            .condition_expression("#status = :before")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":before", value(&before)?);
        unless_refused(put.send().await)
    }

    /// The evidence of a regulation.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn evidence(&self, id: &RegulationId) -> Result<Vec<Evidence>> {
        self.all(&self.tables.regulations, id.as_str(), EVIDENCE).await
    }

    /// Stores a piece of evidence. The first one of a step in an attempt stands: a step that runs again would find
    /// less, since it already removed some.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn keep_evidence(&self, id: &RegulationId, evidence: &Evidence) -> Result<()> {
        self.put_evidence(id, evidence, &evidence_key(evidence)).await
    }

    /// Stores a piece of evidence of a purge run. The first one of a step in a run stands. Each run of an attempt has
    /// its own: an aborted one may have removed some already, and the next finds the rest.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn keep_run_evidence(&self, id: &RegulationId, run: &RunId, evidence: &Evidence) -> Result<()> {
        self.put_evidence(id, evidence, &format!("{}#{run}", evidence_key(evidence))).await
    }

    async fn put_evidence(&self, id: &RegulationId, evidence: &Evidence, sk: &str) -> Result<()> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.regulations)
            .set_item(Some(to_item(id.as_str(), sk, evidence)?))
            .condition_expression("attribute_not_exists(pk)");
        unless_refused(put.send().await)
    }

    /// Whether any attempt found something of the subjects at a destination.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn ever_found(&self, id: &RegulationId, destination: &DestinationId) -> Result<bool> {
        let evidence = self.evidence(id).await?;
        Ok(evidence
            .iter()
            .filter(|e| e.step == Step::Find && e.destination_id.as_ref() == Some(destination))
            .any(|e| e.counts.values().any(|count| *count > 0)))
    }
}

fn open() -> Result<Values> {
    let states = [
        (":queued", TaskStatus::Queued),
        (":running", TaskStatus::Running),
        (":forwarded", TaskStatus::Forwarded),
    ];
    states.iter().map(|(name, status)| Ok(((*name).to_owned(), value(status)?))).collect()
}

fn evidence_key(evidence: &Evidence) -> String {
    let destination = evidence.destination_id.as_ref().map_or("", DestinationId::as_str);
    format!("{EVIDENCE}{:04}#{destination}#{}", evidence.attempt, evidence.step.as_str())
}

pub(crate) fn task_key(destination: &DestinationId) -> String {
    format!("{TASK}{destination}")
}
