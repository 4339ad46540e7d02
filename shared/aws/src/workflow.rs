//! Step Functions: starts the state machines and answers their task tokens.

use std::collections::HashSet;

use aws_config::SdkConfig;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::json;

use lambda::environment;
use model::failure::{Failure, Result};
use model::id::{RegulationId, RunId};

/// The state of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// There is none of this name, or Step Functions does not say so yet: what it describes is eventually consistent.
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
    Absent,
    /// It is under way.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed, timed out, or was stopped.
    Ended,
    /// Its history was nearly full: the next one was started, and it was stopped.
    HandedOver,
}

/// The error with which an execution is stopped once another goes on with its attempt.
const HANDED_OVER: &str = "HandedOver";

/// The attempts of regulations that an execution works on.
#[derive(Debug)]
pub struct RunningAttempts(HashSet<String>);

impl RunningAttempts {
    /// Whether an execution works on an attempt.
    pub fn contains(&self, id: &RegulationId, attempt: u32) -> bool {
        self.0.contains(&deletion_name(id, attempt, 0))
    }
}

/// The state machines of one installation.
#[derive(Debug, Clone)]
pub struct Workflow {
    client: Client,
}

impl Workflow {
    /// A client for the state machines that the environment names (`DELETION_STATE_MACHINE`,
    /// `PURGE_RUN_STATE_MACHINE`).
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// Starts an attempt of a regulation, whose work begins after `delay` seconds; `restart` counts the executions of
    /// that attempt that ended without a seal, or handed over. Harmless when it is started already: the execution's name consists of
    /// the regulation's id, the attempt and the restart.
    ///
    /// # Errors
    /// `Transient`, if Step Functions throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn start_deletion(
        &self,
        id: &RegulationId,
        attempt: u32,
        restart: u32,
        delay: u32,
    ) -> Result<()> {
        let machine = environment::required("DELETION_STATE_MACHINE")?;
        let mut input = json!({ "regulationId": id, "attempt": attempt });
        if delay > 0 {
            input["delaySeconds"] = delay.into();
        }
        self.start(machine, deletion_name(id, attempt, restart), input).await
    }

    /// Starts the next execution of an attempt, and stops this one (an ARN). Harmless when it is done twice.
    ///
    /// # Errors
    /// As [`Workflow::start_deletion`].
    pub async fn hand_over(&self, id: &RegulationId, attempt: u32, execution: &str) -> Result<()> {
        self.start_deletion(id, attempt, restart_of(execution) + 1, 0).await?;
        let stop = self.client.stop_execution().execution_arn(execution).error(HANDED_OVER);
        stop.send().await.map(drop).map_err(|e| failure(&e))
    }

    /// The state of an execution of a regulation's attempt.
    ///
    /// # Errors
    /// As [`Workflow::start_deletion`].
    pub async fn deletion(&self, id: &RegulationId, attempt: u32, restart: u32) -> Result<Execution> {
        self.execution("DELETION_STATE_MACHINE", &deletion_name(id, attempt, restart)).await
    }

    /// All attempts that an execution works on, a thousand a call. One that began or ended within the last minutes may be
    /// missing or too many: what Step Functions lists is eventually consistent.
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html>
    ///
    /// # Errors
    /// As [`Workflow::start_deletion`].
    pub async fn running_attempts(&self) -> Result<RunningAttempts> {
        let list = self
            .client
            .list_executions()
            .state_machine_arn(environment::required("DELETION_STATE_MACHINE")?)
            .status_filter(ExecutionStatus::Running);
        let mut pages = list.into_paginator().send();
        let mut names = HashSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|e| failure(&e))?;
            names.extend(
                page.executions.into_iter().map(|execution| attempt_name(&execution.name).to_owned()),
            );
        }
        Ok(RunningAttempts(names))
    }

    /// Starts a purge run. Harmless when it is started already.
    ///
    /// # Errors
    /// `Transient`, if Step Functions throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn start_run(&self, id: &RunId) -> Result<()> {
        let machine = environment::required("PURGE_RUN_STATE_MACHINE")?;
        self.start(machine, id.to_string(), json!({ "runId": id })).await
    }

    /// The state of the execution of a purge run.
    ///
    /// # Errors
    /// `Transient`, if Step Functions throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn run_execution(&self, id: &RunId) -> Result<Execution> {
        self.execution("PURGE_RUN_STATE_MACHINE", id.as_str()).await
    }

    async fn execution(&self, machine: &str, name: &str) -> Result<Execution> {
        let machine = environment::required(machine)?;
        let arn = format!("{}:{name}", machine.replace(":stateMachine:", ":execution:"));
        match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(reply) => Ok(match reply.status {
                ExecutionStatus::Aborted if reply.error.as_deref() == Some(HANDED_OVER) => {
                    Execution::HandedOver
                }
                ExecutionStatus::Failed | ExecutionStatus::Aborted | ExecutionStatus::TimedOut => {
                    Execution::Ended
                }
                ExecutionStatus::Succeeded => Execution::Succeeded,
                _ => Execution::Running,
            }),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_does_not_exist()) => {
                Ok(Execution::Absent)
            }
            Err(e) => Err(failure(&e)),
        }
    }

    /// Tells a waiting state that its work is done. A token that was answered already or timed out is no error.
    ///
    /// # Errors
    /// `Transient`, if Step Functions throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn succeed(&self, token: &str) -> Result<()> {
        let request = self.client.send_task_success().task_token(token).output("{}");
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if e.code().is_some_and(is_answered) => Ok(()),
            Err(e) => Err(failure(&e)),
        }
    }

    /// Tells a waiting state that its work will not be done.
    ///
    /// # Errors
    /// `Transient`, if Step Functions throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn fail(&self, token: &str, error: &str) -> Result<()> {
        let request = self.client.send_task_failure().task_token(token).error(error);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if e.code().is_some_and(is_answered) => Ok(()),
            Err(e) => Err(failure(&e)),
        }
    }

    /// Answers a run that waits for confirmation.
    ///
    /// # Errors
    /// `Transient`, if Step Functions throttles or cannot be reached; `Permanent`, if it refuses the call.
    pub async fn answer_run(&self, token: &str, may_go_on: bool) -> Result<()> {
        if may_go_on { self.succeed(token).await } else { self.fail(token, "Stopped").await }
    }

    async fn start(&self, machine: String, name: String, input: serde_json::Value) -> Result<()> {
        let request =
            self.client.start_execution().state_machine_arn(machine).name(name).input(input.to_string());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(e) if e.as_service_error().is_some_and(|e| e.is_execution_already_exists()) => Ok(()),
            Err(e) => Err(failure(&e)),
        }
    }
}

fn deletion_name(id: &RegulationId, attempt: u32, restart: u32) -> String {
    match restart {
        0 => format!("{id}-{attempt}"),
        restart => format!("{id}-{attempt}-r{restart}"),
    }
}

/// The name of an attempt's first execution, from the name of any.
fn attempt_name(execution: &str) -> &str {
    execution.rsplit_once("-r").map_or(execution, |(attempt, _)| attempt)
}

/// How many executions of its attempt came before one, from its name or ARN.
fn restart_of(execution: &str) -> u32 {
    execution.rsplit_once("-r").and_then(|(_, restart)| restart.parse().ok()).unwrap_or(0)
}

/// Whether an error says that no state waits for this token any more.
fn is_answered(code: &str) -> bool {
    matches!(code, "TaskTimedOut" | "InvalidToken" | "TaskDoesNotExist")
}

fn failure<E>(error: &E) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error,
{
    crate::failure("Step Functions", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_execution_of_an_attempt_leads_to_the_attempt() {
        let id = RegulationId::new();
        for restart in [0, 1, 20] {
            let name = deletion_name(&id, 3, restart);
            assert_eq!((attempt_name(&name), restart_of(&name)), (&*deletion_name(&id, 3, 0), restart));
        }
    }
}
