//! Purge runs: one at a time, stopped, confirmed, given up, taken up again.
//!
//! One regulation waits, in one archive of two objects that both hold its person. The second may be closed to us until
//! somebody puts that right. Runs begin whenever nobody seems to hold the lock; an execution may be ended by hand at any
//! moment, and whatever Lambda was at work then goes on for a while.

use stateright::{Model, Property};

use crate::check::{ENDS, Protocol};

/// How often something may go wrong: a batch, a guard or a close is lost, or an execution is ended.
const LOSSES: u8 = 2;
/// After so many runs in vain a regulation is told that it failed.
const GIVEN_UP_AFTER: u8 = 3;
/// How often it is tried again after that.
const ATTEMPTS: u8 = 2;

/// Is the person gone?
pub const GONE: &str = "once it is sealed, every object is clean";
/// Does the certificate tell what was removed?
pub const TOLD: &str = "the evidence names every object from which something was removed";
/// Does one run go at a time?
pub const ONE: &str = "no two runs work at once";
/// Was a large run confirmed?
pub const CONFIRMED: &str = "a run that removes too much was confirmed";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Object {
    /// Its current version holds the person.
    Dirty,
    /// The current version is clean, an older one is not.
    Rewritten,
    Clean,
}

/// Where a run's execution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum At {
    #[default]
    NotStarted,
    Open,
    Find,
    Guard,
    /// The guard has written what it thinks, and has not answered yet.
    Guarded,
    Await,
    Forget,
    Close,
    /// Evidence and tasks are written, the regulation is not answered.
    Settled,
    Answered,
    Abort,
    /// The regulation's list is updated, the lock is not free.
    Aborted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Run {
    at: At,
    /// Its execution was ended by hand.
    dead: bool,
    /// The attempt that it serves; none without a roster.
    serves: Option<u8>,
    /// Objects, as bits: found, not read since their batch was lost, and left while forgetting.
    found: u8,
    unread: u8,
    left: u8,
    question: bool,
    confirmed: bool,
    stop: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Gone,
    Failed,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    objects: [Object; 2],
    /// The second object cannot be rewritten.
    denied: bool,
    too_much: bool,
    lock: Option<u8>,
    runs: [Run; 2],
    waiting: bool,
    attempt: u8,
    /// How many runs that served this attempt were given up.
    given_up: u8,
    /// What became of the task; sealed, once nobody waits.
    task: Option<Outcome>,
    /// Objects that the evidence of find names, whether any of this attempt does, and those that we changed.
    evidence: u8,
    noted: bool,
    removed: u8,
    may_stop: bool,
    losses: u8,
}

/// One step of somebody; the number is a run's, and then an object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Start(usize),
    Step(usize),
    Rewrite(usize, usize),
    DropOlder(usize, usize),
    /// A batch, or the answer of a step, is lost.
    Lose(usize, usize),
    EndExecution(usize),
    Tick,
    Stop(usize),
    Confirm(usize),
    Grant,
    Retry,
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// **As the code once was**: what was found becomes evidence only when a run closes. A run that was stopped or given
    /// up after it had removed something takes that along, and the next finds nothing.
    EvidenceAtTheEnd,
    /// Half a remedy: it is written before anything is removed, but of the first run of an attempt alone.
    FirstFindStands,
    /// A batch that did not end counts as one that found nothing.
    UnreadIsClean,
    /// A run closes without a second look.
    NoSecondLook,
    /// A run goes on whoever has the lock.
    LockForAll,
    /// The schedule gives a run up without asking whether its execution goes on.
    TickAbortsTheLiving,
    /// A guard that runs again takes its own question for asked and answered.
    GuardAsksOnce,
    /// Nobody takes up what was ended by hand.
    NobodyTicks,
    /// Who gives a run up leaves the lock.
    AbortKeepsTheLock,
}

/// The protocol.
#[derive(Debug)]
pub struct Runs(Option<Mutant>);

impl Runs {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }
}

mod steps;

impl Protocol for Runs {
    type Mutant = Mutant;
    const NAME: &'static str = "run";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::EvidenceAtTheEnd, TOLD),
        (Mutant::FirstFindStands, TOLD),
        (Mutant::UnreadIsClean, GONE),
        (Mutant::NoSecondLook, GONE),
        (Mutant::LockForAll, ONE),
        (Mutant::TickAbortsTheLiving, ONE),
        (Mutant::GuardAsksOnce, CONFIRMED),
        (Mutant::NobodyTicks, ENDS),
        (Mutant::AbortKeepsTheLock, ENDS),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    /// It was answered, well or not, and the next run may begin.
    fn has_ended(&self, state: &State) -> bool {
        !state.waiting && state.lock.is_none() && state.runs.iter().all(|run| run.at == At::NotStarted)
    }
}

impl State {
    fn is_sealed(&self) -> bool {
        !self.waiting && self.task == Some(Outcome::Gone)
    }
}

fn at_work(state: &State) -> usize {
    let works = |run: &&Run| !run.dead && (At::Find..=At::Settled).contains(&run.at) && run.serves.is_some();
    state.runs.iter().filter(works).count()
}

impl Model for Runs {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let state = |(denied, too_much)| State {
            objects: [Object::Dirty; 2],
            denied,
            too_much,
            lock: None,
            runs: [Run::default(); 2],
            waiting: true,
            attempt: 0,
            given_up: 0,
            task: None,
            evidence: 0,
            noted: false,
            removed: 0,
            may_stop: true,
            losses: 0,
        };
        [(false, false), (false, true), (true, false), (true, true)].map(state).to_vec()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        self.act(*last, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GONE, |_, state: &State| {
                !state.is_sealed() || state.objects == [Object::Clean; 2]
            }),
            Property::always(TOLD, |_, state: &State| {
                !state.is_sealed() || state.removed & !state.evidence == 0
            }),
            Property::always(ONE, |_, state: &State| at_work(state) < 2),
            Property::always(CONFIRMED, |_, state: &State| {
                let forgets = |run: &Run| run.at == At::Forget && !run.confirmed;
                !state.too_much || !state.runs.iter().any(forgets)
            }),
        ]
    }
}
