//! Whether a suppression that erases nobody keeps somebody out: the list and its counter, the door with an old copy of
//! the list, the queue, and a recorder that looks twice.
//!
//! No purge follows, so that what a recorder leaves in a file stays there. Two changes are made, as for one regulation:
//! the person's, then that of a device which belongs to her. An event that came in before the request is kept.
//!
//! What no step of the code prevents is no property here. An event that came in after the request and was written and
//! acknowledged before the list said so stays in its file. So does one in the file of a recorder that was lost before its
//! second look, if its messages come again in another grouping.

use stateright::{Model, Property};

use crate::check::Protocol;

/// Events as bits: the person's from before the request and since, and her device's since.
type Events = u8;
const BEFORE: Events = 1;
const SINCE: Events = 2;
const DEVICE: Events = 4;
const LATER: Events = SINCE | DEVICE;

/// One file per set of messages that a recorder took together.
const FILES: usize = 8;

/// How often the recorder may be lost.
const LOSSES: u8 = 2;

/// Does the door hold her back?
pub const HELD: &str = "once the suppression step has ended, the door lets nobody of hers in";
/// Is what came too late in no file?
pub const AFTER: &str = "what comes in once the list says so is in no file";
/// Are files replaced that were being written?
pub const REPLACED: &str =
    "a file that is put once the change is counted holds, in the end, nothing since the request";
/// Is the rest kept?
pub const KEPT: &str = "what came in before the request is kept";

/// What is forbidden after so many changes.
const FORBIDDEN: [Events; 3] = [0, SINCE, LATER];

/// How many steps were taken on the list: each of the two changes is written, then counted.
type Said = u8;
const ALL: Said = 4;

/// An invocation of the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Recorder {
    /// The messages that it took, and so its file.
    group: Events,
    kept: Events,
    /// The counter as it read it before the list.
    count: u8,
    /// How often it has looked at the list.
    looks: u8,
    /// What its file held when it was put although that was forbidden for sure.
    owes: Events,
    step: Recording,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Recording {
    /// It has read the counter, and next the list; the mutant that reads the list first has read that.
    Looks,
    Puts,
    Wrote,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    NotAsked,
    Suppressing,
    Ended,
}

/// All there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    phase: Phase,
    said: Said,
    /// The list as the door has read it last.
    copy: Said,
    /// Events that the door has let in, and not sent yet.
    passing: Events,
    queue: Events,
    /// Events that came in, and those of them that came in after the list forbade them.
    came: Events,
    late: Events,
    recorder: Option<Recorder>,
    files: [Events; FILES],
    /// Whether the door let one of hers in after the step had ended.
    broke_in: bool,
    /// Whether a recorder ended and owed something.
    slipped: bool,
    losses: u8,
}

/// One step of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Action {
    Ask,
    ListGoesOn,
    StepEnds,
    DoorReadsTheList,
    DoorLetsIn(Events),
    DoorSends,
    Take(Events),
    Look,
    Put,
    LookAgain,
    LoseRecorder,
}

/// A step left out or weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The step ends without waiting until every door has read the list anew.
    EndsAtOnce,
    /// The recorder leaves the list to the door.
    RecorderTrustsTheDoor,
    /// The recorder does not look again after it has written.
    NoSecondLook,
    /// It looks once more, and then no more.
    LooksTwiceOnly,
    /// It reads the list before the counter.
    ListBeforeCounter,
    /// A change is counted before it is written.
    CountedBeforeWritten,
    /// Who is suppressed is dropped, whenever the event came in.
    DropsFromBefore,
}

/// The protocol.
#[derive(Debug)]
pub struct SuppressOnly(Option<Mutant>);

impl SuppressOnly {
    fn is(&self, mutant: Mutant) -> bool {
        self.0 == Some(mutant)
    }

    /// How many changes are counted. Each is written first.
    fn count(&self, said: Said) -> u8 {
        if self.is(Mutant::CountedBeforeWritten) { said.div_ceil(2) } else { said / 2 }
    }

    /// The events since the request that the list forbids.
    fn forbids(&self, said: Said) -> Events {
        FORBIDDEN
            [usize::from(if self.is(Mutant::CountedBeforeWritten) { said / 2 } else { said.div_ceil(2) })]
    }

    fn drops(&self, said: Said) -> Events {
        match self.forbids(said) {
            _ if self.is(Mutant::RecorderTrustsTheDoor) => 0,
            0 => 0,
            forbidden if self.is(Mutant::DropsFromBefore) => forbidden | BEFORE,
            forbidden => forbidden,
        }
    }

    fn take(&self, state: &mut State, group: Events, looks: u8) {
        let kept = if self.is(Mutant::ListBeforeCounter) { group & !self.drops(state.said) } else { group };
        let count = self.count(state.said);
        state.recorder = Some(Recorder { group, kept, count, looks, owes: 0, step: Recording::Looks });
    }

    fn look(&self, state: &mut State) -> Option<()> {
        let (said, count) = (state.said, self.count(state.said));
        let recorder = state.recorder.as_mut()?;
        if self.is(Mutant::ListBeforeCounter) {
            recorder.count = count;
        } else {
            recorder.kept &= !self.drops(said);
        }
        recorder.looks += 1;
        // A look that drops nothing new ends it.
        let new = recorder.kept != state.files[usize::from(recorder.group)];
        recorder.step = if recorder.looks == 1 || new { Recording::Puts } else { Recording::Wrote };
        if recorder.step == Recording::Wrote {
            self.acknowledge(state);
        }
        Some(())
    }

    fn look_again(&self, state: &mut State) -> Option<()> {
        let recorder = state.recorder?;
        let enough = self.is(Mutant::NoSecondLook) || self.is(Mutant::LooksTwiceOnly) && recorder.looks == 2;
        if enough || self.count(state.said) == recorder.count {
            self.acknowledge(state);
            return Some(());
        }
        self.take(state, recorder.kept, recorder.looks);
        let again = state.recorder.as_mut()?;
        (again.group, again.owes) = (recorder.group, recorder.owes);
        Some(())
    }

    fn acknowledge(&self, state: &mut State) {
        if let Some(recorder) = state.recorder.take() {
            state.queue &= !recorder.group;
            state.slipped |= recorder.owes & state.files[usize::from(recorder.group)] != 0;
        }
    }
}

impl Protocol for SuppressOnly {
    type Mutant = Mutant;
    const NAME: &'static str = "suppress_only";
    const MUTANTS: &'static [(Mutant, &'static str)] = &[
        (Mutant::EndsAtOnce, HELD),
        (Mutant::RecorderTrustsTheDoor, AFTER),
        (Mutant::NoSecondLook, REPLACED),
        (Mutant::LooksTwiceOnly, REPLACED),
        (Mutant::ListBeforeCounter, REPLACED),
        (Mutant::CountedBeforeWritten, REPLACED),
        (Mutant::DropsFromBefore, KEPT),
    ];

    fn new(mutant: Option<Mutant>) -> Self {
        Self(mutant)
    }

    fn has_ended(&self, state: &State) -> bool {
        state.phase == Phase::Ended && state.passing | state.queue == 0 && state.recorder.is_none()
    }
}

impl Model for SuppressOnly {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            phase: Phase::NotAsked,
            said: 0,
            copy: 0,
            passing: BEFORE,
            queue: 0,
            came: BEFORE,
            late: 0,
            recorder: None,
            files: [0; FILES],
            broke_in: false,
            slipped: false,
            losses: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match state.phase {
            Phase::NotAsked => actions.push(Action::Ask),
            Phase::Suppressing if state.said < ALL => actions.push(Action::ListGoesOn),
            Phase::Suppressing if state.copy == state.said || self.is(Mutant::EndsAtOnce) => {
                actions.push(Action::StepEnds);
            }
            _ => {}
        }
        if state.copy != state.said {
            actions.push(Action::DoorReadsTheList);
        }
        if state.phase > Phase::NotAsked {
            let coming = LATER & !state.came & !self.forbids(state.copy);
            let one_by_one = [SINCE, DEVICE].into_iter().filter(|event| coming & event != 0);
            actions.extend(one_by_one.map(Action::DoorLetsIn));
        }
        if state.passing != 0 {
            actions.push(Action::DoorSends);
        }
        let Some(recorder) = state.recorder else {
            let groups = 1..FILES as u8;
            actions.extend(groups.filter(|group| group & !state.queue == 0).map(Action::Take));
            return;
        };
        actions.push(match recorder.step {
            Recording::Looks => Action::Look,
            Recording::Puts => Action::Put,
            Recording::Wrote => Action::LookAgain,
        });
        if state.losses < LOSSES {
            actions.push(Action::LoseRecorder);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Ask => state.phase = Phase::Suppressing,
            Action::ListGoesOn => state.said += 1,
            Action::StepEnds => state.phase = Phase::Ended,
            Action::DoorReadsTheList => state.copy = state.said,
            Action::DoorLetsIn(event) => {
                state.came |= event;
                state.passing |= event;
                state.late |= event & self.forbids(state.said);
                state.broke_in |= state.phase == Phase::Ended;
            }
            Action::DoorSends => state.queue |= std::mem::take(&mut state.passing),
            Action::Take(group) => self.take(&mut state, group, 0),
            Action::Look => self.look(&mut state)?,
            Action::Put => {
                let forbidden = FORBIDDEN[usize::from(state.said / 2)];
                let recorder = state.recorder.as_mut()?;
                state.files[usize::from(recorder.group)] = recorder.kept;
                recorder.owes = recorder.kept & forbidden;
                recorder.step = Recording::Wrote;
            }
            Action::LookAgain => self.look_again(&mut state)?,
            Action::LoseRecorder => {
                state.losses += 1;
                state.recorder = None;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(HELD, |_, state: &State| !state.broke_in),
            Property::always(AFTER, |_, state: &State| state.files.iter().all(|file| file & state.late == 0)),
            Property::always(REPLACED, |_, state: &State| !state.slipped),
            Property::always(KEPT, |_, state: &State| {
                let written = state.files.iter().fold(state.passing | state.queue, |all, file| all | file);
                written & BEFORE == BEFORE
            }),
        ]
    }
}
