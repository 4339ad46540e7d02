//! Who goes next, and what goes wrong with it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda::clock;
use tokio::time::timeout;

use super::{Task, TaskId, Trouble, Turnstile};
use crate::gate::Answer;
use crate::seeds;

impl Turnstile {
    /// One call of some task. Returns whether there was any.
    pub async fn step(&self) -> bool {
        if !self.settle().await {
            return false;
        }
        self.end_overdue();
        let Some(place) = self.choose() else { return false };
        self.0.steps.set(self.steps() + 1);
        // Whole milliseconds, however often somebody looked at the clock.
        let now = Timestamp::from_millisecond(clock::now().as_millisecond()).expect("a time");
        clock::simulate(now + SignedDuration::from_millis(1 + self.roll(20) as i64));
        let fault = self.fault(place);
        self.pass(place, fault);
        self.settle().await
    }

    /// A task that may move, and one of its calls.
    fn choose(&self) -> Option<usize> {
        loop {
            let now = clock::now();
            let ready = self.gate().ready(now);
            let held = self.0.held.borrow();
            let moves = ready.iter().map(|(task, _)| *task).filter(|task| !held.contains(task));
            let tasks: BTreeSet<TaskId> = moves.collect();
            let frozen = |task: &&TaskId| {
                let tasks = self.0.tasks.borrow();
                tasks.get(task).is_some_and(|task| task.frozen > self.steps())
            };
            let free: Vec<TaskId> = tasks.iter().copied().filter(|task| !frozen(&task)).collect();
            // Time passes once nobody else moves, and now and then before.
            let one_in = if free.is_empty() { 2 } else { 200 };
            let among = if free.is_empty() { tasks.into_iter().collect() } else { free };
            let timer = self.gate().next_timer(now);
            let soon = |timer: &Timestamp| timer.duration_since(now) < SignedDuration::from_mins(15);
            let passes = |timer: &Timestamp| among.is_empty() || soon(timer) && self.roll(one_in) == 0;
            let Some(timer) = timer.filter(passes) else {
                if among.is_empty() {
                    return None;
                }
                let task = among[self.roll(among.len() as u64) as usize];
                let places: Vec<usize> =
                    ready.iter().filter(|(of, _)| *of == task).map(|(_, at)| *at).collect();
                self.slow_down(task);
                return Some(places[self.roll(places.len() as u64) as usize]);
            };
            clock::simulate(timer);
            self.end_overdue();
        }
    }

    fn slow_down(&self, task: TaskId) {
        let steps = self.steps();
        let (often, long) = (self.roll(5) == 0, self.roll(400));
        if let Some(task) = self.0.tasks.borrow_mut().get_mut(&task)
            && task.slow
            && often
        {
            task.frozen = steps + long;
        }
    }

    fn end_overdue(&self) {
        let now = clock::now();
        let overdue: Vec<TaskId> = (self.0.tasks.borrow().iter())
            .filter(|(_, task)| task.until.is_some_and(|until| until < now))
            .map(|(id, _)| *id)
            .collect();
        overdue.into_iter().for_each(|task| self.kill(task, || self.roll(2) == 0));
    }

    fn fault(&self, place: usize) -> Option<Answer> {
        let (task, is_call) = self.gate().about(place);
        if !is_call {
            return None;
        }
        if self.strikes(60, |trouble| &mut trouble.crashes) {
            return Some(Answer::Death { done: self.roll(2) == 0, task });
        }
        if !self.strikes(12, |trouble| &mut trouble.faults) {
            return None;
        }
        Some([Answer::Refused, Answer::Unsent, Answer::Lost, Answer::Twice][self.roll(4) as usize])
    }

    pub(super) fn pass(&self, place: usize, fault: Option<Answer>) {
        let (task, _) = self.gate().about(place);
        let who = self.name(task).unwrap_or_default();
        let label = self.gate().label(place);
        let told = fault.map_or(String::new(), |fault| format!(": {fault:?}"));
        self.note(&format!("{:>4} {who}: {label}{told}", self.steps()));
        if let Some(Answer::Death { done, .. }) = fault {
            return self.kill(task, || done);
        }
        self.gate().pass(place, fault);
    }

    /// Every task goes on as far as it can without another call. Returns whether each has: an invocation that neither calls
    /// nor ends waits for a thread that reads an object, and such a thread soon ends or makes a call.
    pub(super) async fn settle(&self) -> bool {
        loop {
            let awake = (self.0.tasks.borrow().iter())
                .find(|(_, task)| task.flag.0.swap(false, Ordering::Relaxed))
                .map(|(id, _)| *id);
            if let Some(id) = awake {
                self.poll(id);
                continue;
            }
            let waiting = self.gate().tasks();
            let reads = |(id, task): &(&TaskId, &Task)| task.until.is_some() && !waiting.contains(id);
            let reading = self.0.tasks.borrow().iter().find(reads).map(|(_, task)| task.name.clone());
            let Some(reading) = reading else { return true };
            if timeout(self.0.patience.get(), self.0.woken.notified()).await.is_err() {
                self.note(&format!("{reading} waits, and nobody wakes it"));
                return false;
            }
        }
    }

    fn poll(&self, id: TaskId) {
        let Some(mut task) = self.0.tasks.borrow_mut().remove(&id) else { return };
        self.0.current.set(id);
        clock::simulate(clock::now() + task.skew);
        let waker = Waker::from(task.flag.clone());
        let goes_on = task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        clock::simulate(clock::now() - task.skew);
        if goes_on {
            self.0.tasks.borrow_mut().insert(id, task);
        } else {
            self.gate().withdraw(id);
        }
    }
}

#[test]
fn an_invocation_that_nobody_wakes_fails_its_seed() {
    let fault = seeds::run(async {
        let turnstile = Turnstile::new(1, Trouble::default());
        turnstile.0.patience.set(Duration::from_millis(100));
        drop(turnstile.invoke("purge", None, |_| std::future::pending::<()>()));
        let play = async { if turnstile.step().await { Ok(()) } else { Err("nobody can move".to_owned()) } };
        turnstile.watch(play).await.expect_err("it waits for ever")
    });
    assert_eq!(fault.what, "nobody can move");
    assert_eq!(fault.schedule, ["purge waits, and nobody wakes it"]);
}
