//! The two state machines, as `infra/*.asl.json` orders their steps, with their retries and their catches.

use std::pin::pin;

use futures::future::{Either, join_all, select};
use lambda::clock;
use serde_json::{Value, json};

use crate::installation::{Installation, table};

/// What ended a step.
type Outcome = Result<Value, String>;

/// How often a state is tried again, beside the first time.
const RETRIES: u32 = 8;

impl Installation {
    /// Begins what was started since.
    pub fn begin_executions(&self) {
        let begun = std::mem::take(&mut self.turnstile.gate().world.step_functions.begun);
        for (machine, name, input) in begun {
            let (installation, of) = (self.clone(), name.clone());
            self.turnstile.spawn(name, async move {
                installation.turnstile.turn("begins").await;
                let ended = match machine.as_str() {
                    "deletion" => installation.deletion(&of, &input).await,
                    _ => installation.purge_run(input["runId"].as_str().expect("a run")).await,
                };
                let status = if ended.is_ok() { "SUCCEEDED" } else { "FAILED" };
                installation.turnstile.gate().world.step_functions.executions.insert(of, status);
            });
        }
    }

    /// A state that invokes a function: tried again as `infra/retries.json` says.
    async fn state(&self, function: &'static str, payload: Value) -> Outcome {
        let mut pause = 2;
        for _ in 0..=RETRIES {
            match self.lambda(function, payload.clone()).await {
                Some(Ok(reply)) => return Ok(reply),
                Some(Err(failure)) if !failure.is_transient() => return Err(failure.kind.to_string()),
                _ => self.turnstile.wait(pause, "tries again").await,
            }
            pause = (pause * 2).min(600);
        }
        Err("Transient".to_owned())
    }

    async fn deletion(&self, name: &str, input: &Value) -> Outcome {
        let (id, attempt) = (&input["regulationId"], &input["attempt"]);
        let suppress =
            async || self.state("suppress", json!({ "regulationId": id, "attempt": attempt })).await;
        let mut suppressed = suppress().await;
        while let Some(left @ 1..) = suppressed.as_ref().ok().and_then(|plan| plan["graceSeconds"].as_u64()) {
            self.turnstile.wait(left, "Grace").await;
            suppressed = suppress().await;
        }
        let outcomes = match suppressed {
            Err(error) => json!({ "failure": { "Error": error } }),
            Ok(plan) => match self.look_through(id, attempt, &plan).await {
                Err(error) => json!({ "failure": { "Error": error } }),
                Ok(()) => {
                    let archives = plan["archives"].as_array().is_some_and(|all| !all.is_empty());
                    let rows = plan["warehouses"].as_array().cloned().unwrap_or_default();
                    let (archives, rows) = futures::join!(
                        self.archives(name, id, archives, &plan["purgeDelaySeconds"]),
                        join_all(rows.iter().map(|at| self.erase_rows(id, attempt, at))),
                    );
                    json!([archives, rows])
                }
            },
        };
        self.state("audit", json!({ "regulationId": id, "attempt": attempt, "outcomes": outcomes })).await
    }

    /// Looks archives through for other identifiers, object by object, and suppresses what they gave.
    async fn look_through(&self, id: &Value, attempt: &Value, plan: &Value) -> Result<(), String> {
        let archives = plan["archiveResolvers"].as_array().cloned().unwrap_or_default();
        for at in &archives {
            let step =
                json!({ "action": "resolve", "regulationId": id, "attempt": attempt, "destinationId": at });
            while self.state("purge", step.clone()).await?["done"] != true {}
        }
        if !archives.is_empty() {
            self.state("suppress", json!({ "regulationId": id, "attempt": attempt, "resolved": true }))
                .await?;
        }
        Ok(())
    }

    /// Waits for the purge run that serves the regulation, and starts one when others had time to join.
    async fn archives(&self, name: &str, id: &Value, any: bool, delay: &Value) -> Value {
        if !any {
            return json!({});
        }
        let (served, ()) = futures::join!(self.enlist(name, id), self.nudge(id, delay));
        served
    }

    /// `purge-run` answers the token. Now and then it expires: somebody stops the purge runs for a month.
    async fn enlist(&self, name: &str, id: &Value) -> Value {
        let token = format!("token of {name}");
        self.turnstile.turn("Enlist").await;
        let item = json!({
            "pk": { "S": "WAITING" }, "sk": { "S": id },
            "since": { "S": clock::now().to_string() }, "taskToken": { "S": token },
        });
        let put = json!({ "TableName": table("runs"), "Item": item });
        {
            let mut gate = self.turnstile.gate();
            gate.world.step_functions.tokens.insert(token.clone());
            assert!(gate.world.tables.answer("PutItem", &put).is_ok());
        }
        let expires = if self.turnstile.expires() { self.turnstile.roll(2_000) } else { 2_592_000 };
        let answered = pin!(self.turnstile.wait_for_token(&token));
        match select(answered, pin!(self.turnstile.wait(expires, "expires"))).await {
            Either::Right(_) if self.turnstile.gate().world.step_functions.tokens.remove(&token) => {
                json!({ "failure": { "Error": "States.Timeout" } })
            }
            _ => json!({}),
        }
    }

    async fn nudge(&self, id: &Value, delay: &Value) {
        self.turnstile.wait(delay.as_u64().expect("seconds"), "GiveOthersTime").await;
        // If it fails for good, the schedule starts the run.
        drop(self.state("purge-run", json!({ "action": "nudge", "regulationId": id })).await);
    }

    async fn erase_rows(&self, id: &Value, attempt: &Value, destination: &Value) -> Value {
        let step = json!({ "regulationId": id, "attempt": attempt, "destinationId": destination });
        loop {
            match self.state("erase", step.clone()).await {
                Ok(next) if next["done"] == true => return json!({}),
                Ok(next) => {
                    self.turnstile.wait(next["waitSeconds"].as_u64().unwrap_or(1), "WaitForWarehouse").await
                }
                Err(error) => return json!({ "destinationId": destination, "failure": { "Error": error } }),
            }
        }
    }

    async fn purge_run(&self, run: &str) -> Outcome {
        match self.purge_run_to_its_end(run).await {
            Ok(reply) => Ok(reply),
            Err(error) => {
                drop(
                    self.state("purge-run", json!({ "action": "abort", "runId": run, "error": error })).await,
                );
                Err("Aborted".to_owned())
            }
        }
    }

    async fn purge_run_to_its_end(&self, run: &str) -> Outcome {
        let step = |action| self.state("purge-run", json!({ "action": action, "runId": run }));
        let opened = step("open").await?;
        self.turnstile.wait(opened["waitSeconds"].as_u64().expect("seconds"), "LetRecordersEnd").await;
        let listed = loop {
            let listed = step("list").await?;
            if listed["more"] != true {
                break listed;
            }
        };
        if listed["batches"] != 0 {
            self.map(run, "find").await?;
            let guarded = step("guard").await?;
            assert_eq!(guarded["ask"], false, "all may go");
            if guarded["batches"] != 0 {
                self.map(run, "forget").await?;
                self.map(run, "verify").await?;
            }
        }
        step("close").await
    }

    /// Works through the batches of a phase, side by side. One that fails is left; its objects are named when the run
    /// closes.
    async fn map(&self, run: &str, phase: &str) -> Result<(), String> {
        let manifest =
            self.file(&format!("runs/{run}/{phase}/manifest.json")).ok_or("States.ItemReaderFailed")?;
        let batches = manifest.as_array().expect("a list").iter().map(|line| line["batch"].clone());
        let work = batches.map(async |batch| {
            loop {
                match self.state("purge", json!({ "runId": run, "phase": phase, "batch": batch })).await {
                    Ok(reply) if reply["done"] != true => {}
                    _ => break,
                }
            }
        });
        join_all(work).await;
        Ok(())
    }
}
