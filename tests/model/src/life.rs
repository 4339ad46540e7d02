//! A regulation's life: begun, withdrawn, failed, tried again, sealed; its identifiers kept and dropped.
//!
//! It has one task. Each attempt is an execution, which somebody may end by hand at any moment. Two people may ask for
//! a retry at once, and whoever serves them may be lost before the attempt is started.

use stateright::{Model, Property};

use crate::check::{ENDS, Protocol};

/// How many attempts there may be.
const ATTEMPTS: usize = 3;
/// How often something is lost.
const LOSSES: u8 = 2;

/// Does success mean gone?
pub const GONE: &str = "what is finished is suppressed and erased";
/// Do certificates name people?
pub const NAMED: &str = "every certificate names its subjects";
/// Does a withdrawal stand?
pub const WITHDRAWN: &str = "what is withdrawn stays so, and nothing was erased or certified";
/// Are identifiers dropped?
pub const DROPPED: &str = "what is finished keeps no identifiers";
/// Does an attempt end its own tasks?
pub const OWN: &str = "an attempt ends the tasks of no other";
/// Does what is done stay done?
pub const DONE: &str = "a task that ended well does not begin again";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Status {
    Initialized,
    Running,
    Failed,
    Finished,
    Invalid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Task {
    Queued,
    Confirmed,
    Failed,
}

/// Where an attempt's execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum At {
    NotStarted,
    Suppress,
    Work,
    Seal,
    /// The seal knows how the regulation ended, and has the certificate yet to write.
    Certify(Status),
    Drop(Status),
    SetStatus(Status),
    /// All is written; the state machine has not heard of it.
    Unanswered,
    Ended,
    /// It was ended by hand.
    Dead,
}

/// Who asked for a retry, and how far that is: with the attempt and the task as they were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Retry {
    Idle,
    Read(u8, Task),
    /// The attempt is begun, or the task reset: whichever comes first.
    Half(u8, Task),
    Start(u8),
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    status: Status,
    /// From zero.
    attempt: u8,
    task: Task,
    subjects: bool,
    suppressed: bool,
    /// The person's data is where the task erases.
    present: bool,
    executions: [At; ATTEMPTS],
    /// Whether each attempt has a certificate, and whether that names anybody.
    certificates: [Option<bool>; ATTEMPTS],
    retries: [Retry; 2],
    /// Its identifiers are to be dropped when the time has come.
    due: bool,
    withdrawn: bool,
    meddled: bool,
    undone: bool,
    losses: u8,
}

/// One step of somebody; the number is an attempt's, or that of who asks for a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Step(usize),
    WorkFails(usize),
    SuppressionFails(usize),
    /// A seal is lost, and runs again.
    LoseSeal(usize),
    EndExecution(usize),
    Withdraw,
    TakeBack,
    AskForRetry(usize),
    Retry(usize),
    LoseRetry(usize),
    Tick,
    TimePasses,
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// **As the code once was**: the schedule starts what is `INITIALIZED`, and no attempt of a retry whose start was lost.
    StartOfRetryIsLost,
    /// **As the code once was**: nobody takes up an execution that ended without a seal; its name is taken.
    EndedStaysEnded,
    /// **As the code once was**: a seal that runs again, after the next attempt has begun, fails the tasks of that one.
    SealMeddles,
    /// **As the code once was**: the seal of a regulation whose suppression failed does not see that it is withdrawn meanwhile.
    SealMissesWithdrawal,
    /// **As the code once was**: tasks are reset before the attempt is begun, by whoever read them as failed.
    ResetsFirst,
    /// Identifiers are dropped before the certificate is written.
    DropsFirst,
    /// What is due is dropped although another attempt is under way.
    DropsDuringRetry,
    /// It can be withdrawn after its work has begun.
    WithdrawsAnytime,
    /// A task that did not end counts as done.
    UnendedIsDone,
}

/// The protocol.
#[derive(Debug)]
pub struct Life(Option<Mutant>);

impl Life {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }
}

mod steps;

impl State {
    fn is_at_work(&self) -> bool {
        self.executions.iter().any(|at| (At::Suppress..At::Ended).contains(at))
    }
}

impl Protocol for Life {
    type Mutant = Mutant;
    const NAME: &'static str = "life";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::StartOfRetryIsLost, ENDS),
        (Mutant::EndedStaysEnded, ENDS),
        (Mutant::SealMeddles, OWN),
        (Mutant::SealMissesWithdrawal, WITHDRAWN),
        (Mutant::ResetsFirst, DONE),
        (Mutant::DropsFirst, NAMED),
        (Mutant::DropsDuringRetry, NAMED),
        (Mutant::WithdrawsAnytime, WITHDRAWN),
        (Mutant::UnendedIsDone, GONE),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    /// It ended, well or not, and keeps no identifiers.
    fn has_ended(&self, state: &State) -> bool {
        let is_final = matches!(state.status, Status::Failed | Status::Finished | Status::Invalid);
        is_final && !state.subjects && !state.is_at_work()
    }
}

impl Model for Life {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            status: Status::Initialized,
            attempt: 0,
            task: Task::Queued,
            subjects: true,
            suppressed: false,
            present: true,
            executions: [At::NotStarted; ATTEMPTS],
            certificates: [None; ATTEMPTS],
            retries: [Retry::Idle; 2],
            due: false,
            withdrawn: false,
            meddled: false,
            undone: false,
            losses: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        self.act(&mut state, action);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GONE, |_, state: &State| {
                state.status != Status::Finished || state.suppressed && !state.present
            }),
            Property::always(NAMED, |_, state: &State| !state.certificates.contains(&Some(false))),
            Property::always(WITHDRAWN, |_, state: &State| {
                let untouched = state.present && state.certificates == [None; ATTEMPTS];
                !state.withdrawn || state.status == Status::Invalid && untouched
            }),
            Property::always(DROPPED, |_, state: &State| state.status != Status::Finished || !state.subjects),
            Property::always(OWN, |_, state: &State| !state.meddled),
            Property::always(DONE, |_, state: &State| !state.undone),
        ]
    }
}
