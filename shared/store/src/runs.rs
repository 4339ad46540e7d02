//! The table `runs`: the purge run under way, and how each went. Regulations that wait for one: [`crate::waiting`].

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Item, Store, failure, if_held, number, text, to_item, unless_refused};
use model::failure::{Failure, Result};
use model::id::RunId;
use model::purge_run::Phase;

const RUN: &str = "RUN";
const LOCK: &str = "LOCK";
const CONFIRM: &str = "CONFIRM";
const PROGRESS: &str = "PROGRESS#";

/// How long a run and its progress are kept: all runs are listed in one answer, which Lambda limits to 6 MB.
const KEPT: SignedDuration = SignedDuration::from_hours(366 * 24);

/// The condition under which a run may be changed: it has neither ended nor been stopped.
const GOES_ON: &str = "attribute_exists(pk) AND attribute_not_exists(finishedAt) AND stopRequested = :false";

/// A purge run. Several write to its record at once (the run itself, and whoever confirms or stops it), so that it
/// is never stored whole but once: each sets fields of its own, on conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Where it is.
    pub phase: Phase,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finished_at: Option<Timestamp>,
    /// How many regulations it serves.
    pub regulations: usize,
    /// How many object versions it looks at.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// Whether it only looks.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether somebody asked for it to be stopped.
    #[serde(default)]
    pub stop_requested: bool,
    /// Why it waits for somebody to confirm it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub question: Option<String>,
    /// When somebody confirmed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirmed_at: Option<Timestamp>,
}

impl Run {
    /// A run that has not begun.
    pub fn new(id: RunId, dry_run: bool, now: Timestamp) -> Self {
        Self {
            id,
            phase: Phase::Queued,
            started_at: now,
            finished_at: None,
            regulations: 0,
            objects: 0,
            bytes: 0,
            dry_run,
            stop_requested: false,
            question: None,
            confirmed_at: None,
        }
    }

    /// Whether the run may go on: not, if it was stopped; yes, if it was confirmed; none, if neither.
    pub fn may_go_on(&self) -> Option<bool> {
        match self {
            Self { stop_requested: true, .. } => Some(false),
            Self { confirmed_at: Some(_), .. } => Some(true),
            _ => None,
        }
    }
}

/// The lock that lets one run go at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunLock {
    /// The run that holds it.
    pub run_id: RunId,
    /// When the run last took it: each time the run is opened.
    #[serde(default)]
    pub since: Timestamp,
}

/// How far a batch of a phase is. Sums of it show how far the run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Progress)]
pub struct RunProgress {
    /// Objects that are done.
    pub objects: u64,
    /// Uncompressed bytes that were read.
    pub bytes: u64,
    /// Lines of subjects that were met.
    pub hits: u64,
}

impl Store {
    /// Takes the lock. Returns whether `run` holds it now, newly or from before.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn lock(&self, run: &RunId, now: Timestamp) -> Result<bool> {
        let request = self
            .client
            .put_item()
            .table_name(&self.tables.runs)
            .item("pk", text(LOCK))
            .item("sk", text(LOCK))
            .item("runId", text(run.as_str()))
            .item("since", text(&now.to_string()))
            .condition_expression("attribute_not_exists(pk) OR runId = :run")
            .expression_attribute_values(":run", text(run.as_str()));
        if_held(request.send().await)
    }

    /// Frees the lock, if `run` holds it.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn unlock(&self, run: &RunId) -> Result<()> {
        let request = self
            .client
            .delete_item()
            .table_name(&self.tables.runs)
            .key("pk", text(LOCK))
            .key("sk", text(LOCK))
            .condition_expression("runId = :run")
            .expression_attribute_values(":run", text(run.as_str()));
        unless_refused(request.send().await)
    }

    /// The lock, if a run holds it.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn run_lock(&self) -> Result<Option<RunLock>> {
        self.get(&self.tables.runs, (LOCK, LOCK)).await
    }

    /// The run that holds the lock.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn locked_by(&self) -> Result<Option<RunId>> {
        Ok(self.run_lock().await?.map(|lock| lock.run_id))
    }

    /// Stores a run that has not begun. One that is stored already stays as it is.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn create_run(&self, run: &Run) -> Result<()> {
        let item = for_a_year(to_item(RUN, run.id.as_str(), run)?);
        let request = self.client.put_item().table_name(&self.tables.runs).set_item(Some(item));
        unless_refused(request.condition_expression("attribute_not_exists(pk)").send().await)
    }

    /// Notes that a run looks for its subjects, and in how many objects and bytes. Returns the run as it is then: one
    /// that ended meanwhile stays as it is.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if there is no such run.
    pub async fn begin_find(&self, id: &RunId, regulations: usize, objects: u64, bytes: u64) -> Result<Run> {
        let request = self
            .change(id, "SET phase = :phase, regulations = :regulations, objects = :objects, bytes = :bytes")
            .condition_expression(GOES_ON)
            .expression_attribute_values(":phase", text(Phase::Find.as_str()))
            .expression_attribute_values(":regulations", number(regulations as u64))
            .expression_attribute_values(":objects", number(objects))
            .expression_attribute_values(":bytes", number(bytes))
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        unless_refused(request.send().await)?;
        self.known_run(id).await
    }

    /// Counts an invocation that lists the archives. Returns its number, which is unique, so that no invocation
    /// overwrites another's batches.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn count_listing(&self, id: &RunId) -> Result<usize> {
        let request = self
            .change(id, "ADD listings :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew);
        let reply = request.send().await.map_err(|e| failure(&e))?;
        let count =
            reply.attributes.as_ref().and_then(|item| item.get("listings")?.as_n().ok()?.parse().ok());
        count.ok_or_else(|| Failure::transient("DynamoDB did not say how often the archives were listed"))
    }

    /// Lets a run go on from finding to forgetting, or asks `question` first, unless it was confirmed or stopped.
    /// Returns the run as it is then.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if there is no such run.
    pub async fn pass_guard(&self, id: &RunId, question: Option<&str>) -> Result<Run> {
        let request = match question {
            Some(question) => self
                .change(id, "SET phase = :phase, question = :question")
                .expression_attribute_values(":phase", text(Phase::Guard.as_str()))
                .expression_attribute_values(":question", text(question)),
            None => self
                .change(id, "SET phase = :phase REMOVE question")
                .expression_attribute_values(":phase", text(Phase::Forget.as_str())),
        };
        let request = request
            .condition_expression(format!("{GOES_ON} AND attribute_not_exists(confirmedAt)"))
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        unless_refused(request.send().await)?;
        self.known_run(id).await
    }

    /// Confirms a run that asks. Returns whether it asked: once it is stopped, it no longer does.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn confirm_run(&self, id: &RunId, now: Timestamp) -> Result<bool> {
        let request = self
            .change(id, "SET phase = :forget, confirmedAt = :now REMOVE question")
            .condition_expression(format!("{GOES_ON} AND phase = :guard"))
            .expression_attribute_values(":forget", text(Phase::Forget.as_str()))
            .expression_attribute_values(":guard", text(Phase::Guard.as_str()))
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":false", AttributeValue::Bool(false));
        if_held(request.send().await)
    }

    /// Asks for a run to be stopped. Returns whether it can be: not once it has ended.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn request_stop(&self, id: &RunId) -> Result<bool> {
        let request = self
            .change(id, "SET stopRequested = :true")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(finishedAt)")
            .expression_attribute_values(":true", AttributeValue::Bool(true));
        if_held(request.send().await)
    }

    /// Notes how and when a run ended. What was noted first stands.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn end_run(&self, id: &RunId, phase: Phase, now: Timestamp) -> Result<()> {
        let request = self
            .change(id, "SET phase = :phase, finishedAt = :now REMOVE question")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(finishedAt)")
            .expression_attribute_values(":phase", text(phase.as_str()))
            .expression_attribute_values(":now", text(&now.to_string()));
        unless_refused(request.send().await)
    }

    fn change(&self, id: &RunId, expression: &str) -> UpdateItemFluentBuilder {
        let request = self.client.update_item().table_name(&self.tables.runs).update_expression(expression);
        request.key("pk", text(RUN)).key("sk", text(id.as_str()))
    }

    /// Runs, the newest first.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn runs(&self) -> Result<Vec<Run>> {
        let mut all: Vec<Run> = self.all(&self.tables.runs, RUN, "run_").await?;
        all.reverse();
        Ok(all)
    }

    /// Notes the progress of a batch.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn note_progress(
        &self,
        run: &RunId,
        phase: Phase,
        batch: usize,
        progress: RunProgress,
    ) -> Result<()> {
        let sk = format!("{}#{batch:06}", phase.as_str());
        let item = for_a_year(to_item(&format!("{PROGRESS}{run}"), &sk, &progress)?);
        self.put(&self.tables.runs, item).await
    }

    /// The progress of a phase of a run: the sum over its batches.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn progress(&self, run: &RunId, phase: Phase) -> Result<RunProgress> {
        let prefix = format!("{}#", phase.as_str());
        let batches: Vec<RunProgress> =
            self.all(&self.tables.runs, &format!("{PROGRESS}{run}"), &prefix).await?;
        Ok(batches.iter().fold(RunProgress::default(), |sum, batch| RunProgress {
            objects: sum.objects + batch.objects,
            bytes: sum.bytes + batch.bytes,
            hits: sum.hits + batch.hits,
        }))
    }

    /// The task token of a run that waits to be confirmed. `infra/purge-run.asl.json` (state `AwaitConfirmation`)
    /// stores it.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn confirmation(&self, run: &RunId) -> Result<Option<String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Confirm {
            task_token: String,
        }
        let confirm: Option<Confirm> = self.get(&self.tables.runs, (CONFIRM, run.as_str())).await?;
        Ok(confirm.map(|confirm| confirm.task_token))
    }

    /// Drops the task token of a run's confirmation.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn drop_confirmation(&self, run: &RunId) -> Result<()> {
        self.delete(&self.tables.runs, (CONFIRM, run.as_str())).await
    }

    async fn known_run(&self, id: &RunId) -> Result<Run> {
        self.run(id).await?.ok_or_else(|| Failure::permanent(format!("there is no run {id}")))
    }

    /// A run.
    ///
    /// # Errors
    /// `Transient`, if DynamoDB throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>> {
        self.get(&self.tables.runs, (RUN, id.as_str())).await
    }
}

fn for_a_year(mut item: Item) -> Item {
    item.insert("ttl".into(), AttributeValue::N((Timestamp::now() + KEPT).as_second().to_string()));
    item
}
