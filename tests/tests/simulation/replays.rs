//! The counterexamples that the models found, as schedules with names. Each is played by the real functions; the first once
//! more by a protocol that lacks its remedy, which must fail.

use jiff::SignedDuration;
use model::regulation::Regulation;
use model::status::Status;
use serde_json::{Value, json};

use crate::gate::Answer;
use crate::installation::{Installation, PERSON, RECORD_ENDS, has_environment};
use crate::life::Life;
use crate::regulations::Mutant;
use crate::seeds::run;
use crate::turnstile::{TaskId, Trouble};

impl Life {
    async fn calm(mutant: Option<Mutant>) -> Self {
        let life = Self::new(1, Trouble::default(), mutant).await;
        life.object("a", true);
        life
    }

    /// Goes on until something is so.
    async fn until(&self, so: impl Fn(&Self) -> bool) {
        for _ in 0..5_000 {
            if so(self) {
                return;
            }
            assert!(self.installation.turnstile.step().await, "{}", self.told("nobody moves"));
            self.installation.begin_executions();
        }
        panic!("{}", self.told("it does not come about"));
    }

    async fn until_it_is(&self, regulation: &Regulation, status: Status) {
        self.until(|life| life.installation.status(&regulation.id) == Some(status)).await;
    }

    /// Lets a function do all that it does, as nobody else moves.
    async fn alone(&self, function: &'static str, payload: Value) {
        let (task, _) = self.installation.invoke(function, payload);
        self.installation.turnstile.go(task, "").await;
    }

    /// Begins a function and lets it go on until it is about to make this call; there it stops.
    async fn begun(&self, function: &'static str, payload: Value, until: &str) -> TaskId {
        let (task, _) = self.installation.invoke(function, payload);
        self.installation.turnstile.go(task, until).await;
        assert!(self.installation.turnstile.is_alive(task), "{}", self.told(&format!("no {until}")));
        self.installation.turnstile.hold(task);
        task
    }

    fn die(&self, task: TaskId, lands: bool) {
        self.installation.turnstile.kill(task, || lands);
    }

    fn asked(&self) -> Regulation {
        let regulation = self.installation.regulation("SUPPRESS_WITH_DELETE");
        self.regulations.borrow_mut().push(regulation.clone());
        regulation
    }

    /// A regulation that failed at its archive.
    async fn failed(&self) -> Regulation {
        let regulation = self.asked();
        self.alone("POST", json!({ "regulation": regulation })).await;
        self.installation.begin_executions();
        let waits = |life: &Self| !life.installation.turnstile.gate().world.step_functions.tokens.is_empty();
        self.until(waits).await;
        let execution = self.installation.turnstile.running()[0];
        self.installation.stop_execution(execution);
        let outcomes = json!([{ "failure": { "Error": "States.Timeout" } }]);
        self.alone("audit", json!({ "regulationId": regulation.id, "attempt": 1, "outcomes": outcomes }))
            .await;
        assert_eq!(self.installation.status(&regulation.id), Some(Status::PartialSuccess));
        regulation
    }

    fn told(&self, fault: &str) -> String {
        self.installation.turnstile.told(fault)
    }

    /// Nothing is wrong once all is done.
    async fn holds(&self) {
        let left = self.left().filter(|_| self.is_sealed());
        assert!(left.is_none(), "{}", self.told(&format!("sealed, and the person is in {left:?}")));
        // Only the end is looked at: what no test finishes still runs.
        self.until(|life| {
            let gate = life.installation.turnstile.gate();
            !gate.world.step_functions.executions.values().any(|status| *status == "RUNNING")
        })
        .await;
        let fault = self.fault_at_rest().await;
        assert!(fault.is_none(), "{}", self.told(&fault.unwrap_or_default()));
    }
}

fn replayed(test: &str, schedule: impl AsyncFnOnce()) {
    if has_environment(&format!("replays::{test}")) {
        run(schedule());
    }
}

/// A recorder reads the list before the suppression; its file arrives once the run has listed, it dies before its second
/// look, and its message comes again in other company. Returns whether the person is left once it is sealed.
async fn window(mutant: Option<Mutant>) -> Option<String> {
    let life = Life::calm(mutant).await;
    life.event(PERSON, "m1");
    life.event("bob", "m2");
    let messages = life.queue.take();
    let recorder = life.begun("record", json!({ "Records": messages[..1] }), "PUT archive/").await;
    let regulation = life.asked();
    life.alone("POST", json!({ "regulation": regulation })).await;
    life.installation.begin_executions();
    let finds = |life: &Life| life.installation.turnstile.has_seen("purge find");
    life.until(|life| finds(life) || !life.installation.turnstile.is_alive(recorder)).await;
    life.die(recorder, true);
    life.alone("record", json!({ "Records": messages })).await;
    life.until_it_is(&regulation, Status::Finished).await;
    life.left()
}

#[test]
fn a_recorder_that_began_before_the_suppression() {
    replayed("a_recorder_that_began_before_the_suppression", async || {
        assert_eq!(window(None).await, None);
        assert!(window(Some(Mutant::ListsAtOnce)).await.is_some(), "the schedule is not the counterexample");
    });
}

/// The queue's request was made first and is carried out last; the API's, made later and held at once, is withdrawn.
#[test]
fn a_withdrawn_later_request_does_not_let_in_whom_an_earlier_one_suppresses() {
    replayed("a_withdrawn_later_request_does_not_let_in_whom_an_earlier_one_suppresses", async || {
        let life = Life::calm(None).await;
        let (earlier, later) = (life.asked(), life.asked());
        life.alone("batch", json!({ "regulation": earlier })).await;
        life.alone("POST", json!({ "regulation": later })).await;
        life.alone("DELETE", json!({ "id": later.id })).await;
        life.installation.begin_executions();
        life.until_it_is(&earlier, Status::Finished).await;
        assert_eq!(life.installation.status(&later.id), Some(Status::Invalid));
        life.holds().await;
    });
}

/// The later one is held; the earlier one is carried out; then the later one, whose start was lost, is withdrawn.
#[test]
fn an_earlier_request_leaves_its_trace_beside_a_later_one() {
    replayed("an_earlier_request_leaves_its_trace_beside_a_later_one", async || {
        let life = Life::calm(None).await;
        let (earlier, later) = (life.asked(), life.asked());
        let post = life.begun("POST", json!({ "regulation": later }), "StartExecution").await;
        life.die(post, false);
        // The client asks again: it is stored, and held.
        let again = life.begun("POST", json!({ "regulation": later }), "StartExecution").await;
        life.alone("batch", json!({ "regulation": earlier })).await;
        life.installation.begin_executions();
        life.until_it_is(&earlier, Status::Finished).await;
        life.die(again, false);
        life.alone("DELETE", json!({ "id": later.id })).await;
        life.holds().await;
    });
}

/// A hold that lands after the withdrawal.
#[test]
fn a_hold_does_not_outlive_the_withdrawal() {
    replayed("a_hold_does_not_outlive_the_withdrawal", async || {
        let life = Life::calm(None).await;
        let regulation = life.asked();
        let post =
            life.begun("POST", json!({ "regulation": regulation }), "UpdateItem table-suppressions").await;
        life.alone("DELETE", json!({ "id": regulation.id })).await;
        life.installation.turnstile.release(post);
        life.installation.turnstile.go(post, "").await;
        life.installation.begin_executions();
        life.holds().await;
        assert_eq!(life.installation.status(&regulation.id), Some(Status::Invalid));
    });
}

/// The SDK sends the withdrawal's write again, as the first answer was lost; the second is refused, since the first was done.
#[test]
fn a_withdrawal_whose_answer_is_lost_is_one() {
    replayed("a_withdrawal_whose_answer_is_lost_is_one", async || {
        let life = Life::calm(None).await;
        let regulation = life.asked();
        let post = life.begun("POST", json!({ "regulation": regulation }), "StartExecution").await;
        life.installation.turnstile.release(post);
        life.installation.turnstile.goes_wrong(post, Answer::Unsent);
        life.installation.turnstile.go(post, "").await;
        let turnstile = &life.installation.turnstile;
        let (delete, told) = life.installation.invoke("DELETE", json!({ "id": regulation.id }));
        turnstile.go(delete, "UpdateItem table-regulations").await;
        turnstile.goes_wrong(delete, Answer::Twice);
        turnstile.go(delete, "").await;
        assert_eq!(
            told.await.expect("it ends").ok(),
            Some(json!(true)),
            "{}",
            life.told("nothing is withdrawn")
        );
        life.holds().await;
    });
}

/// Two functions whose clocks differ: the one that suppresses notes an erasure before the request was made. An event that came
/// in between is neither late nor from before, unless the request's own time counts.
#[test]
fn an_event_between_two_clocks_is_dropped() {
    replayed("an_event_between_two_clocks_is_dropped", async || {
        let life = Life::calm(None).await;
        let turnstile = &life.installation.turnstile;
        turnstile.skews("suppress", -3);
        turnstile.skews("collect", -2);
        life.event("bob", "m1");
        life.event(PERSON, "m2");
        let messages = life.queue.take();
        let mut regulation = life.asked();
        // Made a moment ago, by a clock that is right; the event came in a moment before, by one that is late.
        regulation.created_at -= SignedDuration::from_millis(500);
        life.alone("POST", json!({ "regulation": regulation })).await;
        life.installation.begin_executions();
        life.until_it_is(&regulation, Status::Finished).await;
        life.alone("record", json!({ "Records": messages })).await;
        assert_eq!(life.left(), None, "{}", life.told("sealed, and the person comes back"));
        life.holds().await;
    });
}

/// The attempt is written, and whoever retried dies before it is started.
#[test]
fn a_retry_whose_start_is_lost_is_taken_up() {
    replayed("a_retry_whose_start_is_lost_is_taken_up", async || {
        let life = Life::calm(None).await;
        let regulation = life.failed().await;
        let retry = life.begun("retry", json!({ "id": regulation.id }), "StartExecution").await;
        life.die(retry, false);
        life.later().await;
        life.alone("purge-run", json!({ "action": "tick" })).await;
        life.installation.begin_executions();
        life.until_it_is(&regulation, Status::Finished).await;
        life.holds().await;
    });
}

/// The seal of the first attempt runs again while the second is under way, and once more after it.
#[test]
fn a_seal_that_runs_again_leaves_the_next_attempt_alone() {
    replayed("a_seal_that_runs_again_leaves_the_next_attempt_alone", async || {
        let life = Life::calm(None).await;
        let regulation = life.failed().await;
        let seal = json!({ "regulationId": regulation.id, "attempt": 1, "outcomes": [] });
        life.alone("retry", json!({ "id": regulation.id })).await;
        life.alone("audit", seal.clone()).await;
        assert_eq!(life.installation.status(&regulation.id), Some(Status::Running));
        life.installation.begin_executions();
        life.until_it_is(&regulation, Status::Finished).await;
        life.alone("audit", seal).await;
        assert_eq!(life.installation.status(&regulation.id), Some(Status::Finished));
        life.holds().await;
    });
}

/// One retry has read the regulation; another is carried out; the first goes on.
#[test]
fn of_two_retries_at_once_one_begins() {
    replayed("of_two_retries_at_once_one_begins", async || {
        let life = Life::calm(None).await;
        let regulation = life.failed().await;
        let slow = life.begun("retry", json!({ "id": regulation.id }), "UpdateItem").await;
        life.alone("retry", json!({ "id": regulation.id })).await;
        life.installation.begin_executions();
        life.until_it_is(&regulation, Status::Finished).await;
        life.installation.turnstile.release(slow);
        life.installation.turnstile.go(slow, "").await;
        life.holds().await;
        let attempt =
            life.installation.look().regulation(&regulation.id).await.expect("a look").expect("it is there");
        assert_eq!(attempt.attempt, 2);
    });
}

/// A warehouse's rows are counted, and the evidence of it cannot be stored at first.
#[test]
fn rows_that_were_counted_are_told_though_their_evidence_was_lost_once() {
    replayed("rows_that_were_counted_are_told_though_their_evidence_was_lost_once", async || {
        let life = Life::around(Installation::new(1, Trouble::default(), RECORD_ENDS, true).await);
        let turnstile = &life.installation.turnstile;
        turnstile.gate().world.redshift.rows.push(PERSON.to_owned());
        let regulation = life.asked();
        life.alone("POST", json!({ "regulation": regulation })).await;
        let mut step = json!({ "regulationId": regulation.id, "attempt": 1 });
        life.alone("suppress", step.clone()).await;
        step["destinationId"] = json!(life.installation.warehouse);
        let erase = life.begun("erase", step, "#find").await;
        turnstile.goes_wrong(erase, Answer::Unsent);
        turnstile.release(erase);
        turnstile.go(erase, "").await;
        life.installation.begin_executions();
        life.until_it_is(&regulation, Status::Finished).await;
        life.holds().await;
    });
}

/// The first step of the execution finds the regulation withdrawn, dies, and runs again.
#[test]
fn a_withdrawn_regulation_is_begun_by_no_later_try() {
    replayed("a_withdrawn_regulation_is_begun_by_no_later_try", async || {
        let life = Life::calm(None).await;
        let regulation = life.asked();
        life.alone("POST", json!({ "regulation": regulation })).await;
        life.alone("DELETE", json!({ "id": regulation.id })).await;
        let step = json!({ "regulationId": regulation.id, "attempt": 1 });
        let (again, told) = life.installation.invoke("suppress", step);
        life.installation.turnstile.go(again, "").await;
        let plan = told.await.expect("it ends").expect("it is harmless");
        assert_eq!(plan["archives"], json!([]), "{}", life.told("it is carried out"));
    });
}
