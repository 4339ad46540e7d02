//! A turnstile before AWS: every call of every task waits until the seed lets it through, one at a time. It may also refuse
//! it, lose its answer, carry it out twice (as the SDK does that tries again), or end the caller before or after it.
//!
//! A task is a future of this thread: an invocation of a function, an execution of a state machine, or somebody outside.
//! Between two calls only the task that was answered goes on, with the thread that reads an object for it, until it waits
//! again: so a seed repeats exactly. Time is simulated; it moves a little with each call, and up to the next timer once
//! nothing else is left to do.

mod names;
mod schedule;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;
use std::time::Duration;

use aws_config::SdkConfig;
use futures::FutureExt;
use futures::channel::oneshot;
use jiff::{SignedDuration, Timestamp};
use lambda::clock;
use tokio::sync::Notify;

use crate::dice::Dice;
use crate::gate::{self, Answer, Gate, What};
use crate::seeds::{Fault, Figures};
use names::Names;

/// What goes wrong, at most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    /// Calls that are refused, lost or repeated.
    pub faults: u32,
    /// Invocations that end half-way.
    pub crashes: u32,
    /// Invocations of which there are two at once.
    pub ghosts: u32,
    /// Task tokens that expire.
    pub expiries: u32,
}

/// How long an invocation may take.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(900);

pub type TaskId = usize;

struct Task {
    name: String,
    future: Pin<Box<dyn Future<Output = ()>>>,
    flag: Arc<Flag>,
    /// How wrong its clock is.
    skew: SignedDuration,
    /// By when it ends, if it is an invocation.
    until: Option<Timestamp>,
    /// Until which step it does not move, as a machine that is slow.
    frozen: u64,
    slow: bool,
}

struct Flag(AtomicBool, Arc<Notify>);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
        self.1.notify_one();
    }
}

#[derive(Clone)]
pub struct Turnstile(Rc<Inner>);

struct Inner {
    gate: Arc<Mutex<Gate>>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    next: Cell<TaskId>,
    current: Cell<TaskId>,
    steps: Cell<u64>,
    dice: RefCell<Dice>,
    trouble: Cell<Trouble>,
    schedule: RefCell<Vec<String>>,
    names: RefCell<Names>,
    held: RefCell<BTreeSet<TaskId>>,
    skews: RefCell<BTreeMap<String, SignedDuration>>,
    woken: Arc<Notify>,
    /// How long a thread may read an object, in real time.
    patience: Cell<Duration>,
}

impl Turnstile {
    pub fn new(seed: u64, trouble: Trouble) -> Self {
        clock::simulate(Timestamp::from_second(1_795_000_000).expect("a time"));
        let gate = Gate::default();
        Self(Rc::new(Inner {
            woken: gate.arrived.clone(),
            gate: Arc::new(Mutex::new(gate)),
            tasks: RefCell::default(),
            next: Cell::new(1),
            current: Cell::new(0),
            steps: Cell::new(0),
            dice: RefCell::new(Dice(seed)),
            trouble: Cell::new(trouble),
            schedule: RefCell::default(),
            names: RefCell::default(),
            held: RefCell::default(),
            skews: RefCell::default(),
            patience: Cell::new(Duration::from_secs(60)),
        }))
    }

    pub fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn roll(&self, sides: u64) -> u64 {
        self.0.dice.borrow_mut().roll(sides)
    }

    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// From now on nothing goes wrong.
    pub fn calm_down(&self) {
        self.0.trouble.set(Trouble::default());
    }

    /// A fault with the schedule that led to it.
    pub fn told(&self, fault: &str) -> String {
        format!("{fault}\n  {}", self.0.schedule.borrow().join("\n  "))
    }

    /// Whether a call that says this has come.
    pub fn has_seen(&self, text: &str) -> bool {
        self.0.schedule.borrow().iter().any(|line| line.contains(text))
    }

    pub fn note(&self, text: &str) {
        let line = self.0.names.borrow_mut().shorten(text);
        self.0.schedule.borrow_mut().push(line);
    }

    /// Plays a seed to its end. What is wrong is told with the schedule that led to it, also if somebody panics.
    pub async fn watch(&self, play: impl Future<Output = Result<(), String>>) -> Result<Figures, Fault> {
        let outcome = AssertUnwindSafe(play).catch_unwind().await;
        let schedule = self.0.schedule.take();
        self.close();
        match outcome.unwrap_or_else(|_| Err("somebody panics".to_owned())) {
            Ok(()) => Ok(Figures { steps: self.steps(), schedule }),
            Err(what) => Err(Fault { what: self.0.names.borrow_mut().shorten(&what), schedule }),
        }
    }

    /// Ends all tasks. They know the turnstile that holds them, and would otherwise stay for ever.
    pub fn close(&self) {
        drop(self.0.tasks.take());
        self.gate().close();
    }

    /// What a client uses whose calls pass at once: for setting up, and for looking.
    pub fn config(&self) -> SdkConfig {
        gate::config(self.0.gate.clone(), None)
    }

    /// Begins a task: not an invocation, so that it never dies by itself.
    pub fn spawn(&self, name: impl Into<String>, future: impl Future<Output = ()> + 'static) -> TaskId {
        self.begin(name.into(), None, |_| Box::pin(future))
    }

    /// Begins an invocation. Its outcome never comes, if it dies.
    pub fn invoke<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        name: impl Into<String>,
        timeout: Option<SignedDuration>,
        work: impl FnOnce(SdkConfig) -> F,
    ) -> (TaskId, oneshot::Receiver<T>) {
        let (tell, outcome) = oneshot::channel();
        let until = clock::now() + timeout.unwrap_or(TIMEOUT);
        let task = self.begin(name.into(), Some(until), |config| {
            let work = work(config);
            Box::pin(async move { drop(tell.send(work.await)) })
        });
        (task, outcome)
    }

    fn begin(
        &self,
        name: String,
        until: Option<Timestamp>,
        work: impl FnOnce(SdkConfig) -> Pin<Box<dyn Future<Output = ()>>>,
    ) -> TaskId {
        let id = self.0.next.replace(self.0.next.get() + 1);
        self.gate().alive.insert(id);
        let future = work(gate::config(self.0.gate.clone(), Some(id)));
        let flag = Arc::new(Flag(AtomicBool::new(true), self.0.woken.clone()));
        let slow = until.is_some() && self.roll(4) == 0;
        let skew = until.map_or(SignedDuration::ZERO, |_| self.skew(&name));
        self.0.tasks.borrow_mut().insert(id, Task { name, future, flag, skew, until, frozen: 0, slow });
        id
    }

    /// A function's clock is wrong by so many seconds.
    pub fn skews(&self, function: &str, seconds: i64) {
        self.0.skews.borrow_mut().insert(function.to_owned(), SignedDuration::from_secs(seconds));
    }

    /// How wrong a function's clock is: less than the margin that a run adds for clocks.
    pub fn skew(&self, name: &str) -> SignedDuration {
        let function = name.split(' ').next().unwrap_or_default().to_owned();
        let wrong = [0, 0, self.roll(9) as i64 - 4][self.roll(3) as usize];
        *self.0.skews.borrow_mut().entry(function).or_insert(SignedDuration::from_secs(wrong))
    }

    /// Whether a ghost of an invocation begins beside it.
    pub fn haunted(&self) -> bool {
        self.strikes(20, |trouble| &mut trouble.ghosts)
    }

    /// Whether a task token expires.
    pub fn expires(&self) -> bool {
        self.strikes(4, |trouble| &mut trouble.expiries)
    }

    /// Whether trouble strikes, once in so many times, as long as some is left.
    fn strikes(&self, one_in: u64, kind: impl Fn(&mut Trouble) -> &mut u32) -> bool {
        let mut trouble = self.0.trouble.get();
        if *kind(&mut trouble) == 0 || self.roll(one_in) > 0 {
            return false;
        }
        *kind(&mut trouble) -= 1;
        self.0.trouble.set(trouble);
        true
    }

    /// The task that asks waits for its turn.
    pub async fn turn(&self, label: &str) {
        self.wait_for(What::Turn(clock::now()), label).await;
    }

    /// The task that asks waits for a time.
    pub async fn wait(&self, seconds: u64, label: &str) {
        let at = clock::now() + SignedDuration::from_secs(seconds as i64);
        self.wait_for(What::Turn(at), label).await;
    }

    /// The task that asks waits until somebody answers a task token.
    pub async fn wait_for_token(&self, token: &str) {
        self.wait_for(What::Token(token.to_owned()), token).await;
    }

    async fn wait_for(&self, what: What, label: &str) {
        let turn = self.gate().wait(self.0.current.get(), label.to_owned(), what);
        drop(turn.await);
    }

    pub fn is_alive(&self, task: TaskId) -> bool {
        self.0.tasks.borrow().contains_key(&task)
    }

    /// Executions that are under way.
    pub fn running(&self) -> Vec<TaskId> {
        let gate = self.gate();
        let executions = &gate.world.step_functions.executions;
        let tasks = self.0.tasks.borrow();
        tasks.iter().filter(|(_, task)| executions.contains_key(&task.name)).map(|(id, _)| *id).collect()
    }

    pub fn name(&self, task: TaskId) -> Option<String> {
        self.0.tasks.borrow().get(&task).map(|task| task.name.clone())
    }

    /// Ends a task. A call that it has just sent may still be carried out, if `lands`.
    pub fn kill(&self, task: TaskId, mut lands: impl FnMut() -> bool) {
        let Some(gone) = self.0.tasks.borrow_mut().remove(&task) else { return };
        self.note(&format!("{} dies", gone.name));
        drop(gone);
        let calls = self.gate().withdraw(task);
        for (label, call) in calls {
            if lands() {
                self.note(&format!("  its {label} arrives"));
                self.gate().world.carry_out(&call);
            }
        }
    }

    /// A task does not move until it is released; it may die.
    pub fn hold(&self, task: TaskId) {
        self.0.held.borrow_mut().insert(task);
    }

    pub fn release(&self, task: TaskId) {
        self.0.held.borrow_mut().remove(&task);
    }

    /// Lets one task go on until it is about to make a call about `until`, or ends.
    pub async fn go(&self, task: TaskId, until: &str) {
        loop {
            assert!(self.settle().await, "{}", self.told("nobody can move"));
            let Some(place) = self.gate().place_of(task) else { return };
            let label = self.gate().label(place);
            if !until.is_empty() && label.contains(until) {
                return;
            }
            self.pass(place, None);
        }
    }

    /// The call that a task is about to make goes wrong.
    pub fn goes_wrong(&self, task: TaskId, how: Answer) {
        let place = self.gate().place_of(task).expect("it is about to make a call");
        self.pass(place, Some(how));
    }
}
