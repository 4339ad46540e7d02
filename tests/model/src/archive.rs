//! Whether a sealed person stays gone: suppression list, door, queue, recorders, an archive with old versions, a writer
//! beside us, and the purge.
//!
//! One person S is to be erased; everybody else survives. Versions are sets of events, and equal content has an equal
//! entity tag, as in S3. Event times are told as the code tells them: an event of S came in before it was noted that S is
//! erased, or after that, through a door that had not read the list yet. What came in between suppression and erasure
//! is dropped by either rule, and so is left out.
//!
//! Two steps are here as the code takes them, and nothing here needs them: the recorder's second look, since the run
//! waits for the recorder and then finds its file; and the wait for the doors, since the recorder reads the list itself.
//! [`suppress_only`](crate::suppress_only) says what they are for.

use stateright::{Model, Property};

use self::versions::Versions;
use crate::check::Protocol;

/// Events as bits: two of S, from before and after its erasure was noted, and one of somebody else.
type Events = u8;
const EARLY: Events = 1;
const LATE: Events = 2;
const OTHER: Events = 4;
/// A line of another writer, who appends it to the object that was there.
const APPENDED: Events = 8;
const THEIRS: Events = EARLY | LATE;

/// Keys: the object that was there, and one per set of messages that a recorder took together.
const KEYS: usize = 8;
const OLD: usize = 0;

/// How much a model may do: workers may be lost, or given up while they go on.
const LOSSES: u8 = 2;

/// Is S gone, for ever?
pub const GONE: &str = "once it is sealed, no version holds the person again";
/// Is S gone when all the work is done?
pub const STAYS_GONE: &str = "once it is sealed and nobody is at work, no version holds the person";
/// Is everybody else there?
pub const SURVIVORS: &str = "every survivor is there";

/// What is said of S at the door, step by step: each change of the list is counted after it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Said {
    Nothing,
    Suppressed,
    /// The first change is counted, and the second is written.
    Erased,
    ErasedCounted,
    /// Somebody let S in again later. That it was erased stays noted.
    Lifted,
}

impl Said {
    fn count(self) -> u8 {
        match self {
            Self::Nothing | Self::Suppressed => 0,
            Self::Erased => 1,
            Self::ErasedCounted => 2,
            Self::Lifted => 3,
        }
    }
}

/// An invocation of the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Recorder {
    /// The messages that it took, and so its key.
    group: Events,
    /// What it will write, by the list as it read it.
    kept: Events,
    /// How often the list had been changed when it read it.
    count: u8,
    /// Whether all was said of S before it began.
    knows: bool,
    step: Recording,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Recording {
    /// It has read the list. The first time it insists that there is no such file.
    Read { first: bool },
    /// It has replaced a file, and the older versions are still there.
    Replaced,
    /// It has written.
    Wrote,
}

/// Where the run is that serves S's regulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    NotAsked,
    Suppressing,
    Waiting,
    Forget,
    Sealed,
}

/// A rewrite in memory: of which key, and what was read.
type Rewrite = Option<(u8, Events)>;

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    said: Said,
    /// Whether the door's copy of the list holds S back.
    door: bool,
    /// An event of S that the door has let in and not sent yet.
    passing: Events,
    /// Whether an event of S came in after its erasure was noted.
    late: bool,
    queue: Events,
    recorders: [Option<Recorder>; 2],
    /// The versions of each key.
    versions: [Versions; KEYS],
    appended: bool,
    phase: Phase,
    /// Keys that were hit, as bits, and those that are dealt with.
    hit: u8,
    done: u8,
    rewrite: Rewrite,
    /// The rewrite of an invocation that was given up: it is lost, or goes on all the same.
    ghost: Rewrite,
    losses: u8,
}

/// One step of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    DoorReadsTheList,
    DoorLetsIn,
    DoorSends,
    Ask,
    ListGoesOn,
    SuppressionEnds,
    Lift,
    Take(usize, Events),
    Put(usize),
    DropReplaced(usize),
    LookAgain(usize),
    LoseRecorder(usize),
    Append,
    ListAndFind,
    ReadCurrent(u8),
    PutClean,
    GhostPutsClean,
    DropOlder(u8),
    LookOnceMore,
    GivePurgeUp,
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// **As the code once was**: the run lists the archive although a recorder may be at work that read the list before S
    /// was suppressed. It writes S after the run has verified, and is lost before it looks again.
    ListsAtOnce,
    /// **As the code once was**: when S is let in again, nothing tells the recorder which events came in before that.
    LiftForgets,
    /// The clean version is put whatever is there.
    PutsWithoutCondition,
    /// Old versions are not looked at.
    CurrentVersionsOnly,
    /// The second look believes that what was forgotten is gone.
    VerifyBelieves,
    /// The recorder leaves the list to the door.
    RecorderTrustsTheDoor,
    /// It is not noted that S was erased, only that S is suppressed.
    ErasureNotNoted,
}

/// The protocol.
#[derive(Debug)]
pub struct Archive(Option<Mutant>);

impl Archive {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }

    /// Which events of a group a recorder keeps, by what the list says now.
    fn keeps(&self, said: Said, group: Events) -> Events {
        if self.is(Mutant::RecorderTrustsTheDoor) {
            return group;
        }
        let lifted = said == Said::Lifted;
        let drops_late = said >= Said::Suppressed && !(lifted && self.is(Mutant::LiftForgets));
        let drops_early = said >= Said::Erased && !self.is(Mutant::ErasureNotNoted);
        group & !(if drops_late { LATE } else { 0 } | if drops_early { EARLY } else { 0 })
    }

    fn holds(&self, versions: &Versions) -> bool {
        let versions = versions.all();
        let looked_at =
            if self.is(Mutant::CurrentVersionsOnly) { versions.len().saturating_sub(1) } else { 0 };
        versions[looked_at..].iter().any(|events| events & THEIRS != 0)
    }

    /// Every writer that read the list before all was said of S has ended: the recorder's timeout has passed since.
    fn writers_have_ended(&self, state: &State) -> bool {
        self.is(Mutant::ListsAtOnce) || state.recorders.iter().flatten().all(|recorder| recorder.knows)
    }
}

fn bit(key: u8) -> u8 {
    1 << key
}

mod steps;
mod versions;

impl Protocol for Archive {
    type Mutant = Mutant;
    const NAME: &'static str = "archive";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::ListsAtOnce, STAYS_GONE),
        (Mutant::LiftForgets, GONE),
        (Mutant::PutsWithoutCondition, SURVIVORS),
        (Mutant::CurrentVersionsOnly, GONE),
        (Mutant::VerifyBelieves, GONE),
        (Mutant::RecorderTrustsTheDoor, GONE),
        (Mutant::ErasureNotNoted, GONE),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    fn has_ended(&self, state: &State) -> bool {
        state.phase == Phase::Sealed && state.queue == 0 && state.recorders == [None; 2]
    }
}

/// Whether every event of others is in a current version, or still in the queue.
fn survivors_are_there(state: &State) -> bool {
    let current = |key: usize| state.versions[key].current();
    let recorded = (1..KEYS).map(current).fold(state.queue, |all, events| all | events);
    let old = OTHER | if state.appended { APPENDED } else { 0 };
    current(OLD) & old == old && recorded & OTHER != 0
}

fn is_gone(state: &State) -> bool {
    state.phase != Phase::Sealed
        || state.versions.iter().flat_map(Versions::all).all(|events| events & THEIRS == 0)
}

impl Model for Archive {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut versions = [Versions::default(); KEYS];
        // S's line stands in the current version and in an old one.
        versions[OLD] = Versions::of(&[EARLY, EARLY | OTHER]);
        vec![State {
            said: Said::Nothing,
            door: false,
            passing: EARLY,
            late: false,
            queue: OTHER,
            recorders: [None; 2],
            versions,
            appended: false,
            phase: Phase::NotAsked,
            hit: 0,
            done: 0,
            rewrite: None,
            ghost: None,
            losses: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        self.step(*last, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(GONE, |_, state| is_gone(state)),
            Property::always(STAYS_GONE, |model, state| !model.has_ended(state) || is_gone(state)),
            Property::always(SURVIVORS, |_, state| survivors_are_there(state)),
        ]
    }
}
