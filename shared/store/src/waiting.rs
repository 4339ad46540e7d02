//! Regulations that wait for a purge run, in the table `runs`.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Store, text, unless_refused};
use model::failure::Result;
use model::id::{RegulationId, RunId};

/// The key of regulations that wait. `infra/deletion.asl.json` (state `Enlist`) writes them, under this name.
const WAITING: &str = "WAITING";

/// A regulation that waits for its archives to be purged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The regulation.
    #[serde(rename = "sk")]
    pub regulation_id: RegulationId,
    /// When it began to wait.
    pub since: Timestamp,
    /// The task token that resumes its execution.
    pub task_token: String,
    /// The runs that served it and were aborted.
    #[serde(default)]
    pub aborted_runs: BTreeSet<RunId>,
}

impl Store {
    /// The regulations that wait, those that wait longest first.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn waiting(&self) -> Result<Vec<Waiting>> {
        // DynamoDB compares keys with no empty text: the prefix is that of every regulation's id.
        let mut all: Vec<Waiting> = self.all(&self.tables.runs, WAITING, "reg_").await?;
        all.sort_by_key(|waiting| waiting.since);
        Ok(all)
    }

    /// A regulation's entry in the waiting list, if it waits.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn waits(&self, id: &RegulationId) -> Result<Option<Waiting>> {
        self.get(&self.tables.runs, (WAITING, id.as_str())).await
    }

    /// Takes a regulation off the waiting list, unless it has been put there anew with another token.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn served(&self, id: &RegulationId, token: &str) -> Result<()> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.tables.runs)
            .key("pk", text(WAITING))
            .key("sk", text(id.as_str()))
            .condition_expression("taskToken = :token")
            .expression_attribute_values(":token", text(token));
        unless_refused(request.send().await)
    }

    /// Notes with a waiting regulation that a run that served it was aborted, unless it has been put on the list anew
    /// with another token: that run did not serve the new attempt.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn note_abort(&self, id: &RegulationId, token: &str, run: &RunId) -> Result<()> {
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.runs)
            .key("pk", text(WAITING))
            .key("sk", text(id.as_str()))
            .update_expression("ADD abortedRuns :run")
            .condition_expression("taskToken = :token")
            .expression_attribute_values(":token", text(token))
            .expression_attribute_values(":run", AttributeValue::Ss(vec![run.to_string()]));
        unless_refused(request.send().await)
    }
}
